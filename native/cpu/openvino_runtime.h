#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "cpu/openvino_api.h"

namespace tensorrt_node {

/// An OpenVINO library in use: its functions and its one core. Thread-safe.
///
/// Libraries are loaded once and stay for the life of the process, like ONNX Runtime's.
class OpenVinoRuntime {
 public:
  /// The runtime of the C library at `path`, loaded at first use; that blocks for some tens of
  /// milliseconds. Throws Error(kCpuBackendUnavailable) when it cannot be loaded or is no OpenVINO.
  static const OpenVinoRuntime& Load(const std::string& path);

  [[nodiscard]] const openvino::Api& api() const noexcept { return api_; }
  [[nodiscard]] const openvino::Core* core() const noexcept { return core_; }
  /// `2026.4.1`
  [[nodiscard]] const std::string& version() const noexcept { return version_; }

  /// The library's number for an element type of ONNX, or the other way round; -1 where it has
  /// none.
  [[nodiscard]] int TypeOfOnnx(int onnx) const noexcept;
  [[nodiscard]] int OnnxOfType(int type) const noexcept;

  /// Throws Error(code) with the library's message when `status` is an error.
  void Check(openvino::Status status, ErrorCode code, const char* what) const;

 private:
  explicit OpenVinoRuntime(const std::string& path);
  void LearnTypes();
  [[nodiscard]] std::string LastMessage() const;

  openvino::Api api_;
  openvino::Core* core_ = nullptr;
  std::string version_;
  std::map<int, int> type_of_onnx_;
};

/// Owner of one object of the C API.
template <typename T>
using OpenVinoOwner = std::unique_ptr<T, void (*)(T*)>;

}  // namespace tensorrt_node
