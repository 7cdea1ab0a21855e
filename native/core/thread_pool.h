#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/executor.h"

namespace tensorrt_node {

/// A fixed number of threads over one first-in first-out queue.
///
/// `niceness` (0 to 19) is how far its threads, and all that they start, stand back for others: the
/// JS thread must get a core at once when a timer fires, also while inference saturates every core.
/// Stop() (or destruction) lets queued jobs finish and joins the threads. `max_queued` of 0 means
/// no bound.
class ThreadPool final : public Executor {
 public:
  explicit ThreadPool(std::size_t threads, std::size_t max_queued = 0, const char* name = "tn-pool",
                      int niceness = 0);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Submit(std::function<void()> job) override;
  /// Idempotent. Must not be called from one of the pool's own threads.
  void Stop() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return threads_.size(); }

  /// What pools of long computations take for `niceness`.
  static constexpr int kComputeNiceness = 10;

  /// The process-wide pool for image work: cores - 1 threads, at least 1. Created at first use and
  /// never destroyed, since threads that outlive static destructors would touch dead objects.
  static ThreadPool& Shared();
  /// The size that Shared() has or will have.
  static std::size_t SharedSize() noexcept;

 private:
  void Run(const char* name, std::size_t index, int niceness) noexcept;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::size_t max_queued_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tensorrt_node
