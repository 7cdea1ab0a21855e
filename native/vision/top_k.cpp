#include "vision/top_k.h"

#include <algorithm>
#include <cmath>

#include "vision/nms.h"
#include "vision/score_order.h"
#include "vision/suppression.h"
#include "vision/yolov8.h"

namespace tensorrt_node {
namespace {

constexpr std::int64_t kMaxLabel = 1 << 20;
/// Classes that get a group each; memory for more would cost more than it saves.
constexpr std::int64_t kMaxGroups = 4096;

std::int64_t LabelAt(const TopKOutput& output, std::size_t row) noexcept {
  if (output.wide_labels) return static_cast<const std::int64_t*>(output.labels)[row];
  return static_cast<const std::int32_t*>(output.labels)[row];
}

Box BoxAt(const TopKOutput& output, std::size_t row) noexcept {
  const float* box = output.boxes + row * 4;
  return {box[0], box[1], box[2], box[3]};
}

bool IsAllowed(const DetectionOptions& options, std::int64_t label) noexcept {
  if (label < 0 || label > kMaxLabel) return false;
  if (options.allowed.empty()) return true;
  const auto index = static_cast<std::size_t>(label);
  return index < options.allowed.size() && options.allowed[index] != 0;
}

}  // namespace

Detections DecodeTopK(const TopKOutput& output, const DetectionOptions& options,
                      const BoxMapping& mapping, Isa isa) {
  ScoreOrder order;
  Reach reach;
  bool truncated = output.count > 0;
  std::int64_t last_label = 0;
  std::uint64_t* const entries = order.Room(output.count);
  std::size_t taken = 0;
  for (std::size_t row = 0; row < output.count; ++row) {
    const float score = output.scores[row];
    if (!(score > options.confidence)) truncated = false;
    if (!(score > options.confidence) || !std::isfinite(score)) continue;
    const std::int64_t label = LabelAt(output, row);
    const Box box = BoxAt(output, row);
    if (!IsAllowed(options, label) || !IsFinite(box)) continue;
    reach.Include(box);
    last_label = std::max(last_label, label);
    entries[taken++] = ScoreOrder::EntryOf(score, static_cast<std::uint32_t>(row));
  }
  order.Take(taken);
  // As in DecodeYolov8: classes that cannot touch once they are moved apart are groups.
  const bool by_class = !options.agnostic && last_label < kMaxGroups &&
                        reach.Width() <= static_cast<double>(kClassOffset);
  KeptBoxes kept;
  kept.Reset(options.iou, by_class ? static_cast<std::size_t>(last_label) + 1 : 1, isa);
  Detections detections = SuppressInOrder(order.Sort(), options, mapping, kept, by_class,
                                          [&](std::size_t row, std::int32_t& class_index) {
                                            class_index =
                                                static_cast<std::int32_t>(LabelAt(output, row));
                                            return BoxAt(output, row);
                                          });
  detections.truncated = truncated;
  return detections;
}

}  // namespace tensorrt_node
