#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "cpu/ort_api.h"

namespace tensorrt_node {

/// What a failing call was about; it decides the error code that an ONNX Runtime status becomes.
enum class OrtStage { kSetUp, kLoad, kRun };

/// An ONNX Runtime library in use: its function table and its environment. Thread-safe.
///
/// Libraries are loaded once and stay for the life of the process, since their threads and exit
/// handlers do not survive being unmapped.
class OrtRuntime {
 public:
  /// The runtime of the library at `path`, loaded at first use. Blocks for some milliseconds then.
  /// Throws Error(kCpuBackendUnavailable) when it cannot be loaded, is no ONNX Runtime, or is too
  /// old.
  static const OrtRuntime& Load(const std::string& path);

  [[nodiscard]] const ort::Api& api() const noexcept { return *api_; }
  [[nodiscard]] const ort::Env* env() const noexcept { return env_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  [[nodiscard]] bool can_cancel_load() const noexcept { return can_cancel_load_; }
  /// Plain host memory, for values over buffers of ours.
  [[nodiscard]] const ort::MemoryInfo* host_memory() const noexcept { return host_memory_; }
  [[nodiscard]] ort::Allocator* allocator() const noexcept { return allocator_; }

  /// Throws when `status` is an error, and releases it either way.
  void Check(ort::Status* status, OrtStage stage) const;
  /// Copies a string that came from allocator() and frees it. Null becomes empty.
  [[nodiscard]] std::string Take(char* text) const;

 private:
  explicit OrtRuntime(const std::string& path);

  std::unique_ptr<const ort::Api> api_;
  ort::Env* env_ = nullptr;
  ort::MemoryInfo* host_memory_ = nullptr;
  ort::Allocator* allocator_ = nullptr;
  std::string version_;
  bool can_cancel_load_ = false;
};

/// Owner of one object of the C API.
template <typename T>
using OrtOwner = std::unique_ptr<T, void (*)(T*)>;

}  // namespace tensorrt_node
