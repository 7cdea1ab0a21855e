#include "vision/yolov8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "random_source.h"
#include "vision/half.h"
#include "vision/nms.h"
#include "vision/score_order.h"

namespace tensorrt_node {
namespace {

constexpr BoxMapping kIdentity{0, 0, 1, 1, 1e6F, 1e6F};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A `[4 + classes, anchors]` output that can be filled anchor by anchor.
struct Tensor {
  Tensor(std::size_t the_classes, std::size_t the_anchors)
      : classes(the_classes), anchors(the_anchors), data((4 + classes) * anchors) {}

  void SetBox(std::size_t anchor, float cx, float cy, float w, float h) {
    data[anchor] = cx;
    data[anchors + anchor] = cy;
    data[2 * anchors + anchor] = w;
    data[3 * anchors + anchor] = h;
  }
  float& Score(std::size_t anchor, std::size_t class_index) {
    return data[(4 + class_index) * anchors + anchor];
  }
  [[nodiscard]] Yolov8Output View() const {
    return {data.data(), false, 4 + classes, anchors, classes};
  }

  std::size_t classes;
  std::size_t anchors;
  std::vector<float> data;
};

Tensor RandomTensor(RandomSource& random, std::size_t classes, std::size_t anchors,
                    float score_limit) {
  Tensor tensor(classes, anchors);
  for (std::size_t a = 0; a < anchors; ++a) {
    // Centres in clusters, so that many boxes overlap; scores in coarse steps, so that many are
    // equal.
    tensor.SetBox(a, static_cast<float>(random.Integer(0, 8) * 40) + random.Real(0, 12),
                  static_cast<float>(random.Integer(0, 8) * 40) + random.Real(0, 12),
                  random.Real(10, 60), random.Real(10, 60));
    for (std::size_t c = 0; c < classes; ++c) {
      tensor.Score(a, c) = std::floor(random.Real(0, score_limit) * 64) / 64;
    }
  }
  return tensor;
}

/// The whole decoding written plainly: every pair of boxes, one step after the other. Half outputs
/// have their corners rounded to half, as the reference computes them in the output's own
/// precision.
Detections Naive(const Tensor& tensor, const DetectionOptions& options, bool half = false) {
  struct Row {
    float score;
    std::int32_t class_index;
    std::size_t anchor;
    Box box;
    Box moved;
  };
  std::vector<Row> rows;
  const std::size_t n = tensor.anchors;
  for (std::size_t a = 0; a < n; ++a) {
    float best = -1;
    std::int32_t best_class = 0;
    for (std::size_t c = 0; c < tensor.classes; ++c) {
      const float score = tensor.data[(4 + c) * n + a];
      if (score > best) best = score, best_class = static_cast<std::int32_t>(c);
    }
    if (!(best > options.confidence)) continue;
    if (!options.allowed.empty() && options.allowed[static_cast<std::size_t>(best_class)] == 0)
      continue;
    const float* d = tensor.data.data() + a;
    const auto corner = [half](float side) { return half ? HalfToFloat(FloatToHalf(side)) : side; };
    const Box box{corner(d[0] - d[2 * n] / 2), corner(d[n] - d[3 * n] / 2),
                  corner(d[0] + d[2 * n] / 2), corner(d[n] + d[3 * n] / 2)};
    const float shift = options.agnostic ? 0 : static_cast<float>(best_class) * 7680.0F;
    rows.push_back({best,
                    best_class,
                    a,
                    box,
                    {box.x1 + shift, box.y1 + shift, box.x2 + shift, box.y2 + shift}});
  }
  Detections result;
  result.candidates = rows.size();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.score > b.score; });
  if (rows.size() > options.max_candidates) rows.resize(options.max_candidates);
  std::vector<bool> suppressed(rows.size(), false);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (suppressed[i]) continue;
    if (result.scores.size() == options.max_detections) break;
    const Box& a = rows[i].moved;
    result.scores.push_back(rows[i].score);
    result.classes.push_back(rows[i].class_index);
    result.anchors.push_back(static_cast<std::int32_t>(rows[i].anchor));
    for (const float value : {rows[i].box.x1, rows[i].box.y1, rows[i].box.x2, rows[i].box.y2}) {
      result.boxes.push_back(std::clamp(value, 0.0F, 1e6F));
    }
    const float area_a = (a.x2 - a.x1) * (a.y2 - a.y1);
    for (std::size_t j = i + 1; j < rows.size(); ++j) {
      const Box& b = rows[j].moved;
      const float w = std::max(0.0F, std::min(a.x2, b.x2) - std::max(a.x1, b.x1));
      const float h = std::max(0.0F, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
      const float shared = w * h;
      const float area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
      if (static_cast<double>(shared / (area_a + area_b - shared)) > options.iou)
        suppressed[j] = true;
    }
  }
  return result;
}

