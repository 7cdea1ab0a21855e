// The CUDA driver API, opened at run time: no header of NVIDIA's, nothing linked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/dynamic_library.h"

namespace tensorrt_node::cuda {

inline constexpr const char* kDefaultDriver = "libcuda.so.1";

struct Device {
  int ordinal = 0;
  std::string name;
  /// Compute capability, e.g. 8 and 9.
  int major = 0;
  int minor = 0;
  std::uint64_t memory_bytes = 0;
  int multiprocessors = 0;
  /// Shares the host's memory, as Jetson does.
  bool is_integrated = false;
  /// `GPU-` and 32 hexadecimal digits in groups; empty when unknown.
  std::string uuid;
  /// `0000:01:00.0`; empty when unknown.
  std::string pci_bus_id;
  /// What could not be read, one sentence each.
  std::vector<std::string> problems;
};

/// An initialised driver. It stays loaded until the process ends: it starts threads and registers
/// exit handlers. Thread-safe.
class Driver {
 public:
  /// Opens and initialises the driver, once a path and process; a failure is tried anew at the next
  /// call. Throws Error(kNoDevice) when there is no driver, when it does not start, or when it has
  /// no device to offer (cuInit says so itself).
  [[nodiscard]] static std::shared_ptr<const Driver> Open(const std::string& path = kDefaultDriver);

  /// The file that the loader mapped.
  [[nodiscard]] const std::string& path() const noexcept { return library_.path(); }
  /// Newest CUDA version that this driver serves, 1000 * major + 10 * minor. Throws Error(kCuda).
  [[nodiscard]] int CudaVersion() const;
  /// Throws Error(kCuda).
  [[nodiscard]] int DeviceCount() const;
  /// Throws Error(kCuda) when the device cannot be had at all; what else fails is listed in
  /// `problems`.
  [[nodiscard]] Device DescribeDevice(int ordinal) const;

  /// `CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected`
  [[nodiscard]] std::string StatusText(int status) const;

 private:
  Driver() = default;
  /// Throws Error(kCuda) with `what` and the status' text unless `status` is 0.
  void Check(int status, const std::string& what) const;
  template <typename Function>
  [[nodiscard]] Function Require(const char* symbol) const;

  DynamicLibrary library_;
};

/// What there is of CUDA on this machine.
struct DriverReport {
  /// Empty when no driver could be opened.
  std::string path;
  /// 0 when unknown.
  int cuda_version = 0;
  std::vector<Device> devices;
  /// What went wrong: why there is no device, or why not all of them are listed. Else empty.
  std::string reason;
};

/// Never throws, but for lack of memory.
[[nodiscard]] DriverReport ProbeDriver(const std::string& path = kDefaultDriver);

}  // namespace tensorrt_node::cuda
