#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cpu/cpu_session.h"

namespace tensorrt_node {

/// A run on ONNX Runtime.
class CpuRun final : public EngineRun {
 public:
  /// Throws as CheckFeed() does.
  CpuRun(std::shared_ptr<CpuSession> session, std::vector<std::string> feed_names,
         std::vector<CpuTensor> feeds, std::vector<std::string> fetch_names);

  [[nodiscard]] std::vector<CpuTensor> Execute() override;
  void Cancel() noexcept override;

 private:
  [[nodiscard]] OrtOwner<ort::Value> ToValue(const CpuTensor& feed) const;
  [[nodiscard]] CpuTensor FromValue(std::shared_ptr<ort::Value> value,
                                    const std::string& name) const;
  [[nodiscard]] std::vector<std::string> StringsOf(const ort::Value* value,
                                                   std::size_t count) const;
  [[nodiscard]] bool LiesInFeed(const std::uint8_t* data) const noexcept;

  std::shared_ptr<CpuSession> session_;
  std::vector<std::string> feed_names_;
  std::vector<CpuTensor> feeds_;
  std::vector<std::string> fetch_names_;
  OrtOwner<ort::RunOptions> options_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace tensorrt_node
