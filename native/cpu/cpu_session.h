#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/engine.h"
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

/// A model loaded in ONNX Runtime.
class CpuSession final : public EngineSession, public std::enable_shared_from_this<CpuSession> {
 public:
  static std::shared_ptr<CpuSession> New(CpuSessionOptions options);
  ~CpuSession() override;
  CpuSession(const CpuSession&) = delete;
  CpuSession& operator=(const CpuSession&) = delete;

  void Load(const std::string& library, const ModelSource& model) override;
  void CancelLoad() noexcept override;
  [[nodiscard]] std::unique_ptr<EngineRun> NewRun(std::vector<std::string> feed_names,
                                                  std::vector<CpuTensor> feeds,
                                                  std::vector<std::string> fetch_names) override;

  [[nodiscard]] Executor& executor() noexcept override { return pool_; }
  [[nodiscard]] const ModelDescription& description() const noexcept override {
    return description_;
  }
  [[nodiscard]] const std::string& runtime_version() const noexcept override {
    return runtime_->version();
  }
  [[nodiscard]] const std::string& precision() const noexcept override { return precision_; }
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
  std::string precision_ = "f32";

  std::mutex load_mutex_;
  /// Not null while a model is being loaded.
  ort::SessionOptions* loading_ = nullptr;
  bool load_cancelled_ = false;
};

}  // namespace tensorrt_node
