// Decoding of a head that has chosen the best anchors and decoded their boxes inside the graph.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vision/detections.h"
#include "vision/isa.h"

namespace tensorrt_node {

/// One picture's K best anchors. Every pointer is aligned for its elements.
struct TopKOutput {
  const float* boxes = nullptr;   ///< `[count, 4]`: x1, y1, x2, y2 in input pixels.
  const float* scores = nullptr;  ///< `[count]`, of the best class.
  const void* labels = nullptr;   ///< `[count]`, the best class.
  bool wide_labels = false;       ///< int64 labels, else int32.
  std::size_t count = 0;
};

/// Confidence filter, class filter and the suppression of DecodeYolov8, ties in the order of the
/// rows, which need not be sorted. `options.allowed` may be shorter than the labels go: those
/// beyond are left out. A row whose score or box is not finite, or whose label is negative or above
/// 2^20, is dropped. `anchors` of the result are rows. Thread-safe.
[[nodiscard]] Detections DecodeTopK(const TopKOutput& output, const DetectionOptions& options,
                                    const BoxMapping& mapping, Isa isa);

}  // namespace tensorrt_node
