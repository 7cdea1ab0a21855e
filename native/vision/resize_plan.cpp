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

/// Writes the table entries of sample `channel` of `pixel`, whose window byte `bias` is source byte
/// `window`.
void FillLane(HorizontalPlan& plan, const HorizontalPlan::Pixel& pixel, std::size_t channel,
              std::uint32_t window, std::size_t bias, std::size_t at) {
  const std::size_t shift = plan.channel[channel] + bias - window;
  plan.shuffle[at] = static_cast<std::uint8_t>(pixel.offset0 + shift);
  plan.shuffle[at + 1] = static_cast<std::uint8_t>(pixel.offset1 + shift);
  plan.high[at] = static_cast<std::uint8_t>(pixel.weight0 >> 5);
  plan.high[at + 1] = static_cast<std::uint8_t>(pixel.weight1 >> 5);
  plan.low[at] = static_cast<std::uint8_t>(pixel.weight0 & 31);
  plan.low[at + 1] = static_cast<std::uint8_t>(pixel.weight1 & 31);
}

void AllocateTables(HorizontalPlan& plan, std::size_t blocks, std::size_t bytes) {
  plan.blocks = blocks;
  // Lanes without a sample load some valid byte and get weight 0.
  plan.shuffle.assign(blocks * bytes, 0);
  plan.high.assign(blocks * bytes, 0);
  plan.low.assign(blocks * bytes, 0);
}

void BuildAvx2(HorizontalPlan& plan) {
  const std::size_t blocks = (plan.width + Avx2Block::kPixels - 1) / Avx2Block::kPixels;
  AllocateTables(plan, blocks, Avx2Block::kTableBytes);
  plan.offsets.assign(blocks * Avx2Block::kPixels, 0);
  const auto last = static_cast<std::uint32_t>(plan.row_bytes - Avx2Block::kWindowBytes);
  for (std::size_t x = 0; x < plan.width; ++x) {
    const std::uint32_t window = std::min(plan.pixels[x].offset0, last);
    plan.offsets[x] = window;
    // Two pixels share a 16-byte lane: the first window in its lower half, the second in its upper.
    for (std::size_t c = 0; c < 3; ++c) {
      FillLane(plan, plan.pixels[x], c, window, x % 2 * 8, x / 2 * 16 + (x % 2 * 3 + c) * 2);
    }
  }
}

/// False when the pixels of some block span more than `window_bytes`.
bool BuildAvx512(HorizontalPlan& plan, std::size_t block_samples, std::size_t window_bytes) {
  const std::size_t samples = plan.width * 3;
  const std::size_t blocks = (samples + block_samples - 1) / block_samples;
  AllocateTables(plan, blocks, Avx512Block::kTableBytes);
  plan.block_samples = block_samples;
  plan.narrow = window_bytes == Avx512Block::kNarrowBytes;
  plan.offsets.assign(blocks, 0);
  const auto last = static_cast<std::uint32_t>(plan.row_bytes - window_bytes);
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t begin = block * block_samples;
    const std::size_t end = std::min(begin + block_samples, samples);
    const std::uint32_t window = std::min(plan.pixels[begin / 3].offset0, last);
    const std::size_t needed =
        plan.pixels[(end - 1) / 3].offset1 + ChannelsOf(plan.layout) - window;
    if (needed > window_bytes) return false;
    plan.offsets[block] = window;
    for (std::size_t sample = begin; sample < end; ++sample) {
      FillLane(plan, plan.pixels[sample / 3], sample % 3, window, 0,
               block * Avx512Block::kTableBytes + (sample - begin) * 2);
    }
  }
  return true;
}

/// The fastest arrangement that fits the scale. None does above about 4.5 for RGB.
bool BuildAvx512(HorizontalPlan& plan) {
  constexpr std::size_t kAll = Avx512Block::kSamples;
  constexpr std::size_t kTenPixels = 30;
  return BuildAvx512(plan, kAll, Avx512Block::kNarrowBytes) ||
         BuildAvx512(plan, kTenPixels, Avx512Block::kNarrowBytes) ||
         BuildAvx512(plan, kAll, Avx512Block::kWindowBytes) ||
         BuildAvx512(plan, kTenPixels, Avx512Block::kWindowBytes);
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
