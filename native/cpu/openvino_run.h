#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cpu/engine.h"
#include "cpu/openvino_session.h"

namespace tensorrt_node {

/// A run on OpenVINO.
///
/// Inputs, and outputs whose shape is known ahead, lie in our memory and are not copied. A request
/// that waits for its next run still points to the last one's memory and does not touch it: each
/// run sets all its tensors anew.
class OpenVinoRun final : public EngineRun {
 public:
  /// Throws as CheckFeed() does.
  OpenVinoRun(std::shared_ptr<OpenVinoSession> session, std::vector<std::string> feed_names,
              std::vector<CpuTensor> feeds, std::vector<std::string> fetch_names);

  [[nodiscard]] std::vector<CpuTensor> Execute() override;
  void Cancel() noexcept override;

 private:
  class Request;
  [[nodiscard]] OpenVinoOwner<openvino::Tensor> Wrap(const CpuTensor& tensor,
                                                     const std::string& name) const;
  void SetInputs(openvino::InferRequest* request) const;
  /// Gives outputs of known shape memory of ours. One tensor an output, empty for the others.
  [[nodiscard]] std::vector<CpuTensor> SetOutputs(openvino::InferRequest* request) const;
  /// `ours` is the memory that the output was given, if any; what lies elsewhere is copied.
  [[nodiscard]] CpuTensor ReadOutput(const openvino::InferRequest* request, std::size_t index,
                                     const HostBuffer& ours) const;

  std::shared_ptr<OpenVinoSession> session_;
  std::vector<std::string> feed_names_;
  std::vector<CpuTensor> feeds_;
  /// Of the outputs to compute, in description().
  std::vector<std::size_t> fetches_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  /// Not null while it runs.
  openvino::InferRequest* running_ = nullptr;
};

}  // namespace tensorrt_node
