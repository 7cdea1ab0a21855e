// What every decoder takes and gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tensorrt_node {

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
  /// Anchors above the confidence may be missing: the graph kept the best K, and all pass.
  bool truncated = false;

  void Reserve(std::size_t count) {
    boxes.reserve(4 * count);
    scores.reserve(count);
    classes.reserve(count);
    anchors.reserve(count);
  }
};

}  // namespace tensorrt_node
