#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "trt/build.h"

namespace tensorrt_node::TRT_FLAVOR {

/// The one ILogger of a flavour. The library keeps the first logger that it is given for the life
/// of the process and speaks to it from its own threads, so this one is never destroyed; who
/// listens changes.
class Logger final : public nvinfer1::ILogger {
 public:
  static Logger& Get();

  void log(Severity severity, const char* message) noexcept override;

  /// Lines of error severity since Listen().
  [[nodiscard]] std::vector<std::string> Errors();
  [[nodiscard]] std::size_t ErrorCount();
  /// Lines of warning severity or worse since Listen(): how many, and the latest of those that came
  /// after the first `count`.
  [[nodiscard]] std::size_t ComplaintCount();
  [[nodiscard]] std::vector<std::string> ComplaintsSince(std::size_t count);

  /// Sends lines to `observer` while the object lives. One at a time: builds are serialised.
  class Listen {
   public:
    Listen(trt::BuildObserver& observer, int max_severity);
    ~Listen();
    Listen(const Listen&) = delete;
    Listen& operator=(const Listen&) = delete;
  };

 private:
  Logger() = default;
  std::mutex mutex_;
  trt::BuildObserver* observer_ = nullptr;
  int max_severity_ = 0;
  std::vector<std::string> errors_;
  std::deque<std::string> complaints_;
  std::size_t complaint_count_ = 0;
};

}  // namespace tensorrt_node::TRT_FLAVOR