void ExpectSame(const Detections& expected, const Detections& found) {
  EXPECT_EQ(expected.candidates, found.candidates);
  EXPECT_EQ(expected.anchors, found.anchors);
  EXPECT_EQ(expected.classes, found.classes);
  EXPECT_EQ(expected.scores, found.scores);
  EXPECT_EQ(expected.boxes, found.boxes);
}

TEST(Yolov8, EqualsTheNaiveDecodingForRandomOutputs) {
  RandomSource random(11);
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const Tensor tensor =
        RandomTensor(random, random.Integer(1, 7), random.Integer(1, 1700), random.Real(0.2F, 1));
    DetectionOptions options;
    options.confidence = random.Real(0, 0.5F);
    options.iou = i % 5 == 0 ? 0.0 : static_cast<double>(random.Real(0.1F, 0.9F));
    options.max_detections = i % 3 == 0 ? random.Integer(0, 20) : 300;
    options.max_candidates = i % 4 == 0 ? random.Integer(1, 900) : 30000;
    options.agnostic = i % 2 == 0;
    if (i % 6 == 0) {
      options.allowed.assign(tensor.classes, 0);
      options.allowed[0] = 1;
    }
    const Detections expected = Naive(tensor, options);
    for (const Isa isa : SupportedIsas()) {
      SCOPED_TRACE(IsaName(isa));
      ExpectSame(expected, DecodeYolov8(tensor.View(), options, kIdentity, isa));
    }
  }
}

TEST(Yolov8, HalfOutputsDecodeAsTheirFloatValuesWithHalfCorners) {
  RandomSource random(12);
  Tensor tensor = RandomTensor(random, 3, 1201, 0.9F);
  std::vector<std::uint16_t> halves;
  for (float& value : tensor.data) {
    halves.push_back(FloatToHalf(value));
    value = HalfToFloat(halves.back());
  }
  Yolov8Output output = tensor.View();
  output.data = halves.data();
  output.half = true;
  const Detections expected = Naive(tensor, {}, true);
  ASSERT_GT(expected.scores.size(), 50U);
  for (const Isa isa : SupportedIsas())
    ExpectSame(expected, DecodeYolov8(output, {}, kIdentity, isa));
}

TEST(Yolov8, ConfidenceIsStrictAndTheFirstOfEqualClassesWins) {
  Tensor tensor(3, 2);
  tensor.SetBox(0, 50, 50, 10, 10);
  tensor.SetBox(1, 150, 50, 10, 10);
  tensor.Score(0, 1) = 0.25F;
  tensor.Score(1, 1) = tensor.Score(1, 2) = std::nextafter(0.25F, 1.0F);
  for (const Isa isa : SupportedIsas()) {
    const Detections found = DecodeYolov8(tensor.View(), {}, kIdentity, isa);
    EXPECT_EQ(found.anchors, std::vector<std::int32_t>{1});
    EXPECT_EQ(found.classes, std::vector<std::int32_t>{1});
  }
}

TEST(Yolov8, IouAtTheThresholdSuppressesNothing) {
  // Two boxes of 10 x 10 that share 5 x 10: IoU 50 / 150, which float32 rounds up.
  Tensor tensor(1, 2);
  tensor.SetBox(0, 5, 5, 10, 10);
  tensor.SetBox(1, 10, 5, 10, 10);
  tensor.Score(0, 0) = 0.9F;
  tensor.Score(1, 0) = 0.8F;
  for (const Isa isa : SupportedIsas()) {
    DetectionOptions options;
    options.iou = static_cast<double>(50.0F / 150.0F);
    EXPECT_EQ(DecodeYolov8(tensor.View(), options, kIdentity, isa).scores.size(), 2U);
    options.iou = std::nextafter(options.iou, 0.0);
    EXPECT_EQ(DecodeYolov8(tensor.View(), options, kIdentity, isa).scores.size(), 1U);
  }
}

