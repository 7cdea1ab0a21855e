// Decoding of the output that YOLOv8, YOLO11 and YOLOv5u detectors share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vision/isa.h"

namespace tensorrt_node {

/// One picture's `[channels, anchors]` output: rows cx, cy, w, h in input pixels, then a score in
/// [0, 1] for each class, then rows that belong to other tasks and are ignored here.
struct Yolov8Output {
  const void* data = nullptr;  ///< Aligned for the element type.
  bool half = false;           ///< float16 elements, else float32.
  std::size_t channels = 0;
  std::size_t anchors = 0;
  std::size_t classes = 0;

  /// Throws kInvalidArgument unless classes >= 1, channels >= 4 + classes, and the counts are sane.
  void Check() const;
  [[nodiscard]] std::size_t ByteSize() const noexcept {
    return channels * anchors * (half ? 2 : 4);
  }
};

struct DetectionOptions {
  float confidence = 0.25F;  ///< In [0, 1]. A score must be above it.
  double iou = 0.7;          ///< In [0, 1]. An IoU above it suppresses.
  std::size_t max_detections = 300;
  std::size_t max_candidates = 30000;  ///< The best that many enter suppression.
  bool agnostic = false;               ///< Boxes of different classes suppress each other.
  std::vector<std::uint8_t> allowed;   ///< By class, 0 for those to leave out; empty: all allowed.
};

/// From input pixels back to the picture: x = clamp((x - pad_x) / gain_x, 0, width).
struct BoxMapping {
  float pad_x = 0;
  float pad_y = 0;
  float gain_x = 1;
  float gain_y = 1;
  float width = 0;
  float height = 0;
};

/// Struct of arrays, best score first.
struct Detections {
  std::vector<float> boxes;  ///< x1, y1, x2, y2 per detection.
  std::vector<float> scores;
  std::vector<std::int32_t> classes;
  std::vector<std::int32_t> anchors;
  std::size_t candidates = 0;  ///< Anchors above the confidence, before suppression.
};

/// Best class of each anchor (the first of equal ones), confidence filter, greedy class-aware
/// suppression in order of score (ties by anchor), boxes mapped back and clipped.
///
/// Boxes of different classes are kept apart by moving class k by k * 7680 pixels in float32, the
/// reference's way, roundings included. A NaN score loses against every number; an anchor whose
/// best score or box is not finite is dropped. Memory: about 16 bytes an anchor at most.
/// Thread-safe.
[[nodiscard]] Detections DecodeYolov8(const Yolov8Output& output, const DetectionOptions& options,
                                      const BoxMapping& mapping, Isa isa);

/// The variants of the scan over class rows, on a run of anchors.
struct ScanKernels {
  /// For each i < count: where row[i] > best[i], best[i] = row[i] and best_class[i] = index.
  void (*update_best)(const float* row, std::int32_t index, std::size_t count, float* best,
                      std::int32_t* best_class);
  void (*half_to_float)(const std::uint16_t* source, std::size_t count, float* target);
};
[[nodiscard]] ScanKernels ScanKernelsFor(Isa isa) noexcept;

}  // namespace tensorrt_node
