// From ordered candidates to detections: what the decoders of all layouts share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "vision/detections.h"
#include "vision/nms.h"
#include "vision/score_order.h"

namespace tensorrt_node {

/// Pixels between the boxes of one class and the next.
inline constexpr float kClassOffset = 7680.0F;
/// Candidates whose boxes are fetched together.
inline constexpr std::size_t kChunk = 64;
/// Detections that memory is reserved for at once, at most.
inline constexpr std::size_t kReserved = 512;

[[nodiscard]] inline bool IsFinite(const Box& box) noexcept {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
         std::isfinite(box.y2);
}

/// Adds a box, mapped back to the picture and clipped.
inline void Append(const Box& box, const BoxMapping& mapping, Detections& detections) {
  const auto map = [](float value, float pad, float gain, float size) {
    return std::clamp((value - pad) / gain, 0.0F, size);
  };
  detections.boxes.insert(detections.boxes.end(),
                          {map(box.x1, mapping.pad_x, mapping.gain_x, mapping.width),
                           map(box.y1, mapping.pad_y, mapping.gain_y, mapping.height),
                           map(box.x2, mapping.pad_x, mapping.gain_x, mapping.width),
                           map(box.y2, mapping.pad_y, mapping.gain_y, mapping.height)});
}

/// Greedy suppression of candidates, best first. `box_of(place, class_index)` gives the box of a
/// place in input pixels and sets its class. With `by_class` each class is a group of `kept`, which
/// must have been reset to that many.
template <typename BoxOf>
[[nodiscard]] Detections SuppressInOrder(const ScoreOrder::View& order,
                                         const DetectionOptions& options, const BoxMapping& mapping,
                                         KeptBoxes& kept, bool by_class, BoxOf box_of) {
  Detections detections;
  detections.candidates = order.size;
  const std::size_t count = std::min(order.size, options.max_candidates);
  detections.Reserve(std::min({count, options.max_detections, kReserved}));
  Box boxes[kChunk];
  std::int32_t classes[kChunk];
  for (std::size_t begin = 0; begin < count && kept.size() < options.max_detections;
       begin += kChunk) {
    // Fetched together, so that the waits for memory overlap.
    const std::size_t size = std::min(kChunk, count - begin);
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t anchor = order.Place(begin + i);
      boxes[i] = box_of(anchor, classes[i]);
    }
    for (std::size_t i = 0; i < size && kept.size() < options.max_detections; ++i) {
      const Box& box = boxes[i];
      const float offset = options.agnostic ? 0.0F : static_cast<float>(classes[i]) * kClassOffset;
      const Box moved{box.x1 + offset, box.y1 + offset, box.x2 + offset, box.y2 + offset};
      if (!kept.Add(moved, by_class ? static_cast<std::size_t>(classes[i]) : 0)) continue;
      Append(box, mapping, detections);
      detections.scores.push_back(order.Score(begin + i));
      detections.classes.push_back(classes[i]);
      detections.anchors.push_back(static_cast<std::int32_t>(order.Place(begin + i)));
    }
  }
  return detections;
}

}  // namespace tensorrt_node
