#pragma once

#include <atomic>
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
  [[nodiscard]] CpuTensor CopyOutput(const openvino::InferRequest* request,
                                     const std::string& name) const;

  std::shared_ptr<OpenVinoSession> session_;
  std::vector<std::string> feed_names_;
  std::vector<CpuTensor> feeds_;
  std::vector<std::string> fetch_names_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  /// Not null while it runs.
  openvino::InferRequest* running_ = nullptr;
};

}  // namespace tensorrt_node
