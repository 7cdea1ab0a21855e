#pragma once

#include <functional>

#include "core/executor.h"

namespace tensorrt_node {

/// One background thread on which sessions are taken down: that joins their threads and frees their weights,
/// which neither the JS thread nor a thread of the session itself may do.
///
/// Once the process exits, the job at hand is finished and no further one starts: what is left stays
/// allocated, because ONNX Runtime's own static objects are about to go.
Executor& Reaper();

}  // namespace tensorrt_node
