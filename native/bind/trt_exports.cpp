#include "bind/exports.h"

namespace tensorrt_node::bind {

void ExportTensorRt(Napi::Env /*env*/, Napi::Object /*exports*/) {}

}  // namespace tensorrt_node::bind
