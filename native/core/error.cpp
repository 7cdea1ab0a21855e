#include "core/error.h"

#include <utility>

namespace tensorrt_node {

Error::Error(ErrorCode code, const std::string& message, std::vector<std::string> details)
    : std::runtime_error(message), code_(code), details_(std::move(details)) {}
Error::Error(const Error&) = default;
Error& Error::operator=(const Error&) = default;
Error::~Error() = default;

ErrorCode Error::code() const noexcept { return code_; }
const std::vector<std::string>& Error::details() const noexcept { return details_; }

Error InvalidArgument(const std::string& name, const std::string& expected,
                      const std::string& received) {
  return {ErrorCode::kInvalidArgument,
          "Expected " + expected + " for " + name + " but received " + received};
}

const char* ErrorCodeName(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "ERR_INVALID_ARGUMENT";
    case ErrorCode::kShapeMismatch:
      return "ERR_SHAPE_MISMATCH";
    case ErrorCode::kInvalidModel:
      return "ERR_INVALID_MODEL";
    case ErrorCode::kUnsupportedModel:
      return "ERR_UNSUPPORTED_MODEL";
    case ErrorCode::kInvalidImage:
      return "ERR_INVALID_IMAGE";
    case ErrorCode::kIo:
      return "ERR_IO";
    case ErrorCode::kCpuBackendUnavailable:
      return "ERR_CPU_BACKEND_UNAVAILABLE";
    case ErrorCode::kTensorRtUnavailable:
      return "ERR_TENSORRT_UNAVAILABLE";
    case ErrorCode::kTensorRtVersion:
      return "ERR_TENSORRT_VERSION";
    case ErrorCode::kNoDevice:
      return "ERR_NO_DEVICE";
    case ErrorCode::kNotImplemented:
      return "ERR_NOT_IMPLEMENTED";
    case ErrorCode::kEngineBuild:
      return "ERR_ENGINE_BUILD";
    case ErrorCode::kTimingCache:
      return "ERR_TIMING_CACHE";
    case ErrorCode::kEngineDeserialize:
      return "ERR_ENGINE_DESERIALIZE";
    case ErrorCode::kCuda:
      return "ERR_CUDA";
    case ErrorCode::kOutOfMemory:
      return "ERR_OUT_OF_MEMORY";
    case ErrorCode::kInference:
      return "ERR_INFERENCE";
    case ErrorCode::kDisposed:
      return "ERR_DISPOSED";
    case ErrorCode::kQueueFull:
      return "ERR_QUEUE_FULL";
    case ErrorCode::kDeadline:
      return "ERR_DEADLINE";
    case ErrorCode::kInternal:
      return "ERR_INTERNAL";
  }
  return "ERR_INTERNAL";
}

}  // namespace tensorrt_node
