#include "cuda/driver.h"

#include <array>
#include <cstddef>
#include <cstdio>
#include <map>
#include <mutex>

#include "core/error.h"

namespace tensorrt_node::cuda {
namespace {

// The driver API's types and numbers as its stable binary interface has them: CUresult is an int
// with 0 for success, CUdevice an int.
enum Attribute {
  kMultiprocessorCount = 16,
  kIntegrated = 18,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
};

struct Uuid {
  std::array<unsigned char, 16> bytes;
};

using InitFunction = int (*)(unsigned flags);
using GetIntFunction = int (*)(int* value);
using DeviceGetFunction = int (*)(int* device, int ordinal);
using DeviceGetNameFunction = int (*)(char* name, int length, int device);
using DeviceGetAttributeFunction = int (*)(int* value, int attribute, int device);
using DeviceTotalMemFunction = int (*)(std::size_t* bytes, int device);
using DeviceGetUuidFunction = int (*)(Uuid* uuid, int device);
using GetErrorFunction = int (*)(int status, const char** text);

std::string UuidText(const Uuid& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", uuid.bytes[i]);
    text += digits.data();
  }
  return text;
}

/// What a status at start-up usually means, for people.
const char* Hint(int status) {
  switch (status) {
    case 34:  // CUDA_ERROR_STUB_LIBRARY
      return "; this is the toolkit's stub, not a driver: take its folder off the library path";
    case 100:  // CUDA_ERROR_NO_DEVICE
      return "; in a container, start it with the NVIDIA runtime (--gpus all)";
    case 802:  // CUDA_ERROR_SYSTEM_NOT_READY
      return "; on machines with NVSwitch, start the fabric manager";
    case 803:  // CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
      return "; the library and the kernel module are of different releases: reboot after a driver "
             "update";
    default:
      return "";
  }
}

}  // namespace

template <typename Function>
Function Driver::Require(const char* symbol) const {
  const auto function = library_.Symbol<Function>(symbol);
  if (function == nullptr) {
    throw Error(ErrorCode::kCuda, "The CUDA driver " + path() + " exports no " + symbol);
  }
  return function;
}

std::shared_ptr<const Driver> Driver::Open(const std::string& path) {
  static std::mutex mutex;
  // Never destroyed: the driver outlives static destructors.
  static auto* opened = new std::map<std::string, std::shared_ptr<const Driver>>();

  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto known = opened->find(path); known != opened->end()) return known->second;
  auto driver = std::shared_ptr<Driver>(new Driver());
  std::string why;
  driver->library_ = DynamicLibrary::Open(path, &why);
  if (!driver->library_) {
    throw Error(ErrorCode::kNoDevice, "The CUDA driver could not be opened: " + why);
  }
  const auto init = driver->library_.Symbol<InitFunction>("cuInit");
  if (init == nullptr) {
    throw Error(ErrorCode::kNoDevice,
                driver->path() + " is not a CUDA driver: it exports no cuInit");
  }
  const int status = init(0);
  const std::string text = status == 0 ? "" : driver->StatusText(status) + Hint(status);
  // From here on the driver has run: it must never be unloaded.
  const std::string file = driver->path();
  if (status != 0) {
    driver->library_.Leak();
    throw Error(ErrorCode::kNoDevice, "The CUDA driver " + file + " does not start: " + text);
  }
  (*opened)[path] = driver;
  return driver;
}

std::string Driver::StatusText(int status) const {
  const auto read = [&](const char* symbol) -> std::string {
    const auto function = library_.Symbol<GetErrorFunction>(symbol);
    const char* text = nullptr;
    if (function == nullptr || function(status, &text) != 0 || text == nullptr) return "";
    return text;
  };
  const std::string name = read("cuGetErrorName");
  const std::string sentence = read("cuGetErrorString");
  if (name.empty()) return "CUDA status " + std::to_string(status);
  return sentence.empty() ? name : name + ": " + sentence;
}

void Driver::Check(int status, const std::string& what) const {
  if (status != 0) throw Error(ErrorCode::kCuda, what + " failed with " + StatusText(status));
}

int Driver::CudaVersion() const {
  int version = 0;
  Check(Require<GetIntFunction>("cuDriverGetVersion")(&version), "cuDriverGetVersion");
  return version;
}

int Driver::DeviceCount() const {
  int count = 0;
  Check(Require<GetIntFunction>("cuDeviceGetCount")(&count), "cuDeviceGetCount");
  return count;
}

Device Driver::DescribeDevice(int ordinal) const {
  Device result;
  result.ordinal = ordinal;
  int device = 0;
  Check(Require<DeviceGetFunction>("cuDeviceGet")(&device, ordinal),
        "cuDeviceGet of device " + std::to_string(ordinal));

  // Each fact is read for itself: one that an old or odd driver lacks must not hide the others.
  const auto read = [&](auto&& body) {
    try {
      body();
    } catch (const Error& error) {
      result.problems.emplace_back(error.what());
    }
  };
  const auto attribute = [&](Attribute number) {
    int value = 0;
    read([&] {
      Check(Require<DeviceGetAttributeFunction>("cuDeviceGetAttribute")(&value, number, device),
            "cuDeviceGetAttribute " + std::to_string(number));
    });
    return value;
  };
  read([&] {
    std::array<char, 256> name{};
    Check(Require<DeviceGetNameFunction>("cuDeviceGetName")(
              name.data(), static_cast<int>(name.size()) - 1, device),
          "cuDeviceGetName");
    result.name = name.data();
  });
  result.major = attribute(kComputeCapabilityMajor);
  result.minor = attribute(kComputeCapabilityMinor);
  result.multiprocessors = attribute(kMultiprocessorCount);
  result.is_integrated = attribute(kIntegrated) != 0;
  read([&] {
    std::size_t bytes = 0;
    Check(Require<DeviceTotalMemFunction>("cuDeviceTotalMem_v2")(&bytes, device),
          "cuDeviceTotalMem");
    result.memory_bytes = bytes;
  });
  read([&] {
    // The second version tells the parts of a divided GPU apart; drivers before 11.4 lack it.
    auto get_uuid = library_.Symbol<DeviceGetUuidFunction>("cuDeviceGetUuid_v2");
    if (get_uuid == nullptr) get_uuid = Require<DeviceGetUuidFunction>("cuDeviceGetUuid");
    Uuid uuid{};
    Check(get_uuid(&uuid, device), "cuDeviceGetUuid");
    result.uuid = UuidText(uuid);
  });
  read([&] {
    std::array<char, 32> id{};
    Check(Require<DeviceGetNameFunction>("cuDeviceGetPCIBusId")(
              id.data(), static_cast<int>(id.size()) - 1, device),
          "cuDeviceGetPCIBusId");
    result.pci_bus_id = id.data();
  });
  return result;
}

DriverReport ProbeDriver(const std::string& path) {
  DriverReport report;
  try {
    const std::shared_ptr<const Driver> driver = Driver::Open(path);
    report.path = driver->path();
    report.cuda_version = driver->CudaVersion();
    const int count = driver->DeviceCount();
    for (int ordinal = 0; ordinal < count; ++ordinal) {
      report.devices.push_back(driver->DescribeDevice(ordinal));
    }
    if (count == 0) report.reason = "The CUDA driver " + report.path + " sees no device";
  } catch (const Error& error) {
    report.reason = error.what();
  }
  return report;
}

}  // namespace tensorrt_node::cuda
