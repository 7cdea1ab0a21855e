#include <memory>
#include <string>
#include <utility>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/task.h"
#include "core/thread_pool.h"
#include "cuda/driver.h"

namespace tensorrt_node::bind {
namespace {

Napi::Object DeviceObject(Napi::Env env, const cuda::Device& device) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("ordinal", Napi::Number::New(env, device.ordinal));
  result.Set("name", Napi::String::New(env, device.name));
  result.Set("computeCapability", Napi::String::New(env, std::to_string(device.major) + "." +
                                                             std::to_string(device.minor)));
  result.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(device.memory_bytes)));
  result.Set("multiprocessors", Napi::Number::New(env, device.multiprocessors));
  result.Set("isIntegrated", Napi::Boolean::New(env, device.is_integrated));
  if (!device.uuid.empty()) result.Set("uuid", Napi::String::New(env, device.uuid));
  if (!device.pci_bus_id.empty()) {
    result.Set("pciBusId", Napi::String::New(env, device.pci_bus_id));
  }
  Napi::Array problems = Napi::Array::New(env);
  for (const std::string& problem : device.problems) {
    problems.Set(problems.Length(), Napi::String::New(env, problem));
  }
  result.Set("problems", problems);
  return result;
}

class ProbeTask final : public Task {
 public:
  explicit ProbeTask(std::string path) : path_(std::move(path)) {}
  void Execute() override { report_ = cuda::ProbeDriver(path_); }
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    if (!report_.path.empty()) {
      result.Set("libraryPath", Napi::String::New(env, report_.path));
    }
    if (report_.cuda_version > 0) {
      result.Set("cudaVersion",
                 Napi::String::New(env, std::to_string(report_.cuda_version / 1000) + "." +
                                            std::to_string(report_.cuda_version % 1000 / 10)));
    }
    Napi::Array devices = Napi::Array::New(env);
    for (const cuda::Device& device : report_.devices) {
      devices.Set(devices.Length(), DeviceObject(env, device));
    }
    result.Set("devices", devices);
    if (!report_.reason.empty()) {
      result.Set("reason", Napi::String::New(env, report_.reason));
    }
    return result;
  }

 private:
  std::string path_;
  cuda::DriverReport report_;
};

Napi::Value Probe(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    std::string path =
        info[0].IsUndefined() ? cuda::kDefaultDriver : StringOf(info[0], "libraryPath");
    return StartTask(info.Env(), std::make_unique<ProbeTask>(std::move(path)),
                     ThreadPool::Shared());
  });
}

}  // namespace

void ExportCuda(Napi::Env env, Napi::Object exports) {
  exports.Set("cudaProbe", Napi::Function::New(env, Probe));
}

}  // namespace tensorrt_node::bind
