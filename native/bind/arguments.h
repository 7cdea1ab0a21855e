#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "napi_setup.h"

namespace tensorrt_node::bind {

/// The bytes behind a TypedArray, DataView or ArrayBuffer at this moment. Valid until the JS thread
/// runs JS again: copy before going asynchronous. A detached buffer reads as size 0.
struct ByteView {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
};

/// Throws kInvalidArgument for anything else, SharedArrayBuffer views included.
[[nodiscard]] ByteView BytesOf(const Napi::Value& value, const char* name);

/// An integer in [0, 2^53) that fits std::size_t. Throws kInvalidArgument.
[[nodiscard]] std::size_t SizeOf(const Napi::Value& value, const char* name);
/// A 32-bit integer in [min, max]. Throws kInvalidArgument.
[[nodiscard]] std::int32_t Int32Of(const Napi::Value& value, const char* name, std::int32_t min,
                                   std::int32_t max);
/// A finite number in [min, max]. Throws kInvalidArgument.
[[nodiscard]] double NumberOf(const Napi::Value& value, const char* name, double min, double max);
[[nodiscard]] std::string StringOf(const Napi::Value& value, const char* name);
[[nodiscard]] bool BooleanOf(const Napi::Value& value, const char* name);
[[nodiscard]] Napi::Object ObjectOf(const Napi::Value& value, const char* name);
[[nodiscard]] Napi::Array ArrayOf(const Napi::Value& value, const char* name);
/// An array of strings.
[[nodiscard]] std::vector<std::string> TextsOf(const Napi::Value& value, const char* name);

}  // namespace tensorrt_node::bind
