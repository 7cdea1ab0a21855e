#include "cpu/exit_guard.h"

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>

namespace tensorrt_node {
namespace {

/// Leaked: used until the very end of the process.
struct Stays {
  std::mutex mutex;
  std::condition_variable left;
  std::set<const std::function<void()>*> cancels;
  bool exiting = false;
};

Stays& TheStays() {
  static auto* stays = new Stays;
  return *stays;
}

void EndStays() {
  Stays& stays = TheStays();
  std::unique_lock<std::mutex> lock(stays.mutex);
  stays.exiting = true;
  for (const auto* cancel : stays.cancels) {
    if (*cancel) (*cancel)();
  }
  stays.left.wait(lock, [&stays] { return stays.cancels.empty(); });
}

}  // namespace

EngineStay::EngineStay(std::function<void()> cancel) : cancel_(std::move(cancel)) {
  Stays& stays = TheStays();
  const std::lock_guard<std::mutex> lock(stays.mutex);
  if (stays.exiting) return;
  stays.cancels.insert(&cancel_);
  entered_ = true;
}

EngineStay::~EngineStay() {
  if (!entered_) return;
  Stays& stays = TheStays();
  const std::lock_guard<std::mutex> lock(stays.mutex);
  stays.cancels.erase(&cancel_);
  stays.left.notify_all();
}

void EngineStay::Arm() noexcept { std::atexit(EndStays); }

}  // namespace tensorrt_node
