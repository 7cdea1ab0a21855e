#pragma once

#include "bind/handle.h"
#include "core/host_buffer.h"
#include "cpu/engine.h"
#include "napi_setup.h"

namespace tensorrt_node::bind {

using BufferHandle = Handle<HostBuffer>;

/// `{dtype, dims, data}` with data a typed array (copied now), a buffer handle (shared) or, for
/// strings, an array of strings. `name` goes into error messages. JS thread only.
[[nodiscard]] CpuTensor CpuTensorOf(const Napi::Value& value, const std::string& name);

/// The same object back; data is an ArrayBuffer holding a copy, or a buffer handle when `native`.
/// JS thread only.
[[nodiscard]] Napi::Object ToJs(Napi::Env env, CpuTensor tensor, bool native);

}  // namespace tensorrt_node::bind
