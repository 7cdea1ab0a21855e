// Resizing with grey borders, as detectors of the YOLO family are fed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vision/isa.h"

namespace tensorrt_node {

/// Order of the 8-bit samples of one pixel in memory. Output is always red, green, blue.
enum class PixelLayout { kRgb, kBgr, kRgba, kBgra, kGray };
[[nodiscard]] std::size_t ChannelsOf(PixelLayout layout) noexcept;

/// How the network takes a picture. Floats are sample / 255; the float16 is that float rounded to
/// nearest even.
enum class InputFormat { kUint8Nhwc, kUint8Nchw, kFloat32Nchw, kFloat16Nchw };

/// 8-bit interleaved pixels: rows of width * channels bytes, `stride_bytes` apart.
struct ImageView {
  const std::uint8_t* data = nullptr;
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t stride_bytes = 0;
  PixelLayout layout = PixelLayout::kRgb;

  /// From the first byte to the last one used. Throws kInvalidArgument when a side is out of [1,
  /// 2^20] or the stride is shorter than a row.
  [[nodiscard]] std::size_t ByteSize() const;
};

/// Where the resized picture sits on the canvas. All in pixels.
struct LetterboxPlan {
  std::size_t canvas_width = 0;
  std::size_t canvas_height = 0;
  std::size_t resized_width = 0;
  std::size_t resized_height = 0;
  std::size_t pad_left = 0;
  std::size_t pad_top = 0;

  /// Throws kInvalidArgument unless every side is in [1, 2^16] and the picture lies on the canvas.
  void Check() const;
};

/// Bytes of one canvas of this size in this format. The plan must have passed Check().
[[nodiscard]] std::size_t CanvasBytes(const LetterboxPlan& plan, InputFormat format) noexcept;

/// Resizes `image` bilinearly onto a canvas filled with `fill`, and writes CanvasBytes() bytes at
/// `target`, aligned for the element type.
///
/// The resized samples equal OpenCV's cv::resize with INTER_LINEAR on 8-bit data bit for bit,
/// whatever `isa`: 11-bit weights per axis, horizontal pass first, its 22-bit sums cut to 15 bits,
/// then the vertical pass. Throws kInvalidArgument as the checks above do, kOutOfMemory.
/// Thread-safe.
void Letterbox(const ImageView& image, const LetterboxPlan& plan, InputFormat format,
               std::uint8_t fill, std::uint8_t* target, Isa isa);

}  // namespace tensorrt_node
