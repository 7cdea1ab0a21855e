#include "cpu/ort_runtime.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "core/dynamic_library.h"
#include "cpu/exit_guard.h"
#include "cpu/ort_log.h"

namespace tensorrt_node {
namespace {

Error Unavailable(const std::string& path, const std::string& why) {
  return {ErrorCode::kCpuBackendUnavailable,
          "Expected a usable ONNX Runtime library but " + path + " is none: " + why};
}

int MinorOf(const std::string& version) {
  const std::size_t dot = version.find('.');
  return dot == std::string::npos ? 0 : std::atoi(version.c_str() + dot + 1);
}

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

ErrorCode CodeOf(ort::ErrorCode code, const std::string& message, OrtStage stage) {
  if (Contains(message, "Failed to allocate memory") || Contains(message, "bad_alloc")) {
    return ErrorCode::kOutOfMemory;
  }
  switch (stage) {
    case OrtStage::kSetUp:
      return code == ort::kInvalidArgument ? ErrorCode::kInvalidArgument
                                           : ErrorCode::kCpuBackendUnavailable;
    case OrtStage::kLoad:
      if (code == ort::kNoSuchFile) return ErrorCode::kIo;
      return code == ort::kNotImplemented ? ErrorCode::kUnsupportedModel : ErrorCode::kInvalidModel;
    case OrtStage::kRun:
      return code == ort::kInvalidArgument ? ErrorCode::kShapeMismatch : ErrorCode::kInference;
  }
  return ErrorCode::kInternal;
}

}  // namespace

const OrtRuntime& OrtRuntime::Load(const std::string& path) {
  // Both leaked: sessions that outlive static destructors still use them.
  static auto* mutex = new std::mutex;
  static auto* runtimes = new std::map<std::string, std::unique_ptr<const OrtRuntime>>;
  const EngineStay stay;
  if (!stay) throw Error(ErrorCode::kDisposed, "The process is ending");
  const std::lock_guard<std::mutex> lock(*mutex);
  std::unique_ptr<const OrtRuntime>& runtime = (*runtimes)[path];
  if (!runtime) runtime.reset(new OrtRuntime(path));
  return *runtime;
}

OrtRuntime::OrtRuntime(const std::string& path) {
  std::string why;
  DynamicLibrary library = DynamicLibrary::Open(path, &why);
  if (!library) throw Unavailable(path, why);
  const auto get_base = library.Symbol<ort::GetApiBaseFunction>("OrtGetApiBase");
  if (get_base == nullptr) throw Unavailable(path, "it does not export OrtGetApiBase");
  const ort::ApiBase* base = get_base();
  version_ = base->GetVersionString();
  const int minor = MinorOf(version_);
  // Asked before GetApi, which prints to stderr when it refuses.
  if (version_.rfind("1.", 0) != 0 || minor < static_cast<int>(ort::kApiVersion)) {
    throw Unavailable(path, "its version is " + version_ + ", version 1." +
                                std::to_string(ort::kApiVersion) + " or newer is needed");
  }
  const void* table = base->GetApi(ort::kApiVersion);
  if (table == nullptr)
    throw Unavailable(path, "version " + version_ + " offers no API of version 17");
  library.Leak();
  EngineStay::Arm();
  api_ = std::make_unique<const ort::Api>(table);
  can_cancel_load_ = minor >= ort::kMinorVersionOfLoadCancellation;

  // Not released, neither here on failure: the environment is one per process and counts its users.
  Check(api_->CreateEnvWithCustomLogger(CollectOrtLog, nullptr, ort::kWarning, "tensorrt-node",
                                        &env_),
        OrtStage::kSetUp);
  Check(api_->DisableTelemetryEvents(env_), OrtStage::kSetUp);
  Check(api_->CreateCpuMemoryInfo(ort::kDeviceAllocator, ort::kMemTypeDefault, &host_memory_),
        OrtStage::kSetUp);
  Check(api_->GetAllocatorWithDefaultOptions(&allocator_), OrtStage::kSetUp);
}

void OrtRuntime::Check(ort::Status* status, OrtStage stage) const {
  if (status == nullptr) return;
  const OrtOwner<ort::Status> owner(status, api_->ReleaseStatus);
  const ort::ErrorCode code = api_->GetErrorCode(status);
  const std::string message = api_->GetErrorMessage(status);
  throw Error(CodeOf(code, message, stage), "ONNX Runtime: " + message);
}

std::string OrtRuntime::Take(char* text) const {
  if (text == nullptr) return {};
  const std::unique_ptr<char, std::function<void(char*)>> owner(text, [this](char* dead) {
    ort::Status* status = api_->AllocatorFree(allocator_, dead);
    if (status != nullptr) api_->ReleaseStatus(status);
  });
  return text;
}

}  // namespace tensorrt_node
