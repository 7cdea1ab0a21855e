#include <algorithm>

#include "vision/detect_kernels.h"
#include "vision/score_order.h"
#include "vision/x86.h"

#if defined(__x86_64__)
namespace tensorrt_node {
namespace {

// The best score and class of 32 or 64 anchors stay in registers while their column of class rows
// passes by: no branch depends on the scores, and nothing is written but the result.

TN_TARGET_AVX2 inline __m256 Load8(const float* at) { return _mm256_loadu_ps(at); }
TN_TARGET_AVX2 inline __m256 Load8(const std::uint16_t* at) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}
TN_TARGET_AVX512 inline __m512 Load16(const float* at) { return _mm512_loadu_ps(at); }
TN_TARGET_AVX512 inline __m512 Load16(const std::uint16_t* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

template <typename Element>
TN_TARGET_AVX2 void BestAvx2(const Element* scores, const ScanShape& shape, float* best,
                             std::int32_t* best_class) {
  constexpr std::size_t kStep = 32;
  if (shape.count < kStep) return BestScalar(scores, shape, best, best_class);
  for (std::size_t next = 0; next < shape.count; next += kStep) {
    // The last step may see some anchors again.
    const std::size_t i = std::min(next, shape.count - kStep);
    __m256 top[4];
    __m256 top_class[4];
    for (int k = 0; k < 4; ++k) {
      top[k] = _mm256_set1_ps(shape.confidence);
      top_class[k] = _mm256_castsi256_ps(_mm256_set1_epi32(-1));
    }
    const Element* row = scores + i;
    for (std::size_t c = 0; c < shape.classes; ++c, row += shape.stride) {
      const __m256 index = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(c)));
      // A row's next anchors are two lines on, too little for the processor to see a stream.
      _mm_prefetch(reinterpret_cast<const char*>(row + kStep), _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(row + kStep + kStep / 2), _MM_HINT_T0);
      for (int k = 0; k < 4; ++k) {
        const __m256 score = Load8(row + 8 * k);
        const __m256 above = _mm256_cmp_ps(score, top[k], _CMP_GT_OQ);
        top[k] = _mm256_blendv_ps(top[k], score, above);
        top_class[k] = _mm256_blendv_ps(top_class[k], index, above);
      }
    }
    for (std::ptrdiff_t k = 0; k < 4; ++k) {
      _mm256_storeu_ps(best + i + 8 * k, top[k]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(best_class + i + 8 * k),
                          _mm256_castps_si256(top_class[k]));
    }
  }
}

template <typename Element>
TN_TARGET_AVX512 void BestAvx512(const Element* scores, const ScanShape& shape, float* best,
                                 std::int32_t* best_class) {
  constexpr std::size_t kStep = 64;
  if (shape.count < kStep) return BestAvx2(scores, shape, best, best_class);
  for (std::size_t next = 0; next < shape.count; next += kStep) {
    const std::size_t i = std::min(next, shape.count - kStep);
    __m512 top[4];
    __m512i top_class[4];
    for (int k = 0; k < 4; ++k) {
      top[k] = _mm512_set1_ps(shape.confidence);
      top_class[k] = _mm512_set1_epi32(-1);
    }
    const Element* row = scores + i;
    for (std::size_t c = 0; c < shape.classes; ++c, row += shape.stride) {
      const __m512i index = _mm512_set1_epi32(static_cast<int>(c));
      for (int k = 0; k < 4; ++k) {
        const __m512 score = Load16(row + 16 * k);
        const __mmask16 above = _mm512_cmp_ps_mask(score, top[k], _CMP_GT_OQ);
        top[k] = _mm512_mask_mov_ps(top[k], above, score);
        top_class[k] = _mm512_mask_mov_epi32(top_class[k], above, index);
      }
    }
    for (std::ptrdiff_t k = 0; k < 4; ++k) {
      _mm512_storeu_ps(best + i + 16 * k, top[k]);
      _mm512_storeu_si512(best_class + i + 16 * k, top_class[k]);
    }
  }
}

TN_TARGET_AVX512 inline __mmask16 FiniteLanes(__mmask16 lanes, __m512 values) {
  constexpr int kNanOrInfinite = 0x99;
  return static_cast<__mmask16>(lanes &
                                ~_mm512_mask_fpclass_ps_mask(lanes, values, kNanOrInfinite));
}

