#include "vision/nms.h"

#include <algorithm>
#include <cmath>

#include "vision/detect_kernels.h"

namespace tensorrt_node {
namespace {

/// The largest float that is not above `threshold`: for any float v, v > threshold exactly when v >
/// that.
float RoundDown(double threshold) noexcept {
  const auto rounded = static_cast<float>(threshold);
  return static_cast<double>(rounded) > threshold ? std::nextafter(rounded, -1.0F) : rounded;
}

float AreaOf(const Box& box) noexcept { return (box.x2 - box.x1) * (box.y2 - box.y1); }

bool OverlapsScalar(const KeptBoxes::Block* blocks, std::int32_t first, const Box& box, float area,
                    float threshold) {
  for (std::int32_t at = first; at >= 0; at = blocks[at].next) {
    const KeptBoxes::Block& kept = blocks[at];
    for (std::size_t i = 0; i < KeptBoxes::kLanes; ++i) {
      const float width =
          std::max(0.0F, std::min(kept.x2[i], box.x2) - std::max(kept.x1[i], box.x1));
      const float height =
          std::max(0.0F, std::min(kept.y2[i], box.y2) - std::max(kept.y1[i], box.y1));
      const float intersection = width * height;
      if (intersection / (kept.area[i] + area - intersection) > threshold) return true;
    }
  }
  return false;
}

}  // namespace

void KeptBoxes::Reset(double iou_threshold, std::size_t groups, Isa isa) {
  blocks_.clear();
  first_.assign(groups, -1);
  size_ = 0;
  threshold_ = RoundDown(iou_threshold);
  kernel_ = OverlapKernelFor(isa);
}

bool KeptBoxes::Add(const Box& box, std::size_t group) {
  std::int32_t& first = first_[group];
  const float area = AreaOf(box);
  if (first >= 0 && kernel_(blocks_.data(), first, box, area, threshold_)) return false;
  if (first < 0 || blocks_[static_cast<std::size_t>(first)].used == kLanes) {
    blocks_.push_back(Block{});
    blocks_.back().next = first;
    first = static_cast<std::int32_t>(blocks_.size() - 1);
  }
  Block& block = blocks_[static_cast<std::size_t>(first)];
  block.x1[block.used] = box.x1;
  block.y1[block.used] = box.y1;
  block.x2[block.used] = box.x2;
  block.y2[block.used] = box.y2;
  block.area[block.used] = area;
  ++block.used;
  ++size_;
  return true;
}

KeptBoxes::Kernel OverlapKernelFor([[maybe_unused]] Isa isa) noexcept {
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return OverlapsAvx2;
  if (isa == Isa::kAvx512) return OverlapsAvx512;
#endif
  return OverlapsScalar;
}

}  // namespace tensorrt_node
