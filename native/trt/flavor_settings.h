#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trt/build.h"
#include "trt/library.h"
#include "trt/settings.h"

namespace tensorrt_node::TRT_FLAVOR {

/// What settings are applied to.
struct SettingTarget {
  nvinfer1::IBuilder& builder;
  nvinfer1::IBuilderConfig& config;
  nvonnxparser::IParser& parser;
  const trt::Library& library;
};

/// A value that fits its row: in range, every choice known to the loaded library.
struct CheckedSetting {
  const trt::SettingInfo& info;
  /// Booleans, integers, the number of a choice.
  std::int64_t number = 0;
  /// Bit n stands for the enumerator n of a set.
  std::uint32_t mask = 0;
  const std::string& text;
  const std::vector<std::string>& list;
};

enum class Step { kSet, kCheck };

struct Setting {
  trt::SettingInfo info;
  /// Sets the value (kSet only) and reads it back: false when TensorRT holds another one.
  bool (*apply)(const SettingTarget& target, const CheckedSetting& value, Step step);
  /// Number of the memory pool that the row limits, for the count of pools; -1 for other rows.
  std::int32_t pool = -1;
};

/// The table, in flavor_setting_table.cpp. Null past the end.
[[nodiscard]] const Setting* SettingAt(std::size_t index) noexcept;
[[nodiscard]] const trt::EnumInfo* EnumAt(std::size_t index) noexcept;
/// The row's public half; null past the end.
[[nodiscard]] const trt::SettingInfo* SettingInfoAt(std::size_t index) noexcept;

/// Applies every setting in the order given; to be called before the model is parsed. Throws
/// Error(kInvalidArgument) for a name or value that this flavour does not have,
/// Error(kTensorRtVersion) for one that the loaded library is too old for, and Error(kEngineBuild)
/// with TensorRT's own line when it refuses the value or silently keeps another.
void ApplySettings(const SettingTarget& target, const std::vector<trt::SettingValue>& settings);

/// Ahead-of-time targets, each like 89 for 8.9, or 1 alone for this machine's GPU; rtx1 only, the
/// others build for the GPU at hand.
void ApplyComputeCapabilities(nvinfer1::IBuilderConfig& config,
                              const std::vector<int>& capabilities);

}  // namespace tensorrt_node::TRT_FLAVOR
