#include "vision/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>

namespace tensorrt_node {
namespace {

/// Outlives the call where a helper starts late: such a helper finds no item left and never touches
/// `body`.
struct Work {
  Work(std::size_t the_count, const std::function<void(std::size_t)>& the_body)
      : count(the_count), body(&the_body) {}

  void Run() noexcept {
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      std::exception_ptr thrown;
      try {
        (*body)(i);
      } catch (...) {
        thrown = std::current_exception();
      }
      const std::lock_guard<std::mutex> lock(mutex);
      if (thrown && !error) error = thrown;
      if (++done == count) all_done.notify_all();
    }
  }

  const std::size_t count;
  const std::function<void(std::size_t)>* body;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::condition_variable all_done;
  std::size_t done = 0;
  std::exception_ptr error;
};

}  // namespace

void ParallelFor(std::size_t count, const std::function<void(std::size_t)>& body,
                 Executor& executor, std::size_t helpers) {
  if (count == 0) return;
  if (count == 1 || helpers == 0) {
    std::exception_ptr error;
    for (std::size_t i = 0; i < count; ++i) {
      try {
        body(i);
      } catch (...) {
        if (!error) error = std::current_exception();
      }
    }
    if (error) std::rethrow_exception(error);
    return;
  }
  auto work = std::make_shared<Work>(count, body);
  for (std::size_t i = 0; i < std::min(helpers, count - 1); ++i) {
    try {
      executor.Submit([work] { work->Run(); });
    } catch (...) {
      break;  // A full or stopped executor only means less help.
    }
  }
  work->Run();
  std::unique_lock<std::mutex> lock(work->mutex);
  work->all_done.wait(lock, [&] { return work->done == count; });
  if (work->error) std::rethrow_exception(work->error);
}

}  // namespace tensorrt_node
