#include "vision/top_k.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "random_source.h"
#include "vision/nms.h"

namespace tensorrt_node {
namespace {

constexpr BoxMapping kIdentity{0, 0, 1, 1, 1e6F, 1e6F};

struct Rows {
  std::vector<float> boxes;
  std::vector<float> scores;
  std::vector<std::int64_t> labels;

  void Add(const Box& box, float score, std::int64_t label) {
    boxes.insert(boxes.end(), {box.x1, box.y1, box.x2, box.y2});
    scores.push_back(score);
    labels.push_back(label);
  }
  [[nodiscard]] TopKOutput View() const {
    return {boxes.data(), scores.data(), labels.data(), true, scores.size()};
  }
};

TEST(TopK, KeepsWhatNoBetterBoxOfItsClassOverlaps) {
  RandomSource random(5);
  for (int round = 0; round < 50; ++round) {
    Rows rows;
    const auto count = static_cast<std::size_t>(random.Integer(0, 200));
    for (std::size_t i = 0; i < count; ++i) {
      const float x = static_cast<float>(random.Integer(0, 4)) * 30 + random.Real(0, 9);
      const float y = static_cast<float>(random.Integer(0, 4)) * 30 + random.Real(0, 9);
      // Coarse steps, so that many scores are equal.
      rows.Add({x, y, x + random.Real(10, 40), y + random.Real(10, 40)},
               std::floor(random.Real(0, 1) * 32) / 32,
               static_cast<std::int64_t>(random.Integer(0, 2)));
    }
    const DetectionOptions options{.confidence = 0.25F, .iou = 0.5};
    for (const Isa isa : {Isa::kScalar, BestIsa()}) {
      const Detections found = DecodeTopK(rows.View(), options, kIdentity, isa);
      for (std::size_t i = 0; i < found.scores.size(); ++i) {
        const auto row = static_cast<std::size_t>(found.anchors[i]);
        EXPECT_EQ(found.scores[i], rows.scores[row]);
        EXPECT_EQ(found.classes[i], rows.labels[row]);
        EXPECT_GT(found.scores[i], options.confidence);
        if (i == 0) continue;
        EXPECT_TRUE(
            found.scores[i - 1] > found.scores[i] ||
            (found.scores[i - 1] == found.scores[i] && found.anchors[i - 1] < found.anchors[i]));
      }
    }
  }
}

TEST(TopK, TakesNoRowsAtAll) {
  const Detections found = DecodeTopK(Rows().View(), {}, kIdentity, BestIsa());
  EXPECT_TRUE(found.scores.empty());
  EXPECT_FALSE(found.truncated);
}

TEST(TopK, DropsWhatIsNoNumberOrNoClass) {
  Rows rows;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  rows.Add({0, 0, 9, 9}, nan, 0);
  rows.Add({0, 0, nan, 9}, 0.9F, 0);
  rows.Add({0, 0, 9, 9}, 0.9F, -1);
  rows.Add({0, 0, 9, 9}, 0.9F, std::numeric_limits<std::int64_t>::max());
  rows.Add({0, 0, 9, 9}, 0.5F, 2);
  DetectionOptions options;
  options.allowed = {1, 0, 1};
  const Detections found = DecodeTopK(rows.View(), options, kIdentity, BestIsa());
  ASSERT_EQ(found.classes.size(), 1U);
  EXPECT_EQ(found.classes[0], 2);
  EXPECT_EQ(found.anchors[0], 4);
  options.allowed = {1, 0};
  EXPECT_TRUE(DecodeTopK(rows.View(), options, kIdentity, BestIsa()).scores.empty());
}

}  // namespace
}  // namespace tensorrt_node
