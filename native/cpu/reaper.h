#pragma once

#include "core/executor.h"

namespace tensorrt_node {

/// One background thread on which sessions are taken down: that joins their threads and frees their
/// weights, which neither the JS thread nor a thread of the session itself may do.
[[nodiscard]] Executor& Reaper();

}  // namespace tensorrt_node
