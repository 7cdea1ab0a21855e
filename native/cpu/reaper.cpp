#include "cpu/reaper.h"

#include <cstdlib>
#include <mutex>
#include <utility>

#include "core/thread_pool.h"

namespace tensorrt_node {
namespace {

class ReaperExecutor final : public Executor {
 public:
  ReaperExecutor() {
    // Registered after ONNX Runtime's static objects were made, so it runs before they are destroyed.
    std::atexit([] {
      auto& self = static_cast<ReaperExecutor&>(Reaper());
      const std::lock_guard<std::mutex> lock(self.mutex_);
      self.exiting_ = true;
    });
  }

  void Submit(std::function<void()> job) override {
    pool_.Submit([this, job = std::move(job)] {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (exiting_) return;
      job();
    });
  }

 private:
  std::mutex mutex_;
  bool exiting_ = false;
  ThreadPool pool_{1, 0, "tn-reaper"};
};

}  // namespace

Executor& Reaper() {
  static auto* reaper = new ReaperExecutor;
  return *reaper;
}

}  // namespace tensorrt_node