TEST(Yolov8, NanAndInfinityNeverPass) {
  Tensor tensor(2, 40);
  for (std::size_t a = 0; a < tensor.anchors; ++a) {
    tensor.SetBox(a, static_cast<float>(a) * 100, 50, 10, 10);
    tensor.Score(a, 0) = 0.5F;
  }
  tensor.Score(1, 0) = kNan;
  tensor.Score(2, 0) = kInfinity;
  tensor.Score(3, 0) = -kInfinity;
  tensor.Score(4, 1) = kNan;  // Loses against the 0.5 of class 0.
  tensor.SetBox(5, kNan, 50, 10, 10);
  tensor.SetBox(6, 50, 50, kInfinity, 10);
  tensor.SetBox(7, 3e38F, 50, 3e38F, 10);
  for (const Isa isa : SupportedIsas()) {
    const Detections found = DecodeYolov8(tensor.View(), {}, kIdentity, isa);
    std::vector<std::int32_t> anchors = found.anchors;
    std::sort(anchors.begin(), anchors.end());
    std::vector<std::int32_t> expected(tensor.anchors);
    std::iota(expected.begin(), expected.end(), 0);
    expected.erase(expected.begin() + 5, expected.begin() + 8);
    expected.erase(expected.begin() + 1, expected.begin() + 4);
    EXPECT_EQ(anchors, expected) << IsaName(isa);
    EXPECT_EQ(found.candidates, expected.size());
  }
}

TEST(Yolov8, DegenerateBoxesStayAndSuppressNothing) {
  Tensor tensor(1, 4);
  tensor.SetBox(0, 50, 50, 0, 0);
  tensor.SetBox(1, 50, 50, 0, 0);
  tensor.SetBox(2, 50, 50, -10, -10);
  tensor.SetBox(3, 50, 50, 0, 20);
  for (std::size_t a = 0; a < 4; ++a) tensor.Score(a, 0) = 0.5F;
  for (const Isa isa : SupportedIsas()) {
    EXPECT_EQ(DecodeYolov8(tensor.View(), {}, kIdentity, isa).anchors,
              (std::vector<std::int32_t>{0, 1, 2, 3}));
  }
}

TEST(Yolov8, BoxesAreMappedPerAxisAndClipped) {
  Tensor tensor(1, 2);
  tensor.SetBox(0, 110, 60, 100, 40);
  tensor.SetBox(1, 600, -50, 100, 40);
  tensor.Score(0, 0) = 0.9F;
  tensor.Score(1, 0) = 0.8F;
  const BoxMapping mapping{10, 20, 0.5F, 0.25F, 300, 200};
  for (const Isa isa : SupportedIsas()) {
    const Detections found = DecodeYolov8(tensor.View(), {}, mapping, isa);
    EXPECT_EQ(found.boxes, (std::vector<float>{100, 80, 300, 200, 300, 0, 300, 0}));
  }
}

TEST(Yolov8, NoAnchorsNoCandidatesAndVeryMany) {
  RandomSource random(13);
  for (const Isa isa : SupportedIsas()) {
    EXPECT_TRUE(DecodeYolov8(Tensor(3, 0).View(), {}, kIdentity, isa).scores.empty());
    EXPECT_TRUE(DecodeYolov8(Tensor(3, 513).View(), {}, kIdentity, isa).scores.empty());
  }
  Tensor tensor(1, 300000);
  for (std::size_t a = 0; a < tensor.anchors; ++a) {
    tensor.SetBox(a, random.Real(0, 600), random.Real(0, 600), random.Real(5, 50),
                  random.Real(5, 50));
    tensor.Score(a, 0) = random.Real(0.3F, 1);
  }
  const Detections first = DecodeYolov8(tensor.View(), {}, kIdentity, Isa::kScalar);
  EXPECT_EQ(first.candidates, 300000U);
  EXPECT_EQ(first.scores.size(), 300U);
  EXPECT_TRUE(std::is_sorted(first.scores.rbegin(), first.scores.rend()));
  ExpectSame(first, DecodeYolov8(tensor.View(), {}, kIdentity, BestIsa()));
}

