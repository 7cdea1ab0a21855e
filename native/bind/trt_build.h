#pragma once

#include "core/thread_pool.h"
#include "napi_setup.h"

namespace tensorrt_node::bind {

/// Builds run here one after another, off the image pool. Never destroyed: see
/// ThreadPool::Shared().
ThreadPool& BuildThread();

// See TrtContract in src/native/trt-contract.ts.
Napi::Value TrtLoad(const Napi::CallbackInfo& info);
Napi::Value TrtBuild(const Napi::CallbackInfo& info);
Napi::Value TrtPlanWrite(const Napi::CallbackInfo& info);

}  // namespace tensorrt_node::bind
