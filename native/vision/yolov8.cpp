#include "vision/yolov8.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "core/error.h"
#include "vision/detect_kernels.h"
#include "vision/half.h"
#include "vision/nms.h"

namespace tensorrt_node {
namespace {

/// Pixels between the boxes of one class and the next.
constexpr float kClassOffset = 7680.0F;
/// Anchors scanned at a time: their best scores and one row of each class stay in the first-level
/// cache.
constexpr std::size_t kRun = 512;
/// Candidates sorted at a time; most suppressions end before they have seen them all.
constexpr std::size_t kSortRun = 1024;

struct Candidate {
  /// Ascending order is best score first, then lowest anchor. Scores are positive, so their bits
  /// order them.
  std::uint64_t key;
  std::int32_t class_index;

  static std::uint64_t KeyOf(float score, std::size_t anchor) noexcept {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &score, sizeof(bits));
    return (static_cast<std::uint64_t>(~bits) << 32) | static_cast<std::uint32_t>(anchor);
  }
  [[nodiscard]] float Score() const noexcept {
    const auto bits = ~static_cast<std::uint32_t>(key >> 32);
    float score = 0;
    std::memcpy(&score, &bits, sizeof(score));
    return score;
  }
  [[nodiscard]] std::size_t Anchor() const noexcept { return static_cast<std::uint32_t>(key); }
  bool operator<(const Candidate& other) const noexcept { return key < other.key; }
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

bool IsFinite(const Box& box) noexcept {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
         std::isfinite(box.y2);
}

std::vector<Candidate> FindCandidates(const Yolov8Output& output, const DetectionOptions& options,
                                      Isa isa) {
  const ScanKernels kernels = ScanKernelsFor(isa);
  alignas(64) float best[kRun];
  alignas(64) float converted[kRun];
  alignas(64) std::int32_t best_class[kRun];
  std::vector<Candidate> candidates;
  for (std::size_t begin = 0; begin < output.anchors; begin += kRun) {
    const std::size_t count = std::min(kRun, output.anchors - begin);
    std::fill_n(best, count, options.confidence);
    std::fill_n(best_class, count, -1);
    for (std::size_t c = 0; c < output.classes; ++c) {
      const std::size_t row = (4 + c) * output.anchors + begin;
      const float* scores = converted;
      if (output.half) {
        kernels.half_to_float(static_cast<const std::uint16_t*>(output.data) + row, count,
                              converted);
      } else {
        scores = static_cast<const float*>(output.data) + row;
      }
      kernels.update_best(scores, static_cast<std::int32_t>(c), count, best, best_class);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (best_class[i] < 0 || !std::isfinite(best[i])) continue;
      if (!options.allowed.empty() && options.allowed[static_cast<std::size_t>(best_class[i])] == 0)
        continue;
      if (!IsFinite(BoxOf(output, begin + i))) continue;
      candidates.push_back({Candidate::KeyOf(best[i], begin + i), best_class[i]});
    }
  }
  return candidates;
}

void Append(const Candidate& candidate, const Box& box, const BoxMapping& mapping,
            Detections& detections) {
  const auto map = [](float value, float pad, float gain, float size) {
    return std::clamp((value - pad) / gain, 0.0F, size);
  };
  detections.boxes.insert(detections.boxes.end(),
                          {map(box.x1, mapping.pad_x, mapping.gain_x, mapping.width),
                           map(box.y1, mapping.pad_y, mapping.gain_y, mapping.height),
                           map(box.x2, mapping.pad_x, mapping.gain_x, mapping.width),
                           map(box.y2, mapping.pad_y, mapping.gain_y, mapping.height)});
  detections.scores.push_back(candidate.Score());
  detections.classes.push_back(candidate.class_index);
  detections.anchors.push_back(static_cast<std::int32_t>(candidate.Anchor()));
}

void UpdateBestScalar(const float* row, std::int32_t index, std::size_t count, float* best,
                      std::int32_t* best_class) {
  for (std::size_t i = 0; i < count; ++i) {
    if (row[i] > best[i]) {
      best[i] = row[i];
      best_class[i] = index;
    }
  }
}

void HalfToFloatScalar(const std::uint16_t* source, std::size_t count, float* target) {
  for (std::size_t i = 0; i < count; ++i) target[i] = HalfToFloat(source[i]);
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
  std::vector<Candidate> candidates = FindCandidates(output, options, isa);
  Detections detections;
  detections.candidates = candidates.size();
  const std::size_t count = std::min(candidates.size(), options.max_candidates);
  if (count < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count),
                     candidates.end());
  }
  const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(count);
  auto sorted = candidates.begin();
  KeptBoxes kept(options.iou, std::min(options.max_detections, count), isa);
  for (auto candidate = candidates.begin();
       candidate != end && kept.size() < options.max_detections; ++candidate) {
    if (candidate == sorted) {
      sorted += std::min<std::ptrdiff_t>(kSortRun, end - sorted);
      if (sorted != end) std::nth_element(candidate, sorted, end);
      std::sort(candidate, sorted);
    }
    const Box box = BoxOf(output, candidate->Anchor());
    const float offset =
        options.agnostic ? 0.0F : static_cast<float>(candidate->class_index) * kClassOffset;
    if (kept.Add({box.x1 + offset, box.y1 + offset, box.x2 + offset, box.y2 + offset})) {
      Append(*candidate, box, mapping, detections);
    }
  }
  return detections;
}

ScanKernels ScanKernelsFor([[maybe_unused]] Isa isa) noexcept {
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return {UpdateBestAvx2, HalfToFloatAvx2};
  if (isa == Isa::kAvx512) return {UpdateBestAvx512, HalfToFloatAvx2};
#endif
  return {UpdateBestScalar, HalfToFloatScalar};
}

}  // namespace tensorrt_node
