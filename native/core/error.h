#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace tensorrt_node {

/// Mirrors the table of codes in src/errors.ts; the bridge turns a code into its name.
enum class ErrorCode {
  kInvalidArgument,
  kShapeMismatch,
  kInvalidModel,
  kUnsupportedModel,
  kInvalidImage,
  kIo,
  kCpuBackendUnavailable,
  kTensorRtUnavailable,
  kTensorRtVersion,
  kNoDevice,
  kNotImplemented,
  kEngineBuild,
  kTimingCache,
  kEngineDeserialize,
  kCuda,
  kOutOfMemory,
  kInference,
  kDisposed,
  kQueueFull,
  kDeadline,
  kInternal,
};

/// The name that JS sees, e.g. "ERR_INVALID_ARGUMENT". Never null.
[[nodiscard]] const char* ErrorCodeName(ErrorCode code) noexcept;

/// The exception of this code base: a code, one sentence, and further lines such as library logs.
/// Its functions are out of line, so that no translation unit emits a copy of them.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message, std::vector<std::string> details = {});
  Error(const Error&);
  Error& operator=(const Error&);
  ~Error() override;

  [[nodiscard]] ErrorCode code() const noexcept;
  [[nodiscard]] const std::vector<std::string>& details() const noexcept;

 private:
  ErrorCode code_;
  std::vector<std::string> details_;
};

/// `Expected <what> for <name> but received <value>`: the message form of the TypeScript side.
[[nodiscard]] Error InvalidArgument(const std::string& name, const std::string& expected,
                                    const std::string& received);

}  // namespace tensorrt_node
