#include <cstring>

#include "vision/resize_plan.h"
#include "vision/x86.h"

#if defined(__x86_64__)
namespace tensorrt_node {
namespace {

TN_TARGET_AVX2 inline __m256i Load(const void* source) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(source));
}

/// Eight bytes at each of two places.
TN_TARGET_AVX2 inline __m128i LoadPair(const std::uint8_t* low, const std::uint8_t* high) {
  const __m128d first = _mm_castsi128_pd(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(low)));
  return _mm_castpd_si128(_mm_loadh_pd(first, reinterpret_cast<const double*>(high)));
}

TN_TARGET_AVX2 void Horizontal(const HorizontalPlan& plan, const std::uint8_t* row,
                               const std::uint8_t* ahead, std::int16_t* out) {
  const std::uint32_t* offset = plan.offsets.data();
  const std::uint8_t* shuffle = plan.shuffle.data();
  const std::uint8_t* high = plan.high.data();
  const std::uint8_t* low = plan.low.data();
  for (std::size_t x = 0; x < plan.width; x += Avx2Block::kPixels) {
    Prefetch(ahead + offset[0]);
    Prefetch(ahead + offset[2]);
    const __m256i window = _mm256_set_m128i(LoadPair(row + offset[2], row + offset[3]),
                                            LoadPair(row + offset[0], row + offset[1]));
    const __m256i pairs = _mm256_shuffle_epi8(window, Load(shuffle));
    const __m256i upper = _mm256_maddubs_epi16(pairs, Load(high));
    const __m256i lower = _mm256_maddubs_epi16(pairs, Load(low));
    const __m256i sums =
        _mm256_add_epi16(_mm256_add_epi16(upper, upper), _mm256_srli_epi16(lower, 4));
    // Six of eight samples count; the next store overwrites the other two.
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(sums));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 6), _mm256_extracti128_si256(sums, 1));
    out += 3 * Avx2Block::kPixels;
    offset += Avx2Block::kPixels;
    shuffle += Avx2Block::kTableBytes;
    high += Avx2Block::kTableBytes;
    low += Avx2Block::kTableBytes;
  }
}

/// 32 samples of the vertical pass.
TN_TARGET_AVX2 inline __m256i Blend32(const std::int16_t* row0, const std::int16_t* row1,
                                      __m256i weight0, __m256i weight1) {
  const __m256i two = _mm256_set1_epi16(2);
  __m256i halves[2];
  for (std::ptrdiff_t i = 0; i < 2; ++i) {
    const __m256i sum = _mm256_add_epi16(_mm256_mulhi_epi16(Load(row0 + 16 * i), weight0),
                                         _mm256_mulhi_epi16(Load(row1 + 16 * i), weight1));
    halves[i] = _mm256_srli_epi16(_mm256_add_epi16(sum, two), 2);
  }
  return _mm256_permute4x64_epi64(_mm256_packus_epi16(halves[0], halves[1]), 0xD8);
}

TN_TARGET_AVX2 void Vertical(const std::int16_t* row0, const std::int16_t* row1,
                             std::int16_t weight0, std::int16_t weight1, std::size_t samples,
                             std::uint8_t* out) {
  const __m256i w0 = _mm256_set1_epi16(weight0);
  const __m256i w1 = _mm256_set1_epi16(weight1);
  std::size_t i = 0;
  for (; i + 32 <= samples; i += 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), Blend32(row0 + i, row1 + i, w0, w1));
  }
  if (i < samples) {
    alignas(32) std::uint8_t rest[32];
    _mm256_store_si256(reinterpret_cast<__m256i*>(rest), Blend32(row0 + i, row1 + i, w0, w1));
    std::memcpy(out + i, rest, samples - i);
  }
}

/// sample / 255, correctly rounded: the product with the rounded reciprocal, corrected by its
/// remainder.
TN_TARGET_AVX2 inline __m256 Divide255(__m256i samples) {
  const __m256 value = _mm256_cvtepi32_ps(samples);
  const __m256 reciprocal = _mm256_set1_ps(1.0F / 255.0F);
  const __m256 quotient = _mm256_mul_ps(value, reciprocal);
  const __m256 remainder = _mm256_fnmadd_ps(quotient, _mm256_set1_ps(255.0F), value);
  return _mm256_fmadd_ps(remainder, reciprocal, quotient);
}

template <typename Element>
void Rest(void (*kernel)(const std::uint8_t*, std::size_t, Element* const[3]),
          const std::uint8_t* rgb, std::size_t begin, std::size_t pixels,
          Element* const planes[3]) {
  Element* const rest[3] = {planes[0] + begin, planes[1] + begin, planes[2] + begin};
  kernel(rgb + 3 * begin, pixels - begin, rest);
}

TN_TARGET_AVX2 void ToPlanesU8(const std::uint8_t* rgb, std::size_t pixels,
                               std::uint8_t* const planes[3]) {
  std::size_t i = 0;
  for (; i + 16 <= pixels; i += 16) {
    const Planes16 block = Deinterleave16(rgb + 3 * i);
    for (int c = 0; c < 3; ++c) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(planes[c] + i), block.channel[c]);
    }
  }
  Rest(ScalarResizeKernels().to_planes_u8, rgb, i, pixels, planes);
}

TN_TARGET_AVX2 void ToPlanesF32(const std::uint8_t* rgb, std::size_t pixels,
                                float* const planes[3]) {
  std::size_t i = 0;
  for (; i + 16 <= pixels; i += 16) {
    const Planes16 block = Deinterleave16(rgb + 3 * i);
    for (int c = 0; c < 3; ++c) {
      const __m128i samples = block.channel[c];
      _mm256_storeu_ps(planes[c] + i, Divide255(_mm256_cvtepu8_epi32(samples)));
      _mm256_storeu_ps(planes[c] + i + 8,
                       Divide255(_mm256_cvtepu8_epi32(_mm_srli_si128(samples, 8))));
    }
  }
  Rest(ScalarResizeKernels().to_planes_f32, rgb, i, pixels, planes);
}

TN_TARGET_AVX2 void ToPlanesF16(const std::uint8_t* rgb, std::size_t pixels,
                                std::uint16_t* const planes[3]) {
  std::size_t i = 0;
  for (; i + 16 <= pixels; i += 16) {
    const Planes16 block = Deinterleave16(rgb + 3 * i);
    for (int c = 0; c < 3; ++c) {
      const __m128i samples = block.channel[c];
      const __m256 low = Divide255(_mm256_cvtepu8_epi32(samples));
      const __m256 high = Divide255(_mm256_cvtepu8_epi32(_mm_srli_si128(samples, 8)));
      auto* out = reinterpret_cast<__m128i*>(planes[c] + i);
      _mm_storeu_si128(out, _mm256_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT));
      _mm_storeu_si128(out + 1, _mm256_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT));
    }
  }
  Rest(ScalarResizeKernels().to_planes_f16, rgb, i, pixels, planes);
}

}  // namespace

const ResizeKernels& Avx2ResizeKernels() noexcept {
  static constexpr ResizeKernels kKernels{Horizontal, Vertical, ToPlanesU8, ToPlanesF32,
                                          ToPlanesF16};
  return kKernels;
}

}  // namespace tensorrt_node
#endif
