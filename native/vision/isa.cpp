#include "vision/isa.h"

#include "core/cpu_features.h"

namespace tensorrt_node {

const char* IsaName(Isa isa) noexcept {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

const std::vector<Isa>& SupportedIsas() {
  static const auto* isas = [] {
    auto* list = new std::vector<Isa>{Isa::kScalar};
#if defined(__x86_64__)
    if (HasAvx2() && __builtin_cpu_supports("f16c") != 0) {
      list->push_back(Isa::kAvx2);
      if (HasAvx512() && __builtin_cpu_supports("avx512vbmi") != 0) list->push_back(Isa::kAvx512);
    }
#endif
    return list;
  }();
  return *isas;
}

Isa BestIsa() { return SupportedIsas().back(); }

}  // namespace tensorrt_node
