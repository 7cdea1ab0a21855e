#include "vision/resize_plan.h"
#include "vision/x86.h"

#if defined(__x86_64__)
namespace tensorrt_node {
namespace {

TN_TARGET_AVX512 inline __m512i Load(const void* source) { return _mm512_loadu_si512(source); }

template <bool kNarrow>
TN_TARGET_AVX512 void HorizontalBlocks(const HorizontalPlan& plan, const std::uint8_t* row,
                                       const std::uint8_t* ahead, std::int16_t* out) {
  const std::uint32_t* offset = plan.offsets.data();
  const std::uint8_t* shuffle = plan.shuffle.data();
  const std::uint8_t* high = plan.high.data();
  const std::uint8_t* low = plan.low.data();
  for (std::size_t block = 0; block < plan.blocks; ++block) {
    const std::uint8_t* window = row + *offset;
    Prefetch(ahead + *offset);
    if (!kNarrow) Prefetch(ahead + *offset + 64);
    ++offset;
    const __m512i pairs =
        kNarrow ? _mm512_permutexvar_epi8(Load(shuffle), Load(window))
                : _mm512_permutex2var_epi8(Load(window), Load(shuffle), Load(window + 64));
    const __m512i upper = _mm512_maddubs_epi16(pairs, Load(high));
    const __m512i lower = _mm512_maddubs_epi16(pairs, Load(low));
    // Where only 30 of 32 samples count, the next store overwrites the other two.
    _mm512_storeu_si512(
        out, _mm512_add_epi16(_mm512_add_epi16(upper, upper), _mm512_srli_epi16(lower, 4)));
    out += plan.block_samples;
    shuffle += Avx512Block::kTableBytes;
    high += Avx512Block::kTableBytes;
    low += Avx512Block::kTableBytes;
  }
}

void Horizontal(const HorizontalPlan& plan, const std::uint8_t* row, const std::uint8_t* ahead,
                std::int16_t* out) {
  (plan.narrow ? HorizontalBlocks<true> : HorizontalBlocks<false>)(plan, row, ahead, out);
}

/// 64 samples of the vertical pass.
TN_TARGET_AVX512 inline __m512i Blend64(const std::int16_t* row0, const std::int16_t* row1,
                                        __m512i weight0, __m512i weight1) {
  const __m512i two = _mm512_set1_epi16(2);
  __m512i halves[2];
  for (std::ptrdiff_t i = 0; i < 2; ++i) {
    const __m512i sum = _mm512_add_epi16(_mm512_mulhi_epi16(Load(row0 + 32 * i), weight0),
                                         _mm512_mulhi_epi16(Load(row1 + 32 * i), weight1));
    halves[i] = _mm512_srli_epi16(_mm512_add_epi16(sum, two), 2);
  }
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  return _mm512_permutexvar_epi64(order, _mm512_packus_epi16(halves[0], halves[1]));
}

TN_TARGET_AVX512 void Vertical(const std::int16_t* row0, const std::int16_t* row1,
                               std::int16_t weight0, std::int16_t weight1, std::size_t samples,
                               std::uint8_t* out) {
  const __m512i w0 = _mm512_set1_epi16(weight0);
  const __m512i w1 = _mm512_set1_epi16(weight1);
  std::size_t i = 0;
  for (; i + 64 <= samples; i += 64) {
    _mm512_storeu_si512(out + i, Blend64(row0 + i, row1 + i, w0, w1));
  }
  if (i < samples) {
    const __mmask64 rest = (std::uint64_t{1} << (samples - i)) - 1;
    _mm512_mask_storeu_epi8(out + i, rest, Blend64(row0 + i, row1 + i, w0, w1));
  }
}

/// sample / 255, correctly rounded: the product with the rounded reciprocal, corrected by its
/// remainder.
TN_TARGET_AVX512 inline __m512 Divide255(__m128i samples) {
  const __m512 value = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(samples));
  const __m512 reciprocal = _mm512_set1_ps(1.0F / 255.0F);
  const __m512 quotient = _mm512_mul_ps(value, reciprocal);
  const __m512 remainder = _mm512_fnmadd_ps(quotient, _mm512_set1_ps(255.0F), value);
  return _mm512_fmadd_ps(remainder, reciprocal, quotient);
}

TN_TARGET_AVX512 void ToPlanesF32(const std::uint8_t* rgb, std::size_t pixels,
                                  float* const planes[3]) {
  std::size_t i = 0;
  for (; i + 16 <= pixels; i += 16) {
    const Planes16 block = Deinterleave16(rgb + 3 * i);
    for (int c = 0; c < 3; ++c) _mm512_storeu_ps(planes[c] + i, Divide255(block.channel[c]));
  }
  float* const rest[3] = {planes[0] + i, planes[1] + i, planes[2] + i};
  ScalarResizeKernels().to_planes_f32(rgb + 3 * i, pixels - i, rest);
}

}  // namespace

const ResizeKernels& Avx512ResizeKernels() noexcept {
  static const ResizeKernels kKernels{Horizontal, Vertical, Avx2ResizeKernels().to_planes_u8,
                                      ToPlanesF32, Avx2ResizeKernels().to_planes_f16};
  return kKernels;
}

}  // namespace tensorrt_node
#endif
