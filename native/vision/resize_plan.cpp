#include "vision/resize_plan.h"

#include <algorithm>
#include <cmath>

namespace tensorrt_node {
namespace {

constexpr float kWeightScale = 2048.0F;

std::int16_t RoundWeight(float fraction) noexcept {
  // To nearest even, the processor's default mode.
  return static_cast<std::int16_t>(std::lrint(fraction * kWeightScale));
}

void SetChannels(PixelLayout layout, std::uint8_t (&channel)[3]) noexcept {
  const bool swapped = layout == PixelLayout::kBgr || layout == PixelLayout::kBgra;
  const bool gray = layout == PixelLayout::kGray;
  channel[0] = swapped ? 2 : 0;
  channel[1] = gray ? 0 : 1;
  channel[2] = swapped || gray ? 0 : 2;
}

/// Writes the table entries of the pixel that sits at lane `first` of its block.
void FillLanes(HorizontalPlan& plan, const HorizontalPlan::Pixel& pixel, std::uint32_t window,
               std::size_t table, std::size_t first, std::size_t bias) {
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t at = table + (first + c) * 2;
    plan.shuffle[at] = static_cast<std::uint8_t>(pixel.offset0 + plan.channel[c] - window + bias);
    plan.shuffle[at + 1] =
        static_cast<std::uint8_t>(pixel.offset1 + plan.channel[c] - window + bias);
    plan.high[at] = static_cast<std::uint8_t>(pixel.weight0 >> 5);
    plan.high[at + 1] = static_cast<std::uint8_t>(pixel.weight1 >> 5);
    plan.low[at] = static_cast<std::uint8_t>(pixel.weight0 & 31);
    plan.low[at + 1] = static_cast<std::uint8_t>(pixel.weight1 & 31);
  }
}

template <typename Block>
std::size_t AllocateTables(HorizontalPlan& plan) {
  const std::size_t blocks = (plan.width + Block::kPixels - 1) / Block::kPixels;
  plan.shuffle.assign(blocks * Block::kTableBytes, 0);
  plan.high.assign(blocks * Block::kTableBytes, 0);
  plan.low.assign(blocks * Block::kTableBytes, 0);
  return blocks;
}

void BuildAvx2(HorizontalPlan& plan) {
  const std::size_t blocks = AllocateTables<Avx2Block>(plan);
  // Pixels past the end of the row load some valid bytes and get weight 0.
  plan.offsets.assign(blocks * Avx2Block::kPixels, 0);
  const auto last = static_cast<std::uint32_t>(plan.row_bytes - Avx2Block::kWindowBytes);
  for (std::size_t x = 0; x < plan.width; ++x) {
    const std::uint32_t window = std::min(plan.pixels[x].offset0, last);
    plan.offsets[x] = window;
    // Two pixels share a 16-byte lane: the first in its lower half, the second in its upper.
    const std::size_t table = x / 2 * 16;
    FillLanes(plan, plan.pixels[x], window, table, x % 2 * 3, x % 2 * 8);
  }
}

/// False when ten target pixels span more than a window, that is above a scale of about 4.5 for
/// RGB.
bool BuildAvx512(HorizontalPlan& plan) {
  const std::size_t blocks = AllocateTables<Avx512Block>(plan);
  plan.offsets.assign(blocks, 0);
  const auto last = static_cast<std::uint32_t>(plan.row_bytes - Avx512Block::kWindowBytes);
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t begin = block * Avx512Block::kPixels;
    const std::size_t end = std::min(begin + Avx512Block::kPixels, plan.width);
    const std::uint32_t window = std::min(plan.pixels[begin].offset0, last);
    const std::size_t needed = plan.pixels[end - 1].offset1 + ChannelsOf(plan.layout) - window;
    if (needed > Avx512Block::kWindowBytes) return false;
    plan.offsets[block] = window;
    for (std::size_t x = begin; x < end; ++x) {
      FillLanes(plan, plan.pixels[x], window, block * Avx512Block::kTableBytes, (x - begin) * 3, 0);
    }
  }
  return true;
}

}  // namespace

LinearTap LinearAxis::At(std::size_t index) const noexcept {
  const auto center = static_cast<float>((static_cast<double>(index) + 0.5) * scale_ - 0.5);
  const float floor = std::floor(center);
  const float fraction = center - floor;
  return {static_cast<std::int64_t>(floor), RoundWeight(1.0F - fraction), RoundWeight(fraction)};
}

HorizontalPlan::HorizontalPlan(std::size_t the_source_width, PixelLayout the_layout,
                               std::size_t target_width, Isa the_isa)
    : source_width(the_source_width), layout(the_layout), width(target_width), isa(the_isa) {
  const std::size_t channels = ChannelsOf(layout);
  used_bytes = source_width * channels;
  SetChannels(layout, channel);
  row_bytes = used_bytes;
  if (isa == Isa::kAvx2) row_bytes = std::max(row_bytes, Avx2Block::kWindowBytes);
  if (isa == Isa::kAvx512) row_bytes = std::max(row_bytes, Avx512Block::kWindowBytes);

  const LinearAxis axis(source_width, width);
  const auto end = static_cast<std::int64_t>(source_width);
  pixels.resize(width);
  for (std::size_t x = 0; x < width; ++x) {
    LinearTap tap = axis.At(x);
    // Unlike rows, columns past an edge take the edge sample with full weight.
    if (tap.position < 0) tap = {0, 2048, 0};
    if (tap.position >= end - 1) tap = {end - 1, 2048, 0};
    const std::int64_t next = std::min(tap.position + 1, end - 1);
    pixels[x] = {static_cast<std::uint32_t>(tap.position * static_cast<std::int64_t>(channels)),
                 static_cast<std::uint32_t>(next * static_cast<std::int64_t>(channels)),
                 tap.weight0, tap.weight1};
  }
  if (isa == Isa::kAvx512 && !BuildAvx512(*this)) isa = Isa::kAvx2;
  if (isa == Isa::kAvx2) BuildAvx2(*this);
}

const ResizeKernels& ResizeKernelsFor([[maybe_unused]] Isa isa) noexcept {
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return Avx2ResizeKernels();
  if (isa == Isa::kAvx512) return Avx512ResizeKernels();
#endif
  return ScalarResizeKernels();
}

}  // namespace tensorrt_node
