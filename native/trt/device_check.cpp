#include "trt/device_check.h"

#include <string>

#include "core/dynamic_library.h"
#include "core/error.h"

namespace tensorrt_node::trt {

void RequireDevice() {
  using Init = int (*)(unsigned);
  using GetCount = int (*)(int*);
  std::string why;
  DynamicLibrary driver = DynamicLibrary::Open("libcuda.so.1", &why);
  if (!driver) throw Error(ErrorCode::kNoDevice, "The CUDA driver could not be opened: " + why);
  const auto init = driver.Symbol<Init>("cuInit");
  const auto get_count = driver.Symbol<GetCount>("cuDeviceGetCount");
  // The driver stays loaded: it starts threads and registers exit handlers.
  driver.Leak();
  if (init == nullptr || get_count == nullptr) {
    throw Error(ErrorCode::kNoDevice, "libcuda.so.1 is not a CUDA driver: it lacks cuInit");
  }
  if (const int status = init(0); status != 0) {
    throw Error(ErrorCode::kNoDevice,
                "The CUDA driver could not start: CUresult " + std::to_string(status));
  }
  int count = 0;
  if (const int status = get_count(&count); status != 0 || count < 1) {
    throw Error(ErrorCode::kNoDevice, "The CUDA driver found no device");
  }
}

}  // namespace tensorrt_node::trt