TEST(Yolov8, RefusesCountsThatMakeNoSense) {
  const Tensor tensor(3, 4);
  for (const std::size_t classes : {std::size_t{0}, std::size_t{4}, ~std::size_t{0}}) {
    Yolov8Output output = tensor.View();
    output.classes = classes;
    EXPECT_THROW(static_cast<void>(DecodeYolov8(output, {}, kIdentity, Isa::kScalar)), Error);
  }
  Yolov8Output output = tensor.View();
  output.anchors = std::size_t{1} << 31;
  EXPECT_THROW(output.Check(), Error);
  output = tensor.View();
  output.channels = 3;
  EXPECT_THROW(output.Check(), Error);
  DetectionOptions options;
  options.allowed = {1};
  EXPECT_THROW(static_cast<void>(DecodeYolov8(tensor.View(), options, kIdentity, Isa::kScalar)),
               Error);
}

TEST(Yolov8, ClassesMeetWhereBoxesAreWiderThanTheirDistance) {
  RandomSource random(14);
  for (int i = 0; i < 20; ++i) {
    Tensor tensor(4, 700);
    for (std::size_t a = 0; a < tensor.anchors; ++a) {
      tensor.SetBox(a, random.Real(0, 9000), random.Real(0, 9000), random.Real(6000, 9000),
                    random.Real(6000, 9000));
      tensor.Score(a, random.Integer(0, 3)) = random.Real(0.2F, 1);
    }
    DetectionOptions options;
    options.iou = static_cast<double>(random.Real(0.05F, 0.5F));
    const Detections expected = Naive(tensor, options);
    DetectionOptions apart = options;
    apart.agnostic = true;
    EXPECT_NE(Naive(tensor, apart).anchors, expected.anchors);
    for (const Isa isa : SupportedIsas())
      ExpectSame(expected, DecodeYolov8(tensor.View(), options, kIdentity, isa));
  }
}

TEST(KeptBoxes, GroupsOfAnySizeDoNotSeeEachOther) {
  for (const Isa isa : SupportedIsas()) {
    SCOPED_TRACE(IsaName(isa));
    KeptBoxes kept;
    for (int round = 0; round < 2; ++round) {
      kept.Reset(0.5, 3, isa);
      for (std::size_t group : {std::size_t{2}, std::size_t{0}}) {
        for (std::size_t i = 0; i < 5 * KeptBoxes::kLanes + 1; ++i) {
          const auto x = static_cast<float>(i) * 10;
          EXPECT_TRUE(kept.Add({x, 0, x + 5, 5}, group));
        }
        for (std::size_t i = 0; i < 5 * KeptBoxes::kLanes + 1; ++i) {
          const auto x = static_cast<float>(i) * 10;
          EXPECT_FALSE(kept.Add({x, 0, x + 6, 5}, group)) << i;
        }
      }
      EXPECT_EQ(kept.size(), 2 * (5 * KeptBoxes::kLanes + 1));
      EXPECT_TRUE(kept.Add({0, 0, 5, 5}, 1));
    }
  }
}

TEST(ScoreOrder, SortsDownwardsAndKeepsEqualScoresInOrder) {
  RandomSource random(15);
  ScoreOrder order;
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    order.Clear();
    std::vector<float> scores(random.Integer(0, i % 2 == 0 ? 120 : 5000));
    std::uint32_t place = 0;
    for (float& score : scores) {
      // Few and many different scores, near each other and over the whole range of floats.
      score = i % 3 == 0 ? static_cast<float>(random.Integer(1, 9)) / 9
              : i % 3 == 1
                  ? random.Real(0.25F, 1)
                  : std::ldexp(random.Real(1, 2), static_cast<int>(random.Integer(0, 260)) - 140);
      *order.Room(1) = ScoreOrder::EntryOf(score, place++);
      order.Take(1);
    }
    std::vector<std::uint32_t> expected(scores.size());
    std::iota(expected.begin(), expected.end(), 0);
    std::stable_sort(expected.begin(), expected.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
    const ScoreOrder::View view = order.Sort();
    ASSERT_EQ(view.size, expected.size());
    for (std::size_t rank = 0; rank < view.size; ++rank)
      ASSERT_EQ(view.Place(rank), expected[rank]) << rank;
  }
}

}  // namespace
}  // namespace tensorrt_node
