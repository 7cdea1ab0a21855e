#include "trt/flavor_logger.h"

#include <algorithm>
#include <cstring>

namespace tensorrt_node::TRT_FLAVOR {
namespace {
// A failing build repeats itself; the first errors tell the cause.
constexpr std::size_t kMaxErrors = 64;

/// The builder ends by logging the inspector's text of the engine: "Layers:" and a line for each,
/// 10.x with "Engine Layer Information:" before.
bool IsLayerInformation(const char* text) noexcept {
  for (const char* head : {"Layers:\n", "Engine Layer Information:"}) {
    if (std::strncmp(text, head, std::strlen(head)) == 0) return true;
  }
  return false;
}
}  // namespace

Logger& Logger::Get() {
  static auto* logger = new Logger();
  return *logger;
}

void Logger::log(Severity severity, const char* message) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (observer_ == nullptr) return;
    const char* text = message != nullptr ? message : "";
    const int level = static_cast<int>(severity);
    if (level <= static_cast<int>(Severity::kERROR) && errors_.size() < kMaxErrors) {
      errors_.emplace_back(text);
    }
    if (level <= static_cast<int>(Severity::kWARNING)) {
      ++complaint_count_;
      complaints_.emplace_back(text);
      if (complaints_.size() > kMaxErrors) complaints_.pop_front();
    }
    if (level == static_cast<int>(Severity::kWARNING)) observer_->OnWarning();
    if (severity == Severity::kVERBOSE && IsLayerInformation(text)) observer_->OnLayers(text);
    if (level <= max_severity_) observer_->OnLog(level, text);
  } catch (...) {
    // Out of memory for a log line: the line is lost, the build goes on.
  }
}

std::vector<std::string> Logger::Errors() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return errors_;
}

std::size_t Logger::ComplaintCount() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return complaint_count_;
}

std::vector<std::string> Logger::ComplaintsSince(std::size_t count) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t wanted = complaint_count_ - std::min(count, complaint_count_);
  const std::size_t kept = std::min(wanted, complaints_.size());
  return {complaints_.end() - static_cast<std::ptrdiff_t>(kept), complaints_.end()};
}

std::size_t Logger::ErrorCount() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return errors_.size();
}

Logger::Listen::Listen(trt::BuildObserver& observer, int max_severity) {
  Logger& logger = Get();
  const std::lock_guard<std::mutex> lock(logger.mutex_);
  logger.observer_ = &observer;
  logger.max_severity_ = max_severity;
  logger.errors_.clear();
  logger.complaints_.clear();
  logger.complaint_count_ = 0;
}

Logger::Listen::~Listen() {
  Logger& logger = Get();
  const std::lock_guard<std::mutex> lock(logger.mutex_);
  logger.observer_ = nullptr;
}

}  // namespace tensorrt_node::TRT_FLAVOR
