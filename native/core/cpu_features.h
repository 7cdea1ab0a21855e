#pragma once

#include <string>
#include <vector>

namespace tensorrt_node {

/// Instruction sets that this CPU and operating system offer, of those that kernels here can choose
/// from.
[[nodiscard]] std::vector<std::string> CpuFeatures();
[[nodiscard]] bool HasAvx2() noexcept;
/// AVX-512 F, BW, DQ and VL together.
[[nodiscard]] bool HasAvx512() noexcept;

}  // namespace tensorrt_node
