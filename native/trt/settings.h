// What a flavour says of its builder settings, free of NVIDIA's types: plain data without inline
// functions, so that no flavour emits a copy of one. The meaning of each setting is told in
// src/engine/options/table.ts; a test holds both to each other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trt/gates.h"

namespace tensorrt_node::trt {

/// Which part of a SettingValue counts: booleans and integers are numbers, choices and texts are
/// text, sets and lists are a list of texts.
enum class SettingKind { kBoolean, kInteger, kChoice, kSet, kText, kList };

/// One value of a choice or set.
struct SettingChoice {
  const char* text;
  /// The enumerator's number.
  std::int32_t number;
  Gate since;
};

struct SettingInfo {
  const char* name;
  SettingKind kind;
  Gate since;
  /// Integers only.
  std::int64_t min;
  std::int64_t max;
  /// Choices and sets only.
  const SettingChoice* choices;
  std::size_t choice_count;
};

/// How the enumerators of one enum of the headers are accounted for.
struct EnumInfo {
  const char* name;
  /// One more than the greatest enumerator.
  std::int32_t enum_max;
  std::int32_t offered;
  /// Enumerators that no setting offers; names separated by spaces.
  const char* left_out;
  std::int32_t left_out_count;
  /// Numbers below enum_max that no enumerator has.
  std::int32_t unused;
};

}  // namespace tensorrt_node::trt
