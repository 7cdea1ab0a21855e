#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace tensorrt_node {

/// Element types by ONNX's TensorProto.DataType number, as in src/tensor/dtype.ts; those the code
/// names.
inline constexpr int kElementString = 8;
inline constexpr int kElementBool = 9;

/// Bits that one element takes in memory; 0 for strings and for numbers that are no element type.
[[nodiscard]] constexpr std::size_t ElementBits(int type) noexcept {
  switch (type) {
    case 2:   // uint8
    case 3:   // int8
    case 9:   // bool
    case 17:  // float8e4m3fn
    case 18:  // float8e4m3fnuz
    case 19:  // float8e5m2
    case 20:  // float8e5m2fnuz
      return 8;
    case 4:   // uint16
    case 5:   // int16
    case 10:  // float16
    case 16:  // bfloat16
      return 16;
    case 1:   // float32
    case 6:   // int32
    case 12:  // uint32
      return 32;
    case 7:   // int64
    case 11:  // float64
    case 13:  // uint64
    case 14:  // complex64
      return 64;
    case 15:  // complex128
      return 128;
    case 21:  // uint4
    case 22:  // int4
    case 23:  // float4e2m1
      return 4;
    default:
      return 0;
  }
}

/// Product of the dimensions; nothing when one is negative or the product does not fit.
[[nodiscard]] inline std::optional<std::size_t> ElementCount(
    const std::vector<std::int64_t>& dims) noexcept {
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max() / 16;
  std::size_t count = 1;
  bool overflow = false;
  bool empty = false;
  for (const std::int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    const auto size = static_cast<std::size_t>(dim);
    if (size == 0) {
      empty = true;
    } else if (count > kMax / size) {
      overflow = true;
    } else {
      count *= size;
    }
  }
  if (empty) return 0;
  if (overflow) return std::nullopt;
  return count;
}

/// Bytes of `count` elements, `count` being an answer of ElementCount; 4-bit types are packed two
/// to a byte.
[[nodiscard]] constexpr std::size_t ElementBytes(int type, std::size_t count) noexcept {
  const std::size_t bits = ElementBits(type);
  return bits == 4 ? (count + 1) / 2 : count * (bits / 8);
}

}  // namespace tensorrt_node
