#include "vision/score_order.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace tensorrt_node {
namespace {

/// Below this many, comparisons cost less than counting.
constexpr std::size_t kFewEntries = 96;
constexpr unsigned kDigitBits = 8;
constexpr unsigned kMaxPasses = 32 / kDigitBits;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

}  // namespace

std::uint64_t* ScoreOrder::Room(std::size_t count) {
  if (entries_.size() < size_ + count) entries_.resize(std::max(size_ + count, 2 * size_));
  return entries_.data() + size_;
}

ScoreOrder::View ScoreOrder::Sort() {
  if (size_ < kFewEntries) {
    // Places ascend within equal scores only if they came so; the stable sort asks nothing of them.
    std::stable_sort(
        entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(size_),
        [](std::uint64_t left, std::uint64_t right) { return (left >> 32) < (right >> 32); });
    return {entries_.data(), size_};
  }
  // Radix sort, lowest digit first; each pass keeps the order within a digit. Keys relative to the
  // least one have few digits.
  std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const auto key = static_cast<std::uint32_t>(entries_[i] >> 32);
    least = std::min(least, key);
    most = std::max(most, key);
  }
  if (spare_.size() < size_) spare_.resize(entries_.size());
  const auto digit = [least](std::uint64_t entry, unsigned pass) {
    return ((static_cast<std::uint32_t>(entry >> 32) - least) >> (kDigitBits * pass)) &
           (kDigits - 1);
  };
  unsigned passes = 0;
  while (passes < kMaxPasses && ((most - least) >> (kDigitBits * passes)) != 0) ++passes;
  std::array<std::array<std::uint32_t, kDigits>, kMaxPasses> next{};
  for (std::size_t i = 0; i < size_; ++i) {
    for (unsigned pass = 0; pass < passes; ++pass) ++next[pass][digit(entries_[i], pass)];
  }
  for (unsigned pass = 0; pass < passes; ++pass) {
    std::uint32_t start = 0;
    for (std::uint32_t& at : next[pass]) start += std::exchange(at, start);
    for (std::size_t i = 0; i < size_; ++i)
      spare_[next[pass][digit(entries_[i], pass)]++] = entries_[i];
    entries_.swap(spare_);
  }
  return {entries_.data(), size_};
}

}  // namespace tensorrt_node
