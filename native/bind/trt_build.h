#pragma once

#include "napi_setup.h"

namespace tensorrt_node::bind {

// See TrtContract in src/native/trt-contract.ts.
Napi::Value TrtBuild(const Napi::CallbackInfo& info);
Napi::Value TrtPlanWrite(const Napi::CallbackInfo& info);

}  // namespace tensorrt_node::bind
