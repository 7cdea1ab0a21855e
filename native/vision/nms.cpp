#include "vision/nms.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
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

bool OverlapsScalar(const KeptBoxes::Arrays& kept, const Box& box, float area, float threshold) {
  for (std::size_t i = 0; i < kept.padded_size; ++i) {
    const float width = std::max(0.0F, std::min(kept.x2[i], box.x2) - std::max(kept.x1[i], box.x1));
    const float height =
        std::max(0.0F, std::min(kept.y2[i], box.y2) - std::max(kept.y1[i], box.y1));
    const float intersection = width * height;
    if (intersection / (kept.area[i] + area - intersection) > threshold) return true;
  }
  return false;
}

}  // namespace

KeptBoxes::KeptBoxes(double iou_threshold, std::size_t capacity, Isa isa)
    : threshold_(RoundDown(iou_threshold)), kernel_(OverlapKernelFor(isa)) {
  const std::size_t padded = (capacity + kLanes - 1) / kLanes * kLanes;
  for (std::vector<float>* array : {&x1_, &y1_, &x2_, &y2_, &area_}) array->assign(padded, 0.0F);
}

bool KeptBoxes::Add(const Box& box) {
  if (size_ == x1_.size()) throw Error(ErrorCode::kInternal, "The list of kept boxes is full");
  const float area = AreaOf(box);
  const std::size_t padded = (size_ + kLanes - 1) / kLanes * kLanes;
  const Arrays kept{x1_.data(), y1_.data(), x2_.data(), y2_.data(), area_.data(), padded};
  if (kernel_(kept, box, area, threshold_)) return false;
  x1_[size_] = box.x1;
  y1_[size_] = box.y1;
  x2_[size_] = box.x2;
  y2_[size_] = box.y2;
  area_[size_] = area;
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
