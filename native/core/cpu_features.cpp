#include "core/cpu_features.h"

namespace tensorrt_node {

#if defined(__x86_64__)
bool HasAvx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}
bool HasAvx512() noexcept {
  return HasAvx2() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0;
}
#else
bool HasAvx2() noexcept { return false; }
bool HasAvx512() noexcept { return false; }
#endif

std::vector<std::string> CpuFeatures() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  features.emplace_back("sse2");
  if (HasAvx2()) features.emplace_back("avx2");
  if (HasAvx512()) features.emplace_back("avx512");
#elif defined(__aarch64__)
  features.emplace_back("neon");
#endif
  return features;
}

}  // namespace tensorrt_node
