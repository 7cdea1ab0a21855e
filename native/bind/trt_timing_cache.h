#pragma once

#include <cstdint>
#include <vector>

#include "napi_setup.h"
#include "trt/timing_cache.h"

namespace tensorrt_node::bind {

/// Copies `{ label, bytes }[]`. Throws kInvalidArgument.
[[nodiscard]] std::vector<trt::TimingCacheBlob> TimingCachesOf(const Napi::Value& value);

/// A Uint8Array of its own.
[[nodiscard]] Napi::Value BytesArray(Napi::Env env, const std::vector<std::uint8_t>& bytes);

// See TrtContract in src/native/trt-contract.ts.
Napi::Value TrtTimingCache(const Napi::CallbackInfo& info);

}  // namespace tensorrt_node::bind
