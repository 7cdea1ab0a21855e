#include "trt/backend.h"

#include <string>

#include "core/error.h"

namespace tensorrt_node {

// Defined once a flavour in flavor_backend.cpp.
#ifdef TENSORRT_NODE_HAS_RTX1
namespace rtx1 {
const trt::Backend& GetBackend() noexcept;
}
#endif
#ifdef TENSORRT_NODE_HAS_TRT10
namespace trt10 {
const trt::Backend& GetBackend() noexcept;
}
#endif
#ifdef TENSORRT_NODE_HAS_TRT11
namespace trt11 {
const trt::Backend& GetBackend() noexcept;
}
#endif

namespace trt {

const Backend* FindBackend(Flavor flavor) noexcept {
  switch (flavor) {
#ifdef TENSORRT_NODE_HAS_RTX1
    case Flavor::kRtx1:
      return &rtx1::GetBackend();
#endif
#ifdef TENSORRT_NODE_HAS_TRT10
    case Flavor::kTrt10:
      return &trt10::GetBackend();
#endif
#ifdef TENSORRT_NODE_HAS_TRT11
    case Flavor::kTrt11:
      return &trt11::GetBackend();
#endif
    default:
      return nullptr;
  }
}

const Backend& RequireBackend(Flavor flavor) {
  const Backend* backend = FindBackend(flavor);
  if (backend == nullptr) {
    throw Error(ErrorCode::kTensorRtUnavailable,
                std::string("This binary was compiled without the headers of TensorRT flavour ") +
                    FlavorName(flavor) +
                    R"(; run "npm run setup" and "npm run build:native" in the package's folder)");
  }
  return *backend;
}

}  // namespace trt
}  // namespace tensorrt_node
