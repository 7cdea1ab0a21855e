#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace tensorrt_node {

/// Puts positive finite scores into descending order, equal ones in the order in which they came.
/// Each has a place, some number of its owner's.
class ScoreOrder {
 public:
  /// Inverted bits of the score above the place: the bits of positive floats are in the order of
  /// their values, so ascending entries are what is wanted.
  [[nodiscard]] static std::uint64_t EntryOf(float score, std::uint32_t place) noexcept {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &score, sizeof(bits));
    return (static_cast<std::uint64_t>(~bits) << 32) | place;
  }

  void Clear() noexcept { size_ = 0; }
  /// Memory for up to `count` further entries, valid until the next call of any member.
  [[nodiscard]] std::uint64_t* Room(std::size_t count);
  /// The first `count` entries written there count from now on.
  void Take(std::size_t count) noexcept { size_ += count; }

  /// Best score first. Ends with the next call of any member.
  struct View {
    const std::uint64_t* entries;
    std::size_t size;
    [[nodiscard]] std::uint32_t Place(std::size_t rank) const noexcept {
      return static_cast<std::uint32_t>(entries[rank]);
    }
    [[nodiscard]] float Score(std::size_t rank) const noexcept {
      const auto bits = ~static_cast<std::uint32_t>(entries[rank] >> 32);
      float score = 0;
      std::memcpy(&score, &bits, sizeof(score));
      return score;
    }
  };
  [[nodiscard]] View Sort();
  [[nodiscard]] std::size_t ByteSize() const noexcept {
    return (entries_.capacity() + spare_.capacity()) * sizeof(std::uint64_t);
  }

 private:
  std::vector<std::uint64_t> entries_;
  std::vector<std::uint64_t> spare_;
  std::size_t size_ = 0;
};

}  // namespace tensorrt_node
