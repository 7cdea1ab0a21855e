#include "bind/exports.h"

namespace tensorrt_node::bind {

void ExportVision(Napi::Env /*env*/, Napi::Object /*exports*/) {}

}  // namespace tensorrt_node::bind