/// A side of 16 boxes, rounded as BoxOf() rounds it.
TN_TARGET_AVX512 inline __m512 AsElement(__m512 side, const float* /*element*/) { return side; }
TN_TARGET_AVX512 inline __m512 AsElement(__m512 side, const std::uint16_t* /*element*/) {
  return _mm512_cvtph_ps(_mm512_cvtps_ph(side, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

TN_TARGET_AVX512 inline __m256i UpperHalf(__m512i value) {
  return _mm512_maskz_extracti64x4_epi64(0xFF, value, 1);
}

/// As ScoreOrder::EntryOf(): the inverted bits of the score above the anchor.
TN_TARGET_AVX512 inline void StoreEntries(std::uint64_t* to, __m256i keys, __m256i anchors) {
  const __m512i upper = _mm512_slli_epi64(_mm512_cvtepu32_epi64(keys), 32);
  _mm512_storeu_si512(to, _mm512_or_si512(upper, _mm512_cvtepu32_epi64(anchors)));
}

template <typename Element>
TN_TARGET_AVX512 std::size_t Collect(const Yolov8Output& output, const ScanRun& run,
                                     std::uint64_t* entries, Reach& reach) {
  const Element* const rows = static_cast<const Element*>(output.data) + run.begin;
  const std::size_t stride = output.anchors;
  const __m512 half = _mm512_set1_ps(0.5F);
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512 low = _mm512_set1_ps(reach.low);
  __m512 high = _mm512_set1_ps(reach.high);
  std::size_t taken = 0;
  std::size_t i = 0;
  for (; i + 16 <= run.count; i += 16) {
    const __m512i best_class = _mm512_loadu_si512(run.best_class + i);
    __mmask16 lanes = _mm512_cmpge_epi32_mask(best_class, _mm512_setzero_si512());
    if (lanes == 0) continue;
    const __m512 best = _mm512_loadu_ps(run.best + i);
    const __m512 cx = Load16(rows + i);
    const __m512 cy = Load16(rows + stride + i);
    const __m512 half_width = _mm512_mul_ps(Load16(rows + 2 * stride + i), half);
    const __m512 half_height = _mm512_mul_ps(Load16(rows + 3 * stride + i), half);
    const __m512 x1 = AsElement(_mm512_sub_ps(cx, half_width), rows);
    const __m512 x2 = AsElement(_mm512_add_ps(cx, half_width), rows);
    const __m512 y1 = AsElement(_mm512_sub_ps(cy, half_height), rows);
    const __m512 y2 = AsElement(_mm512_add_ps(cy, half_height), rows);
    for (const __m512 values : {best, x1, x2, y1, y2}) lanes = FiniteLanes(lanes, values);
    low = _mm512_mask_min_ps(low, lanes, low, _mm512_min_ps(x1, x2));
    high = _mm512_mask_max_ps(high, lanes, high, _mm512_max_ps(x1, x2));

    const __m512i bits = _mm512_castps_si512(best);
    const __m512i keys =
        _mm512_maskz_compress_epi32(lanes, _mm512_xor_si512(bits, _mm512_set1_epi32(-1)));
    const __m512i anchors = _mm512_maskz_compress_epi32(
        lanes, _mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(run.begin + i))));
    StoreEntries(entries + taken, _mm512_castsi512_si256(keys), _mm512_castsi512_si256(anchors));
    StoreEntries(entries + taken + 8, UpperHalf(keys), UpperHalf(anchors));
    taken += static_cast<std::size_t>(__builtin_popcount(lanes));
  }
  alignas(64) float lows[16];
  alignas(64) float highs[16];
  _mm512_store_ps(lows, low);
  _mm512_store_ps(highs, high);
  reach.low = *std::min_element(lows, lows + 16);
  reach.high = *std::max_element(highs, highs + 16);
  const ScanRun rest{run.best + i, run.best_class + i, run.begin + i, run.count - i};
  return taken + CollectScalar(output, rest, entries + taken, reach);
}

}  // namespace

void BestOfFloatAvx2(const float* scores, const ScanShape& shape, float* best,
                     std::int32_t* best_class) {
  BestAvx2(scores, shape, best, best_class);
}
void BestOfHalfAvx2(const std::uint16_t* scores, const ScanShape& shape, float* best,
                    std::int32_t* best_class) {
  BestAvx2(scores, shape, best, best_class);
}
void BestOfFloatAvx512(const float* scores, const ScanShape& shape, float* best,
                       std::int32_t* best_class) {
  BestAvx512(scores, shape, best, best_class);
}
void BestOfHalfAvx512(const std::uint16_t* scores, const ScanShape& shape, float* best,
                      std::int32_t* best_class) {
  BestAvx512(scores, shape, best, best_class);
}

