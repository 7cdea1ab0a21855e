#include "vision/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "random_source.h"
#include "vision/yolov8.h"

namespace tensorrt_node {
namespace {

/// From the definition: sign, fraction and a power of two.
double ValueOf(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

bool IsFiniteHalf(std::uint16_t half) { return ((half >> 10) & 31) != 31; }

TEST(Half, EveryFiniteValueConvertsExactlyBothWays) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (!IsFiniteHalf(half)) continue;
    ASSERT_EQ(static_cast<double>(HalfToFloat(half)), ValueOf(half)) << bits;
    ASSERT_EQ(FloatToHalf(HalfToFloat(half)), half) << bits;
  }
}

TEST(Half, InfinityAndNanStayWhatTheyAre) {
  EXPECT_EQ(HalfToFloat(0x7C00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(HalfToFloat(0xFC00), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(FloatToHalf(std::numeric_limits<float>::infinity()), 0x7C00);
  EXPECT_EQ(FloatToHalf(-1e30F), 0xFC00);
  for (std::uint32_t bits = 0x7C01; bits < 0x8000; ++bits) {
    const float value = HalfToFloat(static_cast<std::uint16_t>(bits));
    ASSERT_TRUE(std::isnan(value));
    const std::uint16_t back = FloatToHalf(value);
    ASSERT_TRUE(!IsFiniteHalf(back) && (back & 1023) != 0);
  }
}

TEST(Half, RoundsToNearestEven) {
  // Midpoints between neighbours, and a step to either side of them.
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits);
    const auto high = static_cast<std::uint16_t>(bits + 1);
    const auto middle = static_cast<float>((ValueOf(low) + ValueOf(high)) / 2);
    ASSERT_EQ(FloatToHalf(middle), bits % 2 == 0 ? low : high) << bits;
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, 0.0F)), low) << bits;
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, 1e9F)), high) << bits;
  }
  EXPECT_EQ(FloatToHalf(65519.0F), 0x7BFF);
  EXPECT_EQ(FloatToHalf(65520.0F), 0x7C00);
}

TEST(Half, ScansOfEveryHalfEqualTheScalarOne) {
  // Two rows of all halves, the second turned by half a round; an odd count leaves a rest.
  constexpr std::size_t kCount = 65535;
  std::vector<std::uint16_t> halves(2 * kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    halves[i] = static_cast<std::uint16_t>(i);
    halves[kCount + i] = static_cast<std::uint16_t>(i + 32768);
  }
  const ScanShape shape{kCount, 2, kCount, 0.25F};
  std::vector<float> expected(kCount);
  std::vector<std::int32_t> expected_class(kCount);
  ScanKernelsFor(Isa::kScalar)
      .best_of_half(halves.data(), shape, expected.data(), expected_class.data());
  for (std::size_t i = 0; i < kCount; i += 7) {
    float best = 0.25F;
    for (const std::uint16_t half : {halves[i], halves[kCount + i]}) {
      if (HalfToFloat(half) > best) best = HalfToFloat(half);
    }
    EXPECT_EQ(expected[i], best) << i;
  }
  for (const Isa isa : SupportedIsas()) {
    SCOPED_TRACE(IsaName(isa));
    std::vector<float> best(kCount);
    std::vector<std::int32_t> best_class(kCount);
    ScanKernelsFor(isa).best_of_half(halves.data(), shape, best.data(), best_class.data());
    EXPECT_EQ(best, expected);
    EXPECT_EQ(best_class, expected_class);
  }
}

}  // namespace
}  // namespace tensorrt_node
