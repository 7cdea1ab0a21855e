#include "vision/letterbox.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/host_buffer.h"
#include "vision/half.h"
#include "vision/resize_plan.h"

namespace tensorrt_node {
namespace {

constexpr std::size_t kMaxImageSide = std::size_t{1} << 20;
constexpr std::size_t kMaxCanvasSide = std::size_t{1} << 16;

void CheckSide(std::size_t value, std::size_t max, const char* name) {
  if (value < 1 || value > max) {
    throw InvalidArgument(name, "an integer from 1 to " + std::to_string(max),
                          std::to_string(value));
  }
}

std::size_t BytesOfElement(InputFormat format) noexcept {
  switch (format) {
    case InputFormat::kUint8Nhwc:
    case InputFormat::kUint8Nchw:
      return 1;
    case InputFormat::kFloat16Nchw:
      return 2;
    case InputFormat::kFloat32Nchw:
      return 4;
  }
  return 4;
}

/// Source rows and weights of one row of the resized picture.
struct RowTap {
  std::size_t row0;
  std::size_t row1;
  std::int16_t weight0;
  std::int16_t weight1;
};

std::vector<RowTap> RowTaps(std::size_t source_height, std::size_t target_height) {
  const LinearAxis axis(source_height, target_height);
  const auto last = static_cast<std::int64_t>(source_height) - 1;
  std::vector<RowTap> taps(target_height);
  for (std::size_t y = 0; y < target_height; ++y) {
    const LinearTap tap = axis.At(y);
    RowTap& row = taps[y];
    row = {static_cast<std::size_t>(std::clamp<std::int64_t>(tap.position, 0, last)),
           static_cast<std::size_t>(std::clamp<std::int64_t>(tap.position + 1, 0, last)),
           tap.weight0, tap.weight1};
    // A row of weight 0 adds nothing: do not resize it.
    if (tap.weight1 == 0) row.row1 = row.row0;
    if (tap.weight0 == 0) row.row0 = row.row1;
  }
  return taps;
}

/// The horizontal pass over the source rows that are needed, in their order, each once. The last
/// two stay.
class HorizontalPass {
 public:
  HorizontalPass(const ImageView& image, const LetterboxPlan& plan, const std::vector<RowTap>& taps,
                 Isa isa)
      : image_(image),
        horizontal_(image.width, image.layout, plan.resized_width, isa),
        kernel_(ResizeKernelsFor(horizontal_.isa).horizontal) {
    for (const RowTap& tap : taps) {
      for (const std::size_t row : {tap.row0, tap.row1}) {
        if (needed_.empty() || row > needed_.back()) needed_.push_back(row);
      }
    }
    const std::size_t samples = plan.resized_width * 3 + kRowSlack;
    const std::size_t stride = (samples * sizeof(std::int16_t) + 63) / 64 * 64;
    // Kernels read whole windows; a row shorter than one is copied to where that is allowed.
    const bool is_short = horizontal_.row_bytes > horizontal_.used_bytes;
    memory_ = AllocateHostBuffer(2 * stride + (is_short ? horizontal_.row_bytes : 0));
    rows_[0] = reinterpret_cast<std::int16_t*>(memory_.data);
    rows_[1] = reinterpret_cast<std::int16_t*>(memory_.data + stride);
    if (is_short) {
      padded_row_ = memory_.data + 2 * stride;
      std::memset(padded_row_, 0, horizontal_.row_bytes);
    }
  }

  /// The row `y`, which is one of the last two asked for or the next that is needed.
  const std::int16_t* Row(std::size_t y) {
    if (done_ > 0 && needed_[done_ - 1] == y) return rows_[(done_ - 1) % 2];
    if (done_ > 1 && needed_[done_ - 2] == y) return rows_[done_ % 2];
    const std::uint8_t* source = Source(done_);
    const std::uint8_t* ahead = Source(std::min(done_ + kRowsAhead, needed_.size() - 1));
    if (padded_row_ != nullptr) {
      std::memcpy(padded_row_, source, horizontal_.used_bytes);
      source = ahead = padded_row_;
    }
    std::int16_t* out = rows_[done_ % 2];
    kernel_(horizontal_, source, ahead, out);
    ++done_;
    return out;
  }

 private:
  static constexpr std::size_t kRowsAhead = 4;

  [[nodiscard]] const std::uint8_t* Source(std::size_t index) const noexcept {
    return image_.data + needed_[index] * image_.stride_bytes;
  }

