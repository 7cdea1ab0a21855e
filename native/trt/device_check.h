#pragma once

namespace tensorrt_node::trt {

/// Throws Error(kNoDevice), or kCuda, unless the CUDA driver answers and counts a device. TensorRT
/// 10 and 11 must not be asked before: without a driver their factories answer null, or worse, a
/// pointer to nothing.
void RequireDevice();

}  // namespace tensorrt_node::trt
