// Decoding of the output that YOLOv8, YOLO11 and YOLOv5u detectors share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vision/detections.h"
#include "vision/isa.h"
#include "vision/nms.h"

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

/// Best class of each anchor (the first of equal ones), confidence filter, greedy class-aware
/// suppression in order of score (ties by anchor), boxes mapped back and clipped.
///
/// Boxes of different classes are kept apart by moving class k by k * 7680 pixels in float32, the
/// reference's way, roundings included. A NaN score loses against every number; an anchor whose
/// best score or box is not finite is dropped. Memory: 4 bytes an anchor and 16 a candidate, of
/// which each thread keeps up to 4 MiB for its next call. Thread-safe.
[[nodiscard]] Detections DecodeYolov8(const Yolov8Output& output, const DetectionOptions& options,
                                      const BoxMapping& mapping, Isa isa);

/// A run of `count` anchors of one output: `classes` rows that lie `stride` elements apart.
struct ScanShape {
  std::size_t count = 0;
  std::size_t classes = 0;
  std::size_t stride = 0;
  float confidence = 0;
};

/// What a scan found out about the anchors from `begin` on.
struct ScanRun {
  const float* best;
  const std::int32_t* best_class;  ///< Negative: no candidate.
  std::size_t begin;
  std::size_t count;
};

/// Least and greatest x of a number of boxes and of 0.
struct Reach {
  float low = 0;
  float high = 0;

  void Include(const Box& box) noexcept {
    low = std::min({low, box.x1, box.x2});
    high = std::max({high, box.x1, box.x2});
  }
  [[nodiscard]] double Width() const noexcept {
    return static_cast<double>(high) - static_cast<double>(low);
  }
};

/// The variants of the scan over class rows.
struct ScanKernels {
  /// For each anchor i of the run: best[i] is the highest score above the confidence and
  /// best_class[i] its first class; or the confidence and -1.
  void (*best_of_float)(const float* scores, const ScanShape& shape, float* best,
                        std::int32_t* best_class);
  void (*best_of_half)(const std::uint16_t* scores, const ScanShape& shape, float* best,
                       std::int32_t* best_class);
  /// Writes a ScoreOrder entry for each candidate whose score and box are finite, in order of
  /// anchors, and returns their number. May write beyond them, up to `run.count` entries.
  std::size_t (*collect)(const Yolov8Output& output, const ScanRun& run, std::uint64_t* entries,
                         Reach& reach);
};
[[nodiscard]] ScanKernels ScanKernelsFor(Isa isa) noexcept;

void BestScalar(const float* scores, const ScanShape& shape, float* best, std::int32_t* best_class);
void BestScalar(const std::uint16_t* scores, const ScanShape& shape, float* best,
                std::int32_t* best_class);
std::size_t CollectScalar(const Yolov8Output& output, const ScanRun& run, std::uint64_t* entries,
                          Reach& reach);

}  // namespace tensorrt_node
