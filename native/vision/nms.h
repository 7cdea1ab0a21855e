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

/// The boxes kept so far, in groups that do not see each other. A new box is suppressed when its
/// IoU with one of its group is above the threshold.
///
/// IoU = intersection / (area + area - intersection), each step rounded to float32 in this order,
/// so that ties at the threshold fall as they do in torchvision. An IoU that is NaN (both areas 0)
/// suppresses nothing.
class KeptBoxes {
 public:
  /// Boxes that a kernel looks at together.
  static constexpr std::size_t kLanes = 16;

  /// Some boxes of one group, filled up with empty ones.
  struct alignas(64) Block {
    float x1[kLanes];
    float y1[kLanes];
    float x2[kLanes];
    float y2[kLanes];
    float area[kLanes];
    std::int32_t next;  ///< The group's next block, or -1.
    std::uint32_t used;
  };
  /// Whether a box of the chain that starts at `blocks[first]` (none when -1) suppresses `box`.
  using Kernel = bool (*)(const Block* blocks, std::int32_t first, const Box& box, float area,
                          float threshold);

  /// Forgets all boxes and keeps the memory. `iou_threshold` in [0, 1].
  void Reset(double iou_threshold, std::size_t groups, Isa isa);
  /// Keeps `box` and returns true, or returns false when a kept box of its group suppresses it.
  /// `group` must be below the number of groups.
  bool Add(const Box& box, std::size_t group);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t ByteSize() const noexcept {
    return blocks_.capacity() * sizeof(Block) + first_.capacity() * sizeof(std::int32_t);
  }

 private:
  std::vector<Block> blocks_;
  /// By group: the block that is being filled, or -1. The others of its chain are full.
  std::vector<std::int32_t> first_;
  std::size_t size_ = 0;
  float threshold_ = 0;
  Kernel kernel_ = nullptr;
};

[[nodiscard]] KeptBoxes::Kernel OverlapKernelFor(Isa isa) noexcept;

}  // namespace tensorrt_node
