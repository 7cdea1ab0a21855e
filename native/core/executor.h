#pragma once

#include <functional>

namespace tensorrt_node {

/// Something that runs jobs on threads of its own. Implementations are thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Queues `job`. The job must not throw. Throws Error(kQueueFull) when the queue is bounded and
  /// full, Error(kDisposed) when the executor has been stopped; then the job will never run.
  virtual void Submit(std::function<void()> job) = 0;
};

}  // namespace tensorrt_node
