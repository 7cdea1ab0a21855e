#include "core/thread_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace tensorrt_node {

ThreadPool::ThreadPool(std::size_t threads, std::size_t max_queued, const char* name, int niceness)
    : max_queued_(max_queued) {
  threads_.reserve(threads);
  try {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this, name, i, niceness] { Run(name, i, niceness); });
    }
  } catch (const std::system_error& error) {
    // Threads that run must be joined before they are destroyed, or the process ends.
    Stop();
    throw Error(ErrorCode::kOutOfMemory, "Expected " + std::to_string(threads) +
                                             " threads but the system gave " +
                                             std::to_string(threads_.size()) + ": " + error.what());
  }
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Submit(std::function<void()> job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) throw Error(ErrorCode::kDisposed, "The thread pool has been stopped");
    if (max_queued_ != 0 && queue_.size() >= max_queued_) {
      throw Error(ErrorCode::kQueueFull,
                  "Expected at most " + std::to_string(max_queued_) + " queued jobs");
    }
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void ThreadPool::Stop() noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ThreadPool::Run(const char* name, std::size_t index, int niceness) noexcept {
  const std::string label = std::string(name).substr(0, 12) + "-" + std::to_string(index);
  pthread_setname_np(pthread_self(), label.substr(0, 15).c_str());
  // On Linux this is the thread's own niceness, whatever POSIX says. A refusal leaves it as it was,
  // and a process that is nicer already stays so.
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  if (niceness > getpriority(PRIO_PROCESS, thread)) setpriority(PRIO_PROCESS, thread, niceness);
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
  }
}

std::size_t ThreadPool::SharedSize() noexcept {
  const unsigned cores = std::thread::hardware_concurrency();
  return cores > 2 ? cores - 1 : 1;
}

ThreadPool& ThreadPool::Shared() {
  static auto* pool = new ThreadPool(SharedSize(), 0, "tn-image", kComputeNiceness);
  return *pool;
}

}  // namespace tensorrt_node