std::size_t CollectAvx512(const Yolov8Output& output, const ScanRun& run, std::uint64_t* entries,
                          Reach& reach) {
  return output.half ? Collect<std::uint16_t>(output, run, entries, reach)
                     : Collect<float>(output, run, entries, reach);
}

// Boxes that do not touch have IoU 0, which no threshold is below: the division is for those that
// do. Most classes have few kept boxes, for which half of the lanes are enough.

namespace {

TN_TARGET_AVX2 inline bool Overlap8(const KeptBoxes::Block& kept, std::size_t lane, const Box& box,
                                    float area, float threshold) {
  const __m256 zero = _mm256_setzero_ps();
  const __m256 width =
      _mm256_sub_ps(_mm256_min_ps(_mm256_load_ps(kept.x2 + lane), _mm256_set1_ps(box.x2)),
                    _mm256_max_ps(_mm256_load_ps(kept.x1 + lane), _mm256_set1_ps(box.x1)));
  const __m256 height =
      _mm256_sub_ps(_mm256_min_ps(_mm256_load_ps(kept.y2 + lane), _mm256_set1_ps(box.y2)),
                    _mm256_max_ps(_mm256_load_ps(kept.y1 + lane), _mm256_set1_ps(box.y1)));
  const __m256 touch = _mm256_and_ps(_mm256_cmp_ps(width, zero, _CMP_GT_OQ),
                                     _mm256_cmp_ps(height, zero, _CMP_GT_OQ));
  if (_mm256_movemask_ps(touch) == 0) return false;
  const __m256 intersection = _mm256_mul_ps(width, height);
  const __m256 areas = _mm256_add_ps(_mm256_load_ps(kept.area + lane), _mm256_set1_ps(area));
  const __m256 iou = _mm256_div_ps(intersection, _mm256_sub_ps(areas, intersection));
  const __m256 above = _mm256_cmp_ps(iou, _mm256_set1_ps(threshold), _CMP_GT_OQ);
  return _mm256_movemask_ps(_mm256_and_ps(above, touch)) != 0;
}

TN_TARGET_AVX512 inline bool Overlap16(const KeptBoxes::Block& kept, const Box& box, float area,
                                       float threshold) {
  const __m512 zero = _mm512_setzero_ps();
  const __m512 width =
      _mm512_sub_ps(_mm512_min_ps(_mm512_load_ps(kept.x2), _mm512_set1_ps(box.x2)),
                    _mm512_max_ps(_mm512_load_ps(kept.x1), _mm512_set1_ps(box.x1)));
  const __m512 height =
      _mm512_sub_ps(_mm512_min_ps(_mm512_load_ps(kept.y2), _mm512_set1_ps(box.y2)),
                    _mm512_max_ps(_mm512_load_ps(kept.y1), _mm512_set1_ps(box.y1)));
  const __mmask16 touch = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(width, zero, _CMP_GT_OQ),
                                                  height, zero, _CMP_GT_OQ);
  if (touch == 0) return false;
  const __m512 intersection = _mm512_mul_ps(width, height);
  const __m512 areas = _mm512_add_ps(_mm512_load_ps(kept.area), _mm512_set1_ps(area));
  const __m512 iou = _mm512_div_ps(intersection, _mm512_sub_ps(areas, intersection));
  return _mm512_mask_cmp_ps_mask(touch, iou, _mm512_set1_ps(threshold), _CMP_GT_OQ) != 0;
}

}  // namespace

TN_TARGET_AVX2 bool OverlapsAvx2(const KeptBoxes::Block* blocks, std::int32_t first, const Box& box,
                                 float area, float threshold) {
  for (std::int32_t at = first; at >= 0; at = blocks[at].next) {
    const KeptBoxes::Block& kept = blocks[at];
    if (Overlap8(kept, 0, box, area, threshold)) return true;
    if (kept.used > 8 && Overlap8(kept, 8, box, area, threshold)) return true;
  }
  return false;
}

TN_TARGET_AVX512 bool OverlapsAvx512(const KeptBoxes::Block* blocks, std::int32_t first,
                                     const Box& box, float area, float threshold) {
  for (std::int32_t at = first; at >= 0; at = blocks[at].next) {
    const KeptBoxes::Block& kept = blocks[at];
    if (kept.used > 8 ? Overlap16(kept, box, area, threshold)
                      : Overlap8(kept, 0, box, area, threshold))
      return true;
  }
  return false;
}

}  // namespace tensorrt_node
#endif
