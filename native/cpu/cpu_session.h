#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/host_buffer.h"
#include "core/thread_pool.h"
#include "cpu/ort_runtime.h"

namespace tensorrt_node {

struct CpuSessionOptions {
  /// Runs that may execute at a time, each on a thread of the session.
  std::size_t concurrency = 1;
  /// Threads that share the work of one operator, the running thread included; 0 lets ONNX Runtime
  /// choose.
  int intra_op_threads = 0;
  /// Threads that run independent operators side by side; only in parallel execution mode.
  int inter_op_threads = 0;
  bool parallel_execution = false;
  /// 0 none, 1 basic, 2 extended, 99 all.
  int graph_optimization_level = 99;
  bool cpu_memory_arena = true;
  bool memory_pattern = true;
  /// Whether waiting threads burn CPU for a while before they sleep.
  bool spinning = false;
  /// Further session configuration entries of ONNX Runtime.
  std::vector<std::pair<std::string, std::string>> config;
};

/// Where a model comes from: a file, or its bytes when `path` is empty.
struct ModelSource {
  std::string path;
  HostBuffer bytes;
};

/// An input or output as the model declares it.
struct TensorDescription {
  std::string name;
  int element_type = 0;
  /// -1 where the size is free; then the name at the same index in `symbols`, which may be empty.
  std::vector<std::int64_t> dims;
  std::vector<std::string> symbols;
};

struct ModelDescription {
  std::vector<TensorDescription> inputs;
  std::vector<TensorDescription> outputs;
  /// Names of the outputs that are no tensors: sequences, maps, optionals.
  std::vector<std::string> other_outputs;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::string producer;
  std::string graph_name;
};

/// A model loaded in ONNX Runtime and the threads that run it.
///
/// Lives in a shared_ptr whose last reference may go anywhere but on the session's own threads; the
/// object then ends on Reaper(). Load() comes first and once; after it, everything but CancelLoad()
/// is read only and runs may go on in parallel.
class CpuSession {
 public:
  static std::shared_ptr<CpuSession> New(CpuSessionOptions options);
  ~CpuSession();
  CpuSession(const CpuSession&) = delete;
  CpuSession& operator=(const CpuSession&) = delete;

  /// Blocks: call it on a thread of executor(). Throws Error(kCpuBackendUnavailable, kInvalidModel,
  /// kUnsupportedModel, kIo, kOutOfMemory).
  void Load(const std::string& library, const ModelSource& model);
  /// Makes a Load() that runs or comes later fail soon, as far as the library can. Thread-safe.
  void CancelLoad() noexcept;

  [[nodiscard]] Executor& executor() noexcept { return pool_; }
  [[nodiscard]] const ModelDescription& description() const noexcept { return description_; }
  [[nodiscard]] const OrtRuntime& runtime() const noexcept { return *runtime_; }
  [[nodiscard]] ort::Session* handle() const noexcept { return session_; }

 private:
  explicit CpuSession(CpuSessionOptions options);
  void Configure(ort::SessionOptions* target) const;
  void Describe();
  [[nodiscard]] TensorDescription DescribeTensor(const ort::TensorInfo* info) const;

  CpuSessionOptions options_;
  ThreadPool pool_;
  const OrtRuntime* runtime_ = nullptr;
  ort::Session* session_ = nullptr;
  ModelDescription description_;

  std::mutex load_mutex_;
  /// Not null while a model is being loaded.
  ort::SessionOptions* loading_ = nullptr;
  bool load_cancelled_ = false;
};

}  // namespace tensorrt_node
