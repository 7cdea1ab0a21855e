#pragma once

#include <vector>

namespace tensorrt_node {

/// The variants of each kernel. All give the same bits; they differ in speed alone.
enum class Isa {
  kScalar,
  kAvx2,    ///< AVX2, FMA and F16C.
  kAvx512,  ///< AVX-512 F, BW, DQ, VL and VBMI, besides AVX2 and F16C.
};

[[nodiscard]] const char* IsaName(Isa isa) noexcept;
/// The variants that this CPU runs, kScalar first, fastest last.
[[nodiscard]] const std::vector<Isa>& SupportedIsas();
[[nodiscard]] Isa BestIsa();

}  // namespace tensorrt_node
