#pragma once

#include <cstddef>
#include <functional>

#include "core/executor.h"

namespace tensorrt_node {

/// Runs `body(0) … body(count - 1)` on this thread and up to `helpers` threads of `executor`;
/// returns when all are done, then rethrows the first exception, if any (the rest still ran).
///
/// Safe on one of the executor's own threads: this thread does whatever nobody else has taken, so
/// it waits only for items already running, never for a queued job.
void ParallelFor(std::size_t count, const std::function<void(std::size_t)>& body,
                 Executor& executor, std::size_t helpers);

}  // namespace tensorrt_node
