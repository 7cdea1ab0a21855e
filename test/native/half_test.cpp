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

TEST(Half, VectorVariantsEqualTheScalarOne) {
  std::vector<std::uint16_t> halves(65536);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  for (const Isa isa : SupportedIsas()) {
    std::vector<float> floats(halves.size());
    // An odd count leaves a rest that does not fill a vector.
    ScanKernelsFor(isa).half_to_float(halves.data(), halves.size() - 1, floats.data());
    for (std::size_t i = 0; i + 1 < halves.size(); ++i) {
      const float expected = HalfToFloat(halves[i]);
      ASSERT_EQ(std::memcmp(&expected, &floats[i], sizeof(float)), 0) << IsaName(isa) << ' ' << i;
    }
  }
}

}  // namespace
}  // namespace tensorrt_node
