#include "bind/exports.h"
#include "bind/task.h"

namespace {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  namespace bind = tensorrt_node::bind;
  bind::InitializeTasks(env);
  bind::ExportCore(env, exports);
  bind::ExportFileLock(env, exports);
  bind::ExportCpu(env, exports);
  bind::ExportCuda(env, exports);
  bind::ExportTensorRt(env, exports);
  bind::ExportVision(env, exports);
  bind::ExportDecoding(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(tensorrt_node, Initialize)
