// Greedy non-maximum suppression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vision/isa.h"

namespace tensorrt_node {

struct Box {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;
};

/// The boxes kept so far. A new box is suppressed when its IoU with one of them is above the
/// threshold.
///
/// IoU = intersection / (area + area - intersection), each step rounded to float32 in this order,
/// so that ties at the threshold fall as they do in torchvision. An IoU that is NaN (both areas 0)
/// suppresses nothing.
class KeptBoxes {
 public:
  /// `iou_threshold` in [0, 1]. Room for `capacity` boxes is allocated at once.
  KeptBoxes(double iou_threshold, std::size_t capacity, Isa isa);

  /// Keeps `box` and returns true, or returns false when a kept box suppresses it. Must not be
  /// full.
  bool Add(const Box& box);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Lanes that a kernel looks at together; the arrays are padded with empty boxes up to a
  /// multiple.
  static constexpr std::size_t kLanes = 16;

  struct Arrays {
    const float* x1;
    const float* y1;
    const float* x2;
    const float* y2;
    const float* area;
    std::size_t padded_size;  ///< A multiple of kLanes.
  };
  using Kernel = bool (*)(const Arrays& kept, const Box& box, float area, float threshold);

 private:
  std::vector<float> x1_, y1_, x2_, y2_, area_;
  std::size_t size_ = 0;
  float threshold_;
  Kernel kernel_;
};

[[nodiscard]] KeptBoxes::Kernel OverlapKernelFor(Isa isa) noexcept;

}  // namespace tensorrt_node
