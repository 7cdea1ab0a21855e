#include "cpu/ort_log.h"

#include <cstring>
#include <mutex>
#include <utility>

namespace tensorrt_node {
namespace {

constexpr std::size_t kMaxLines = 256;

/// Leaked: ONNX Runtime may log while the process exits.
struct Log {
  std::mutex mutex;
  std::vector<OrtLogLine> lines;
  std::size_t dropped = 0;
};

Log& TheLog() {
  static auto* log = new Log;
  return *log;
}

}  // namespace

void CollectOrtLog(void* /*param*/, ort::LoggingLevel level, const char* /*category*/,
                   const char* /*log_id*/, const char* location, const char* message) {
  // At start ONNX Runtime looks for GPUs of its own interest and warns where it may not; that is no
  // news here.
  if (level == ort::kWarning && location != nullptr &&
      std::strstr(location, "device_discovery") != nullptr) {
    level = ort::kInfo;
  }
  try {
    Log& log = TheLog();
    const std::lock_guard<std::mutex> lock(log.mutex);
    if (log.lines.size() >= kMaxLines) {
      ++log.dropped;
      return;
    }
    log.lines.push_back({level, message != nullptr ? message : ""});
  } catch (...) {
    // No memory for a log line: the line is lost, the work goes on.
  }
}

std::vector<OrtLogLine> DrainOrtLog() {
  Log& log = TheLog();
  const std::lock_guard<std::mutex> lock(log.mutex);
  std::vector<OrtLogLine> lines = std::exchange(log.lines, {});
  if (log.dropped != 0) {
    lines.push_back({ort::kWarning, std::to_string(log.dropped) + " more lines were dropped"});
    log.dropped = 0;
  }
  return lines;
}

}  // namespace tensorrt_node
