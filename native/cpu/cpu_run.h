#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/host_buffer.h"
#include "cpu/cpu_session.h"

namespace tensorrt_node {

/// One tensor that goes into or comes out of a run. Strings stand in `strings`, all else in `data`.
struct CpuTensor {
  int element_type = 0;
  std::vector<std::int64_t> dims;
  HostBuffer data;
  std::vector<std::string> strings;
};

/// One run of a session. Thread-safe only in Cancel().
class CpuRun {
 public:
  /// Throws Error(kInvalidArgument) when a feed's dims are impossible or its memory is shorter than
  /// they say; everything else is for the model to judge. Keeps the session alive.
  CpuRun(std::shared_ptr<CpuSession> session, std::vector<std::string> feed_names,
         std::vector<CpuTensor> feeds, std::vector<std::string> fetch_names);

  /// Runs the model on the calling thread. Throws Error(kShapeMismatch, kInference, kOutOfMemory),
  /// and kDisposed after Cancel(). Call it once. The outputs own their memory, also beyond this
  /// object and the session.
  [[nodiscard]] std::vector<CpuTensor> Execute();
  /// Makes Execute() return within about one operator's time, from any thread, before or while it
  /// runs.
  void Cancel() noexcept;

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
