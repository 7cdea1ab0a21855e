#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/thread_pool.h"
#include "cpu/engine.h"
#include "cpu/openvino_runtime.h"

namespace tensorrt_node {

struct OpenVinoOptions {
  /// Runs that may execute at a time, each on a thread of the session.
  std::size_t concurrency = 1;
  /// Threads that share the work of one run; 0 lets OpenVINO choose.
  int threads_per_run = 0;
  /// "f32", or "bf16" where the processor has it.
  std::string precision = "f32";
  /// Names of the model's inputs and outputs, in the order that description() keeps.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  /// Further properties, by OpenVINO's names; they come last and so win.
  std::vector<std::pair<std::string, std::string>> properties;
};

/// A model compiled by OpenVINO for the CPU.
class OpenVinoSession final : public EngineSession,
                              public std::enable_shared_from_this<OpenVinoSession> {
 public:
  static std::shared_ptr<OpenVinoSession> New(OpenVinoOptions options);
  ~OpenVinoSession() override;
  OpenVinoSession(const OpenVinoSession&) = delete;
  OpenVinoSession& operator=(const OpenVinoSession&) = delete;

  void Load(const std::string& library, const ModelSource& model) override;
  void CancelLoad() noexcept override { load_cancelled_.store(true); }
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
  [[nodiscard]] const std::string& precision() const noexcept override {
    return options_.precision;
  }
  [[nodiscard]] const OpenVinoRuntime& runtime() const noexcept { return *runtime_; }

  /// Of inputs and outputs in the order of description(). By name alone they could not be told
  /// apart where a model hands an input through.
  [[nodiscard]] const std::vector<openvino::Port*>& input_ports() const noexcept {
    return input_ports_;
  }
  [[nodiscard]] const std::vector<openvino::Port*>& output_ports() const noexcept {
    return output_ports_;
  }

  /// A request that no other run uses. There are as many as threads of the executor, on which runs
  /// execute, so one is always free.
  [[nodiscard]] openvino::InferRequest* Acquire();
  void Release(openvino::InferRequest* request) noexcept;

 private:
  explicit OpenVinoSession(OpenVinoOptions options);
  [[nodiscard]] OpenVinoOwner<openvino::Model> Read(const ModelSource& model) const;
  void Compile(const openvino::Model* model);
  [[nodiscard]] TensorDescription Describe(const std::string& name,
                                           const openvino::Port* port) const;
  void ThrowIfCancelled() const;

  OpenVinoOptions options_;
  ThreadPool pool_;
  const OpenVinoRuntime* runtime_ = nullptr;
  openvino::CompiledModel* compiled_ = nullptr;
  ModelDescription description_;
  std::vector<openvino::Port*> input_ports_;
  std::vector<openvino::Port*> output_ports_;
  std::atomic<bool> load_cancelled_{false};

  std::mutex mutex_;
  std::vector<openvino::InferRequest*> free_requests_;
};

}  // namespace tensorrt_node
