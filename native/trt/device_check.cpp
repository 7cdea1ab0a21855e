#include "trt/device_check.h"

#include "core/error.h"
#include "cuda/driver.h"

namespace tensorrt_node::trt {

void RequireDevice() {
  if (cuda::Driver::Open()->DeviceCount() < 1) {
    throw Error(ErrorCode::kNoDevice, "The CUDA driver found no device");
  }
}

}  // namespace tensorrt_node::trt
