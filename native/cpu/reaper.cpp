#include "cpu/reaper.h"

#include "core/thread_pool.h"

namespace tensorrt_node {

Executor& Reaper() {
  static auto* pool = new ThreadPool(1, 0, "tn-reaper");
  return *pool;
}

}  // namespace tensorrt_node
