#include "vision/half.h"
#include "vision/resize_plan.h"

namespace tensorrt_node {
namespace {

void Horizontal(const HorizontalPlan& plan, const std::uint8_t* row, const std::uint8_t* /*ahead*/,
                std::int16_t* out) {
  for (const HorizontalPlan::Pixel& pixel : plan.pixels) {
    for (const std::uint8_t channel : plan.channel) {
      const int sum = row[pixel.offset0 + channel] * pixel.weight0 +
                      row[pixel.offset1 + channel] * pixel.weight1;
      *out++ = static_cast<std::int16_t>(sum >> 4);
    }
  }
}

void Vertical(const std::int16_t* row0, const std::int16_t* row1, std::int16_t weight0,
              std::int16_t weight1, std::size_t samples, std::uint8_t* out) {
  for (std::size_t i = 0; i < samples; ++i) {
    const int sum = ((row0[i] * weight0) >> 16) + ((row1[i] * weight1) >> 16);
    out[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
  }
}

template <typename Element, typename Convert>
void ToPlanes(const std::uint8_t* rgb, std::size_t pixels, Element* const planes[3],
              Convert convert) {
  for (std::size_t i = 0; i < pixels; ++i) {
    planes[0][i] = convert(rgb[3 * i]);
    planes[1][i] = convert(rgb[3 * i + 1]);
    planes[2][i] = convert(rgb[3 * i + 2]);
  }
}

void ToPlanesU8(const std::uint8_t* rgb, std::size_t pixels, std::uint8_t* const planes[3]) {
  ToPlanes(rgb, pixels, planes, [](std::uint8_t sample) { return sample; });
}

void ToPlanesF32(const std::uint8_t* rgb, std::size_t pixels, float* const planes[3]) {
  ToPlanes(rgb, pixels, planes,
           [](std::uint8_t sample) { return static_cast<float>(sample) / 255.0F; });
}

void ToPlanesF16(const std::uint8_t* rgb, std::size_t pixels, std::uint16_t* const planes[3]) {
  ToPlanes(rgb, pixels, planes,
           [](std::uint8_t sample) { return FloatToHalf(static_cast<float>(sample) / 255.0F); });
}

}  // namespace

const ResizeKernels& ScalarResizeKernels() noexcept {
  static constexpr ResizeKernels kKernels{Horizontal, Vertical, ToPlanesU8, ToPlanesF32,
                                          ToPlanesF16};
  return kKernels;
}

}  // namespace tensorrt_node