  const ImageView& image_;
  HorizontalPlan horizontal_;
  void (*kernel_)(const HorizontalPlan&, const std::uint8_t*, const std::uint8_t*, std::int16_t*);
  std::vector<std::size_t> needed_;
  std::size_t done_ = 0;
  HostBuffer memory_;
  std::int16_t* rows_[2] = {};
  std::uint8_t* padded_row_ = nullptr;
};

/// Calls `write(row0, row1, weight0, weight1)` for each row of the resized picture, top to bottom.
template <typename Write>
void ForEachRow(const ImageView& image, const LetterboxPlan& plan, Isa isa, Write write) {
  const std::vector<RowTap> taps = RowTaps(image.height, plan.resized_height);
  HorizontalPass pass(image, plan, taps, isa);
  for (const RowTap& tap : taps) {
    const std::int16_t* row0 = pass.Row(tap.row0);
    write(row0, pass.Row(tap.row1), tap.weight0, tap.weight1);
  }
}

void WriteInterleaved(const ImageView& image, const LetterboxPlan& plan, std::uint8_t fill,
                      std::uint8_t* target, Isa isa) {
  const ResizeKernels& kernels = ResizeKernelsFor(isa);
  const std::size_t stride = plan.canvas_width * 3;
  const std::size_t left = plan.pad_left * 3;
  const std::size_t samples = plan.resized_width * 3;
  std::uint8_t* line = target + plan.pad_top * stride;
  std::memset(target, fill, plan.pad_top * stride);
  ForEachRow(image, plan, isa,
             [&](const std::int16_t* row0, const std::int16_t* row1, std::int16_t weight0,
                 std::int16_t weight1) {
               std::memset(line, fill, left);
               kernels.vertical(row0, row1, weight0, weight1, samples, line + left);
               std::memset(line + left + samples, fill, stride - left - samples);
               line += stride;
             });
  std::memset(line, fill, (plan.canvas_height - plan.pad_top - plan.resized_height) * stride);
}

template <typename Element>
void WritePlanar(const ImageView& image, const LetterboxPlan& plan, Element fill, Element* target,
                 void (*to_planes)(const std::uint8_t*, std::size_t, Element* const[3]), Isa isa) {
  const ResizeKernels& kernels = ResizeKernelsFor(isa);
  const std::size_t plane_size = plan.canvas_width * plan.canvas_height;
  const std::size_t samples = plan.resized_width * 3;
  const HostBuffer pixels = AllocateHostBuffer(samples);
  Element* lines[3];
  for (std::size_t c = 0; c < 3; ++c) {
    Element* plane = target + c * plane_size;
    lines[c] = plane + plan.pad_top * plan.canvas_width;
    std::fill(plane, lines[c], fill);
    Element* below = lines[c] + plan.resized_height * plan.canvas_width;
    std::fill(below, plane + plane_size, fill);
  }
  const std::size_t right = plan.canvas_width - plan.pad_left - plan.resized_width;
  ForEachRow(image, plan, isa,
             [&](const std::int16_t* row0, const std::int16_t* row1, std::int16_t weight0,
                 std::int16_t weight1) {
               kernels.vertical(row0, row1, weight0, weight1, samples, pixels.data);
               Element* starts[3];
               for (std::size_t c = 0; c < 3; ++c) {
                 starts[c] = lines[c] + plan.pad_left;
                 std::fill_n(lines[c], plan.pad_left, fill);
                 std::fill_n(starts[c] + plan.resized_width, right, fill);
                 lines[c] += plan.canvas_width;
               }
               to_planes(pixels.data, plan.resized_width, starts);
             });
}

}  // namespace

std::size_t ChannelsOf(PixelLayout layout) noexcept {
  switch (layout) {
    case PixelLayout::kGray:
      return 1;
    case PixelLayout::kRgb:
    case PixelLayout::kBgr:
      return 3;
    case PixelLayout::kRgba:
    case PixelLayout::kBgra:
      return 4;
  }
  return 3;
}

std::size_t ImageView::ByteSize() const {
  CheckSide(width, kMaxImageSide, "image width");
  CheckSide(height, kMaxImageSide, "image height");
  const std::size_t row = width * ChannelsOf(layout);
  // 2^40 times 2^20 rows still fits 64 bits.
  constexpr std::size_t kMaxStride = std::size_t{1} << 40;
  if (stride_bytes < row || stride_bytes > kMaxStride) {
    throw InvalidArgument("image stride",
                          "at least " + std::to_string(row) + " bytes and at most 2^40",
                          std::to_string(stride_bytes));
  }
  return (height - 1) * stride_bytes + row;
}

void LetterboxPlan::Check() const {
  CheckSide(canvas_width, kMaxCanvasSide, "canvas width");
  CheckSide(canvas_height, kMaxCanvasSide, "canvas height");
  CheckSide(resized_width, canvas_width, "resized width");
  CheckSide(resized_height, canvas_height, "resized height");
  if (pad_left > canvas_width - resized_width || pad_top > canvas_height - resized_height) {
    throw InvalidArgument("padding", "a position that keeps the picture on the canvas",
                          std::to_string(pad_left) + ", " + std::to_string(pad_top));
  }
}

std::size_t CanvasBytes(const LetterboxPlan& plan, InputFormat format) noexcept {
  return plan.canvas_width * plan.canvas_height * 3 * BytesOfElement(format);
}

void Letterbox(const ImageView& image, const LetterboxPlan& plan, InputFormat format,
               std::uint8_t fill, std::uint8_t* target, Isa isa) {
  static_cast<void>(image.ByteSize());
  plan.Check();
  const ResizeKernels& kernels = ResizeKernelsFor(isa);
  const float float_fill = static_cast<float>(fill) / 255.0F;
  switch (format) {
    case InputFormat::kUint8Nhwc:
      WriteInterleaved(image, plan, fill, target, isa);
      break;
    case InputFormat::kUint8Nchw:
      WritePlanar(image, plan, fill, target, kernels.to_planes_u8, isa);
      break;
    case InputFormat::kFloat32Nchw:
      WritePlanar(image, plan, float_fill, reinterpret_cast<float*>(target), kernels.to_planes_f32,
                  isa);
      break;
    case InputFormat::kFloat16Nchw:
      WritePlanar(image, plan, FloatToHalf(float_fill), reinterpret_cast<std::uint16_t*>(target),
                  kernels.to_planes_f16, isa);
      break;
  }
}

}  // namespace tensorrt_node
