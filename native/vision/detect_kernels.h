// The vector variants behind ScanKernels and KeptBoxes::Kernel; see yolov8.h and nms.h for what
// they compute.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vision/nms.h"

namespace tensorrt_node {

#if defined(__x86_64__)
void UpdateBestAvx2(const float* row, std::int32_t index, std::size_t count, float* best,
                    std::int32_t* best_class);
void UpdateBestAvx512(const float* row, std::int32_t index, std::size_t count, float* best,
                      std::int32_t* best_class);
void HalfToFloatAvx2(const std::uint16_t* source, std::size_t count, float* target);
bool OverlapsAvx2(const KeptBoxes::Arrays& kept, const Box& box, float area, float threshold);
bool OverlapsAvx512(const KeptBoxes::Arrays& kept, const Box& box, float area, float threshold);
#endif

}  // namespace tensorrt_node
