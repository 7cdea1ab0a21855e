// Positions and weights of the bilinear resize, and the tables that the vector kernels run on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vision/isa.h"
#include "vision/letterbox.h"

namespace tensorrt_node {

/// The two source positions of a destination position; out of range ones are for the caller to
/// clamp.
struct LinearTap {
  std::int64_t position = 0;  ///< Of the first sample; the second is the next.
  std::int16_t weight0 = 0;   ///< 11-bit weights, sum 2048.
  std::int16_t weight1 = 0;
};

/// One axis of cv::resize: destination index to source taps, in the same float steps.
class LinearAxis {
 public:
  LinearAxis(std::size_t source, std::size_t target)
      : scale_(1.0 / (static_cast<double>(target) / static_cast<double>(source))) {}
  [[nodiscard]] LinearTap At(std::size_t index) const noexcept;

 private:
  double scale_;
};

/// The horizontal pass of a picture width to a target width. Immutable once built, shared by all
/// rows.
///
/// Per sample the pass gives (s0 * w0 + s1 * w1) >> 4, at most 32640. With w = 32 * high + low that
/// is 2 * (s0 * high0 + s1 * high1) + ((s0 * low0 + s1 * low1) >> 4), where both sums fit 16 bits:
/// the vector kernels gather the byte pairs (s0, s1) and do two multiply-adds of bytes.
struct HorizontalPlan {
  HorizontalPlan(std::size_t source_width, PixelLayout layout, std::size_t target_width, Isa isa);

  std::size_t source_width;
  PixelLayout layout;
  std::size_t width;  ///< Pixels of the target.
  /// Bytes that a kernel reads of a row; more than used_bytes where a row is shorter than a window.
  std::size_t row_bytes;
  std::size_t used_bytes;  ///< Bytes of a source row that hold pixels.
  Isa isa;                 ///< The variant that the tables are for; may be lower than asked for.

  /// kScalar: byte offsets of both source pixels and weights, per target pixel.
  struct Pixel {
    std::uint32_t offset0;
    std::uint32_t offset1;
    std::int16_t weight0;
    std::int16_t weight1;
  };
  std::vector<Pixel> pixels;
  std::uint8_t channel[3] = {};  ///< Byte of red, green and blue within a source pixel.

  /// Vector variants, per block of target samples. AVX2 reads a window of 8 bytes a pixel, AVX-512
  /// one of 128 or (narrow) 64 bytes a block.
  std::size_t blocks = 0;
  std::size_t block_samples = 0;  ///< kAvx512: samples of a block that count, 32 or 30.
  bool narrow = false;
  std::vector<std::uint32_t> offsets;  ///< Start of each window.
  std::vector<std::uint8_t> shuffle;   ///< Which window byte goes where.
  std::vector<std::uint8_t> high;      ///< Upper 6 bits of the weights, in pairs as the bytes.
  std::vector<std::uint8_t> low;       ///< Lower 5 bits.
};

/// Target pixels and window bytes of a block, and the bytes of its tables.
struct Avx2Block {
  static constexpr std::size_t kPixels = 4;
  static constexpr std::size_t kWindowBytes = 8;
  static constexpr std::size_t kTableBytes = 32;
};
struct Avx512Block {
  static constexpr std::size_t kSamples = 32;
  static constexpr std::size_t kWindowBytes = 128;
  static constexpr std::size_t kNarrowBytes = 64;
  static constexpr std::size_t kTableBytes = 64;
};

/// Samples that kernels may write or read past the end of a row of the horizontal pass.
constexpr std::size_t kRowSlack = 64;

/// The variants of one instruction set. Sample counts are pixels * 3.
struct ResizeKernels {
  /// One row: `row` has plan.row_bytes readable bytes, `out` plan.width * 3 + kRowSlack samples.
  /// `ahead` is a row needed soon, for the cache to fetch meanwhile.
  void (*horizontal)(const HorizontalPlan& plan, const std::uint8_t* row, const std::uint8_t* ahead,
                     std::int16_t* out);
  /// out[i] = (((row0[i] * weight0) >> 16) + ((row1[i] * weight1) >> 16) + 2) >> 2, for i <
  /// samples. The rows have kRowSlack readable samples more.
  void (*vertical)(const std::int16_t* row0, const std::int16_t* row1, std::int16_t weight0,
                   std::int16_t weight1, std::size_t samples, std::uint8_t* out);
  /// Interleaved pixels to three planes, `pixels` elements each.
  void (*to_planes_u8)(const std::uint8_t* rgb, std::size_t pixels, std::uint8_t* const planes[3]);
  void (*to_planes_f32)(const std::uint8_t* rgb, std::size_t pixels, float* const planes[3]);
  void (*to_planes_f16)(const std::uint8_t* rgb, std::size_t pixels,
                        std::uint16_t* const planes[3]);
};

[[nodiscard]] const ResizeKernels& ScalarResizeKernels() noexcept;
[[nodiscard]] const ResizeKernels& Avx2ResizeKernels() noexcept;
[[nodiscard]] const ResizeKernels& Avx512ResizeKernels() noexcept;
/// The table of `isa`; the scalar one where the architecture has no such set.
[[nodiscard]] const ResizeKernels& ResizeKernelsFor(Isa isa) noexcept;

}  // namespace tensorrt_node
