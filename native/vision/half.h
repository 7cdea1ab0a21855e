#pragma once

#include <cstdint>
#include <cstring>

namespace tensorrt_node {

/// IEEE binary16 to float, exact. NaN keeps its sign and the upper bits of its payload.
[[nodiscard]] inline float HalfToFloat(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  std::uint32_t fraction = half & 0x3FFU;
  std::uint32_t bits = 0;
  if (exponent == 0x1FU) {
    bits = sign | 0x7F800000U | (fraction << 13) | (fraction != 0 ? 0x400000U : 0U);
  } else if (exponent != 0) {
    bits = sign | ((exponent + 112U) << 23) | (fraction << 13);
  } else if (fraction != 0) {
    std::uint32_t shift = 0;
    while ((fraction & 0x400U) == 0) {
      fraction <<= 1;
      ++shift;
    }
    bits = sign | ((113U - shift) << 23) | ((fraction & 0x3FFU) << 13);
  } else {
    bits = sign;
  }
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// Float to IEEE binary16, to nearest even.
[[nodiscard]] inline std::uint16_t FloatToHalf(float value) noexcept {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {
    return static_cast<std::uint16_t>(sign | 0x7E00U | ((magnitude >> 13) & 0x3FFU));
  }
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x33000000U) return sign;
  std::uint32_t mantissa = magnitude;
  std::uint32_t shift = 13;
  std::uint32_t base = 0;
  if (magnitude < 0x38800000U) {  // Subnormal as a half.
    mantissa = (magnitude & 0x7FFFFFU) | 0x800000U;
    shift = 126U - (magnitude >> 23);
  } else {
    mantissa -= 0x38000000U;
  }
  base = mantissa >> shift;
  const std::uint32_t rest = mantissa & ((1U << shift) - 1U);
  const std::uint32_t midpoint = 1U << (shift - 1U);
  if (rest > midpoint || (rest == midpoint && (base & 1U) != 0)) ++base;
  return static_cast<std::uint16_t>(sign | base);
}

}  // namespace tensorrt_node
