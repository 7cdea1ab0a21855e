#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace tensorrt_node {

/// Seeded numbers that are the same with every standard library.
class RandomSource {
 public:
  explicit RandomSource(std::uint32_t seed) : engine_(seed) {}

  /// In [low, high].
  std::size_t Integer(std::size_t low, std::size_t high) {
    return low + engine_() % (high - low + 1);
  }
  /// In [low, high).
  float Real(float low, float high) {
    return low + (high - low) * static_cast<float>(engine_() >> 8) / 16777216.0F;
  }
  std::vector<std::uint8_t> Bytes(std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine_() >> 24);
    return bytes;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace tensorrt_node
