#pragma once

#include "napi_setup.h"

namespace tensorrt_node::bind {

// One function a subject; each adds its functions to `exports`. Their signatures stand in
// src/native/contract.ts.
void ExportCore(Napi::Env env, Napi::Object exports);
void ExportFileLock(Napi::Env env, Napi::Object exports);
void ExportCpu(Napi::Env env, Napi::Object exports);
void ExportCuda(Napi::Env env, Napi::Object exports);
void ExportTensorRt(Napi::Env env, Napi::Object exports);
void ExportVision(Napi::Env env, Napi::Object exports);
void ExportDecoding(Napi::Env env, Napi::Object exports);

}  // namespace tensorrt_node::bind
