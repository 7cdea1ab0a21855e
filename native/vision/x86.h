// Instruction sets by function, so that one binary holds every variant and no flag reaches shared
// inline code.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined operand inside its own AVX-512 intrinsics for a mistake of ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif

#define TN_TARGET_AVX2 __attribute__((target("avx2,fma,f16c")))
#define TN_TARGET_AVX512 \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")))

namespace tensorrt_node {

/// Into the second-level cache: it has more misses under way at a time than the first, which is
/// what counts here.
inline void Prefetch(const void* place) {
  _mm_prefetch(static_cast<const char*>(place), _MM_HINT_T1);
}

/// 16 pixels of three interleaved bytes as three vectors, one a channel.
struct Planes16 {
  __m128i channel[3];
};

TN_TARGET_AVX2 inline Planes16 Deinterleave16(const std::uint8_t* rgb) {
  const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb));
  const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb + 16));
  const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb + 32));
  // A negative index gives 0, so that the three parts can be joined by OR.
  const __m128i red = _mm_or_si128(
      _mm_or_si128(_mm_shuffle_epi8(a, _mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1,
                                                     -1, -1, -1)),
                   _mm_shuffle_epi8(b, _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1,
                                                     -1, -1, -1, -1))),
      _mm_shuffle_epi8(c,
                       _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13)));
  const __m128i green = _mm_or_si128(
      _mm_or_si128(_mm_shuffle_epi8(a, _mm_setr_epi8(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1,
                                                     -1, -1, -1, -1)),
                   _mm_shuffle_epi8(b, _mm_setr_epi8(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1,
                                                     -1, -1, -1))),
      _mm_shuffle_epi8(c,
                       _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14)));
  const __m128i blue = _mm_or_si128(
      _mm_or_si128(_mm_shuffle_epi8(a, _mm_setr_epi8(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1,
                                                     -1, -1, -1, -1)),
                   _mm_shuffle_epi8(b, _mm_setr_epi8(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1,
                                                     -1, -1, -1, -1))),
      _mm_shuffle_epi8(c,
                       _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15)));
  return {{red, green, blue}};
}

}  // namespace tensorrt_node
#endif
