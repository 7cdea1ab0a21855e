#pragma once

#include "napi_setup.h"

namespace tensorrt_node::bind {

// See TrtToolContract in src/native/trt-tool-contract.ts.
Napi::Value TrtCheckModel(const Napi::CallbackInfo& info);
Napi::Value TrtInspectEngine(const Napi::CallbackInfo& info);
Napi::Value TrtEngineWeights(const Napi::CallbackInfo& info);
Napi::Value TrtRefit(const Napi::CallbackInfo& info);

}  // namespace tensorrt_node::bind
