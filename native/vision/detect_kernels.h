// The vector variants behind ScanKernels and KeptBoxes::Kernel; see yolov8.h and nms.h for what
// they compute.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vision/nms.h"
#include "vision/yolov8.h"

namespace tensorrt_node {

#if defined(__x86_64__)
void BestOfFloatAvx2(const float* scores, const ScanShape& shape, float* best,
                     std::int32_t* best_class);
void BestOfHalfAvx2(const std::uint16_t* scores, const ScanShape& shape, float* best,
                    std::int32_t* best_class);
void BestOfFloatAvx512(const float* scores, const ScanShape& shape, float* best,
                       std::int32_t* best_class);
void BestOfHalfAvx512(const std::uint16_t* scores, const ScanShape& shape, float* best,
                      std::int32_t* best_class);
std::size_t CollectAvx512(const Yolov8Output& output, const ScanRun& run, std::uint64_t* entries,
                          Reach& reach);
bool OverlapsAvx2(const KeptBoxes::Block* blocks, std::int32_t first, const Box& box, float area,
                  float threshold);
bool OverlapsAvx512(const KeptBoxes::Block* blocks, std::int32_t first, const Box& box, float area,
                    float threshold);
#endif

}  // namespace tensorrt_node
