#include "vision/yolov8.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "vision/detect_kernels.h"
#include "vision/half.h"
#include "vision/nms.h"
#include "vision/score_order.h"
#include "vision/suppression.h"

namespace tensorrt_node {
namespace {

/// Anchors scanned at a time: what is known of them stays in the first-level cache.
constexpr std::size_t kRun = 512;
/// Memory that a thread keeps from one call to the next, at most.
constexpr std::size_t kKeptBytes = std::size_t{4} << 20;

/// Memory of a thread, reused: fresh pages would cost more than the work.
struct Workspace {
  std::vector<std::int32_t> best_class;  ///< By anchor.
  ScoreOrder order;                      ///< Places are anchors.
  KeptBoxes kept;

  [[nodiscard]] std::size_t ByteSize() const noexcept {
    return best_class.capacity() * sizeof(std::int32_t) + order.ByteSize() + kept.ByteSize();
  }
};

float ElementAt(const Yolov8Output& output, std::size_t channel, std::size_t anchor) noexcept {
  const std::size_t index = channel * output.anchors + anchor;
  if (output.half) return HalfToFloat(static_cast<const std::uint16_t*>(output.data)[index]);
  return static_cast<const float*>(output.data)[index];
}

Box BoxOf(const Yolov8Output& output, std::size_t anchor) noexcept {
  const float cx = ElementAt(output, 0, anchor);
  const float cy = ElementAt(output, 1, anchor);
  const float half_width = ElementAt(output, 2, anchor) / 2.0F;
  const float half_height = ElementAt(output, 3, anchor) / 2.0F;
  const Box box = {cx - half_width, cy - half_height, cx + half_width, cy + half_height};
  if (!output.half) return box;
  // The reference computes corners in the output's own precision, which moves them by up to half a
  // pixel.
  const auto rounded = [](float side) { return HalfToFloat(FloatToHalf(side)); };
  return {rounded(box.x1), rounded(box.y1), rounded(box.x2), rounded(box.y2)};
}

/// Fills `work` and returns how far the boxes of the candidates reach in x.
Reach FindCandidates(const Yolov8Output& output, const DetectionOptions& options, Isa isa,
                     Workspace& work) {
  const ScanKernels kernels = ScanKernelsFor(isa);
  Reach reach;
  float best[kRun];
  work.best_class.resize(output.anchors);
  work.order.Clear();
  for (std::size_t begin = 0; begin < output.anchors; begin += kRun) {
    const std::size_t count = std::min(kRun, output.anchors - begin);
    const std::size_t first = 4 * output.anchors + begin;
    const ScanShape shape{count, output.classes, output.anchors, options.confidence};
    std::int32_t* const best_class = work.best_class.data() + begin;
    if (output.half) {
      kernels.best_of_half(static_cast<const std::uint16_t*>(output.data) + first, shape, best,
                           best_class);
    } else {
      kernels.best_of_float(static_cast<const float*>(output.data) + first, shape, best,
                            best_class);
    }
    if (!options.allowed.empty()) {
      for (std::size_t i = 0; i < count; ++i) {
        if (best_class[i] >= 0 && options.allowed[static_cast<std::size_t>(best_class[i])] == 0)
          best_class[i] = -1;
      }
    }
    std::uint64_t* const room = work.order.Room(count);
    work.order.Take(kernels.collect(output, {best, best_class, begin, count}, room, reach));
  }
  return reach;
}

float ToFloat(float value) noexcept { return value; }
float ToFloat(std::uint16_t half) noexcept { return HalfToFloat(half); }

template <typename Element>
void BestPlain(const Element* scores, const ScanShape& shape, float* best,
               std::int32_t* best_class) {
  std::fill_n(best, shape.count, shape.confidence);
  std::fill_n(best_class, shape.count, -1);
  for (std::size_t c = 0; c < shape.classes; ++c) {
    const Element* row = scores + c * shape.stride;
    for (std::size_t i = 0; i < shape.count; ++i) {
      const float score = ToFloat(row[i]);
      if (score > best[i]) {
        best[i] = score;
        best_class[i] = static_cast<std::int32_t>(c);
      }
    }
  }
}

}  // namespace

void Yolov8Output::Check() const {
  constexpr std::size_t kMaxAnchors = std::numeric_limits<std::int32_t>::max();
  constexpr std::size_t kMaxChannels = 1U << 20;
  if (classes < 1 || channels > kMaxChannels || channels < 4 || classes > channels - 4) {
    throw InvalidArgument(
        "channels", "4 + at least 1 class, at most 2^20",
        std::to_string(channels) + " for " + std::to_string(classes) + " classes");
  }
  if (anchors > kMaxAnchors) {
    throw InvalidArgument("anchors", "fewer than 2^31", std::to_string(anchors));
  }
}

Detections DecodeYolov8(const Yolov8Output& output, const DetectionOptions& options,
                        const BoxMapping& mapping, Isa isa) {
  output.Check();
  if (!options.allowed.empty() && options.allowed.size() != output.classes) {
    throw InvalidArgument("allowed classes", std::to_string(output.classes) + " flags",
                          std::to_string(options.allowed.size()));
  }
  thread_local Workspace thread_work;
  Workspace& work = thread_work;
  const Reach reach = FindCandidates(output, options, isa, work);
  const ScoreOrder::View order = work.order.Sort();
  // Boxes of different classes that cannot touch once they are moved need not be compared: each
  // class is a group of its own. Rounding keeps the order of sides, so it cannot join them.
  const bool by_class = !options.agnostic && reach.Width() <= static_cast<double>(kClassOffset);
  KeptBoxes& kept = work.kept;
  kept.Reset(options.iou, by_class ? output.classes : 1, isa);

  Detections detections = SuppressInOrder(order, options, mapping, kept, by_class,
                                          [&](std::size_t anchor, std::int32_t& class_index) {
                                            class_index = work.best_class[anchor];
                                            return BoxOf(output, anchor);
                                          });
  if (work.ByteSize() > kKeptBytes) work = {};
  return detections;
}

std::size_t CollectScalar(const Yolov8Output& output, const ScanRun& run, std::uint64_t* entries,
                          Reach& reach) {
  std::size_t hits = 0;
  // Nobody can foretell which anchors count, so there is no branch on it.
  for (std::size_t i = 0; i < run.count; ++i) {
    entries[hits] = i;
    hits += run.best_class[i] >= 0 ? 1 : 0;
  }
  std::size_t taken = 0;
  for (std::size_t hit = 0; hit < hits; ++hit) {
    const auto i = static_cast<std::size_t>(entries[hit]);
    const Box box = BoxOf(output, run.begin + i);
    if (!std::isfinite(run.best[i]) || !IsFinite(box)) continue;
    reach.Include(box);
    entries[taken++] = ScoreOrder::EntryOf(run.best[i], static_cast<std::uint32_t>(run.begin + i));
  }
  return taken;
}

void BestScalar(const float* scores, const ScanShape& shape, float* best,
                std::int32_t* best_class) {
  BestPlain(scores, shape, best, best_class);
}
void BestScalar(const std::uint16_t* scores, const ScanShape& shape, float* best,
                std::int32_t* best_class) {
  BestPlain(scores, shape, best, best_class);
}

ScanKernels ScanKernelsFor([[maybe_unused]] Isa isa) noexcept {
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return {BestOfFloatAvx2, BestOfHalfAvx2, CollectScalar};
  if (isa == Isa::kAvx512) return {BestOfFloatAvx512, BestOfHalfAvx512, CollectAvx512};
#endif
  return {BestScalar, BestScalar, CollectScalar};
}

}  // namespace tensorrt_node
