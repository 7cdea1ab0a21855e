#include "vision/detect_kernels.h"
#include "vision/half.h"
#include "vision/x86.h"

#if defined(__x86_64__)
namespace tensorrt_node {
namespace {

void UpdateRest(const float* row, std::int32_t index, std::size_t begin, std::size_t count,
                float* best, std::int32_t* best_class) {
  for (std::size_t i = begin; i < count; ++i) {
    if (row[i] > best[i]) {
      best[i] = row[i];
      best_class[i] = index;
    }
  }
}

}  // namespace

// Few scores beat the threshold that `best` starts from, so the writes hide behind a branch seldom
// taken.

TN_TARGET_AVX2 void UpdateBestAvx2(const float* row, std::int32_t index, std::size_t count,
                                   float* best, std::int32_t* best_class) {
  const __m256 new_class = _mm256_castsi256_ps(_mm256_set1_epi32(index));
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m256 above[4];
    for (int k = 0; k < 4; ++k) {
      above[k] = _mm256_cmp_ps(_mm256_loadu_ps(row + i + 8 * k), _mm256_loadu_ps(best + i + 8 * k),
                               _CMP_GT_OQ);
    }
    const __m256 any =
        _mm256_or_ps(_mm256_or_ps(above[0], above[1]), _mm256_or_ps(above[2], above[3]));
    if (_mm256_movemask_ps(any) == 0) continue;
    for (int k = 0; k < 4; ++k) {
      float* const best_at = best + i + 8 * k;
      auto* const class_at = reinterpret_cast<float*>(best_class + i + 8 * k);
      _mm256_storeu_ps(best_at, _mm256_blendv_ps(_mm256_loadu_ps(best_at),
                                                 _mm256_loadu_ps(row + i + 8 * k), above[k]));
      _mm256_storeu_ps(class_at, _mm256_blendv_ps(_mm256_loadu_ps(class_at), new_class, above[k]));
    }
  }
  UpdateRest(row, index, i, count, best, best_class);
}

TN_TARGET_AVX512 void UpdateBestAvx512(const float* row, std::int32_t index, std::size_t count,
                                       float* best, std::int32_t* best_class) {
  const __m512i new_class = _mm512_set1_epi32(index);
  std::size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    __mmask16 above[4];
    for (int k = 0; k < 4; ++k) {
      above[k] = _mm512_cmp_ps_mask(_mm512_loadu_ps(row + i + 16 * k),
                                    _mm512_loadu_ps(best + i + 16 * k), _CMP_GT_OQ);
    }
    if ((above[0] | above[1] | above[2] | above[3]) == 0) continue;
    for (int k = 0; k < 4; ++k) {
      _mm512_mask_storeu_ps(best + i + 16 * k, above[k], _mm512_loadu_ps(row + i + 16 * k));
      _mm512_mask_storeu_epi32(best_class + i + 16 * k, above[k], new_class);
    }
  }
  UpdateRest(row, index, i, count, best, best_class);
}

TN_TARGET_AVX2 void HalfToFloatAvx2(const std::uint16_t* source, std::size_t count, float* target) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(
        target + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i))));
  }
  for (; i < count; ++i) target[i] = HalfToFloat(source[i]);
}

// Boxes that do not touch have IoU 0, which no threshold is below: the division is for those that
// do.

TN_TARGET_AVX2 bool OverlapsAvx2(const KeptBoxes::Arrays& kept, const Box& box, float area,
                                 float threshold) {
  const __m256 zero = _mm256_setzero_ps();
  const __m256 x1 = _mm256_set1_ps(box.x1);
  const __m256 y1 = _mm256_set1_ps(box.y1);
  const __m256 x2 = _mm256_set1_ps(box.x2);
  const __m256 y2 = _mm256_set1_ps(box.y2);
  for (std::size_t i = 0; i < kept.padded_size; i += 8) {
    const __m256 width = _mm256_sub_ps(_mm256_min_ps(_mm256_loadu_ps(kept.x2 + i), x2),
                                       _mm256_max_ps(_mm256_loadu_ps(kept.x1 + i), x1));
    const __m256 height = _mm256_sub_ps(_mm256_min_ps(_mm256_loadu_ps(kept.y2 + i), y2),
                                        _mm256_max_ps(_mm256_loadu_ps(kept.y1 + i), y1));
    const __m256 touch = _mm256_and_ps(_mm256_cmp_ps(width, zero, _CMP_GT_OQ),
                                       _mm256_cmp_ps(height, zero, _CMP_GT_OQ));
    if (_mm256_movemask_ps(touch) == 0) continue;
    const __m256 intersection = _mm256_mul_ps(width, height);
    const __m256 areas = _mm256_add_ps(_mm256_loadu_ps(kept.area + i), _mm256_set1_ps(area));
    const __m256 iou = _mm256_div_ps(intersection, _mm256_sub_ps(areas, intersection));
    const __m256 above = _mm256_cmp_ps(iou, _mm256_set1_ps(threshold), _CMP_GT_OQ);
    if (_mm256_movemask_ps(_mm256_and_ps(above, touch)) != 0) return true;
  }
  return false;
}

TN_TARGET_AVX512 bool OverlapsAvx512(const KeptBoxes::Arrays& kept, const Box& box, float area,
                                     float threshold) {
  const __m512 zero = _mm512_setzero_ps();
  const __m512 x1 = _mm512_set1_ps(box.x1);
  const __m512 y1 = _mm512_set1_ps(box.y1);
  const __m512 x2 = _mm512_set1_ps(box.x2);
  const __m512 y2 = _mm512_set1_ps(box.y2);
  for (std::size_t i = 0; i < kept.padded_size; i += 16) {
    const __m512 width = _mm512_sub_ps(_mm512_min_ps(_mm512_loadu_ps(kept.x2 + i), x2),
                                       _mm512_max_ps(_mm512_loadu_ps(kept.x1 + i), x1));
    const __m512 height = _mm512_sub_ps(_mm512_min_ps(_mm512_loadu_ps(kept.y2 + i), y2),
                                        _mm512_max_ps(_mm512_loadu_ps(kept.y1 + i), y1));
    const __mmask16 touch = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(width, zero, _CMP_GT_OQ),
                                                    height, zero, _CMP_GT_OQ);
    if (touch == 0) continue;
    const __m512 intersection = _mm512_mul_ps(width, height);
    const __m512 areas = _mm512_add_ps(_mm512_loadu_ps(kept.area + i), _mm512_set1_ps(area));
    const __m512 iou = _mm512_div_ps(intersection, _mm512_sub_ps(areas, intersection));
    if (_mm512_mask_cmp_ps_mask(touch, iou, _mm512_set1_ps(threshold), _CMP_GT_OQ) != 0)
      return true;
  }
  return false;
}

}  // namespace tensorrt_node
#endif
