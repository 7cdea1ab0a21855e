#include "vision/letterbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"
#include "random_source.h"
#include "vision/half.h"

namespace tensorrt_node {
namespace {

struct Picture {
  std::vector<std::uint8_t> bytes;
  ImageView view;

  static Picture Random(RandomSource& random, std::size_t width, std::size_t height,
                        PixelLayout layout, std::size_t gap) {
    Picture picture;
    picture.view = {nullptr, width, height, width * ChannelsOf(layout) + gap, layout};
    // Exactly as long as the last row needs, so that the sanitizer sees a read past it.
    picture.bytes = random.Bytes(picture.view.ByteSize());
    picture.view.data = picture.bytes.data();
    return picture;
  }

  [[nodiscard]] int At(std::int64_t x, std::int64_t y, int channel) const {
    static constexpr int kOrder[5][3] = {{0, 1, 2}, {2, 1, 0}, {0, 1, 2}, {2, 1, 0}, {0, 0, 0}};
    const auto column = static_cast<std::size_t>(x) * ChannelsOf(view.layout);
    const auto offset = static_cast<std::size_t>(kOrder[static_cast<int>(view.layout)][channel]);
    return view.data[static_cast<std::size_t>(y) * view.stride_bytes + column + offset];
  }
};

/// The resize written down sample by sample from its definition, with none of the code under test.
std::uint8_t ReferenceSample(const Picture& picture, const LetterboxPlan& plan, std::size_t x,
                             std::size_t y, int channel) {
  const auto axis = [](std::size_t index, std::size_t source, std::size_t target) {
    const double scale = 1.0 / (static_cast<double>(target) / static_cast<double>(source));
    return static_cast<float>((static_cast<double>(index) + 0.5) * scale - 0.5);
  };
  const auto round = [](float value) { return static_cast<int>(std::nearbyint(value * 2048.0F)); };
  const auto width = static_cast<std::int64_t>(picture.view.width);
  const auto height = static_cast<std::int64_t>(picture.view.height);
  const float at_x = axis(x, picture.view.width, plan.resized_width);
  const float at_y = axis(y, picture.view.height, plan.resized_height);
  auto x0 = static_cast<std::int64_t>(std::floor(at_x));
  float fx = at_x - static_cast<float>(x0);
  if (x0 < 0) x0 = 0, fx = 0;
  if (x0 >= width - 1) x0 = width - 1, fx = 0;
  const std::int64_t x1 = std::min(x0 + 1, width - 1);
  const auto y0 = static_cast<std::int64_t>(std::floor(at_y));
  const float fy = at_y - static_cast<float>(y0);
  int sum = 0;
  const int weights_y[2] = {round(1.0F - fy), round(fy)};
  for (int k = 0; k < 2; ++k) {
    const std::int64_t row = std::clamp<std::int64_t>(y0 + k, 0, height - 1);
    const int horizontal =
        picture.At(x0, row, channel) * round(1.0F - fx) + picture.At(x1, row, channel) * round(fx);
    sum += ((horizontal >> 4) * weights_y[k]) >> 16;
  }
  return static_cast<std::uint8_t>((sum + 2) >> 2);
}

/// Canvas samples in NHWC order.
std::vector<std::uint8_t> Reference(const Picture& picture, const LetterboxPlan& plan,
                                    std::uint8_t fill) {
  std::vector<std::uint8_t> canvas(plan.canvas_width * plan.canvas_height * 3, fill);
  for (std::size_t y = 0; y < plan.resized_height; ++y) {
    for (std::size_t x = 0; x < plan.resized_width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const std::size_t pixel = (plan.pad_top + y) * plan.canvas_width + plan.pad_left + x;
        canvas[pixel * 3 + static_cast<std::size_t>(c)] = ReferenceSample(picture, plan, x, y, c);
      }
    }
  }
  return canvas;
}

/// The canvas of `format` as bytes, from the samples in NHWC order.
std::vector<std::uint8_t> Convert(const std::vector<std::uint8_t>& canvas,
                                  const LetterboxPlan& plan, InputFormat format) {
  if (format == InputFormat::kUint8Nhwc) return canvas;
  std::vector<std::uint8_t> bytes(CanvasBytes(plan, format));
  const std::size_t pixels = plan.canvas_width * plan.canvas_height;
  for (std::size_t i = 0; i < pixels * 3; ++i) {
    const std::uint8_t sample = canvas[i % pixels * 3 + i / pixels];
    const float scaled = static_cast<float>(sample) / 255.0F;
    const std::uint16_t half = FloatToHalf(scaled);
    if (format == InputFormat::kUint8Nchw) bytes[i] = sample;
    if (format == InputFormat::kFloat32Nchw) std::memcpy(&bytes[i * 4], &scaled, 4);
    if (format == InputFormat::kFloat16Nchw) std::memcpy(&bytes[i * 2], &half, 2);
  }
  return bytes;
}

constexpr InputFormat kFormats[] = {InputFormat::kUint8Nhwc, InputFormat::kUint8Nchw,
                                    InputFormat::kFloat32Nchw, InputFormat::kFloat16Nchw};
constexpr PixelLayout kLayouts[] = {PixelLayout::kRgb, PixelLayout::kBgr, PixelLayout::kRgba,
                                    PixelLayout::kBgra, PixelLayout::kGray};

void ExpectEqualsReference(RandomSource& random, std::size_t width, std::size_t height,
                           const LetterboxPlan& plan, PixelLayout layout, std::size_t gap) {
  const Picture picture = Picture::Random(random, width, height, layout, gap);
  const auto fill = static_cast<std::uint8_t>(random.Integer(0, 255));
  const std::vector<std::uint8_t> canvas = Reference(picture, plan, fill);
  for (const Isa isa : SupportedIsas()) {
    for (const InputFormat format : kFormats) {
      const std::vector<std::uint8_t> expected = Convert(canvas, plan, format);
      std::vector<std::uint8_t> found(expected.size(), 0xA5);
      Letterbox(picture.view, plan, format, fill, found.data(), isa);
      ASSERT_EQ(expected, found) << IsaName(isa) << " format " << static_cast<int>(format)
                                 << " layout " << static_cast<int>(layout) << ' ' << width << 'x'
                                 << height << " to " << plan.resized_width << 'x'
                                 << plan.resized_height;
    }
  }
}

LetterboxPlan RandomPlan(RandomSource& random, std::size_t max_side) {
  LetterboxPlan plan;
  plan.resized_width = random.Integer(1, max_side);
  plan.resized_height = random.Integer(1, max_side);
  plan.pad_left = random.Integer(0, 9);
  plan.pad_top = random.Integer(0, 9);
  plan.canvas_width = plan.pad_left + plan.resized_width + random.Integer(0, 9);
  plan.canvas_height = plan.pad_top + plan.resized_height + random.Integer(0, 9);
  return plan;
}

TEST(Letterbox, EqualsTheDefinitionForRandomSizes) {
  RandomSource random(1);
  for (int i = 0; i < 400; ++i) {
    const std::size_t limit = i % 4 == 0 ? 5 : 120;
    ExpectEqualsReference(random, random.Integer(1, limit), random.Integer(1, limit),
                          RandomPlan(random, 90), kLayouts[i % 5], random.Integer(0, 7));
  }
}

TEST(Letterbox, EqualsTheDefinitionAcrossScales) {
  RandomSource random(2);
  // Scales around the limits of the vector windows, and far beyond them.
  for (const std::size_t width : {100U, 170U, 176U, 180U, 200U, 210U, 250U, 360U, 370U, 380U, 400U,
                                  440U, 450U, 460U, 500U, 900U, 5000U}) {
    for (const PixelLayout layout : kLayouts) {
      const LetterboxPlan plan{107, 13, 100, 7, 3, 2};
      ExpectEqualsReference(random, width, 23, plan, layout, 0);
    }
  }
}

TEST(Letterbox, ExactHalvingIsTheMeanOfFourSamples) {
  RandomSource random(3);
  const Picture picture = Picture::Random(random, 66, 48, PixelLayout::kRgb, 0);
  const LetterboxPlan plan{33, 24, 33, 24, 0, 0};
  for (const Isa isa : SupportedIsas()) {
    std::vector<std::uint8_t> out(CanvasBytes(plan, InputFormat::kUint8Nhwc));
    Letterbox(picture.view, plan, InputFormat::kUint8Nhwc, 0, out.data(), isa);
    for (std::int64_t i = 0; i < 33 * 24; ++i) {
      const std::int64_t x = i % 33 * 2;
      const std::int64_t y = i / 33 * 2;
      for (int c = 0; c < 3; ++c) {
        const int sum = picture.At(x, y, c) + picture.At(x + 1, y, c) + picture.At(x, y + 1, c) +
                        picture.At(x + 1, y + 1, c);
        ASSERT_EQ(out[static_cast<std::size_t>(i * 3 + c)], (sum + 2) / 4);
      }
    }
  }
}

TEST(Letterbox, RefusesSizesThatDoNotFit) {
  std::vector<std::uint8_t> pixels(300);
  std::vector<std::uint8_t> out(300);
  const ImageView good{pixels.data(), 10, 10, 30, PixelLayout::kRgb};
  const LetterboxPlan plan{10, 10, 10, 10, 0, 0};
  const auto expect_refused = [&](const ImageView& image, const LetterboxPlan& bad_plan) {
    try {
      Letterbox(image, bad_plan, InputFormat::kUint8Nhwc, 0, out.data(), Isa::kScalar);
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(std::string(error.what()).rfind("Expected ", 0), 0U) << error.what();
    }
  };
  for (const std::size_t side : {std::size_t{0}, (std::size_t{1} << 20) + 1, ~std::size_t{0}}) {
    expect_refused({pixels.data(), side, 10, 30, PixelLayout::kRgb}, plan);
    expect_refused({pixels.data(), 10, side, 30, PixelLayout::kRgb}, plan);
    expect_refused(good, {side, 10, 10, 10, 0, 0});
    expect_refused(good, {10, 10, side, 10, 0, 0});
  }
  expect_refused({pixels.data(), 10, 10, 29, PixelLayout::kRgb}, plan);
  expect_refused({pixels.data(), 10, 10, ~std::size_t{0}, PixelLayout::kRgb}, plan);
  expect_refused(good, {10, 10, 11, 10, 0, 0});
  expect_refused(good, {10, 10, 10, 10, 1, 0});
  expect_refused(good, {10, 10, 5, 5, 0, 6});
  expect_refused(good, {10, 10, 5, 5, ~std::size_t{0}, 0});
}

}  // namespace
}  // namespace tensorrt_node
