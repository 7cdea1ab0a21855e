// Compiled once a flavour, as every flavor_*.cpp here: TRT_FLAVOR names the flavour and its
// namespace.
#include <NvInfer.h>

#include "trt/backend.h"
#include "trt/flavor_build.h"
#include "trt/flavor_check.h"
#include "trt/flavor_inspect.h"
#include "trt/flavor_refit.h"
#include "trt/flavor_settings.h"
#include "trt/flavor_timing_cache.h"

namespace tensorrt_node::TRT_FLAVOR {

const trt::Backend& GetBackend() noexcept {
  static constexpr trt::Backend backend{
      trt::Flavor::TRT_FLAVOR_ENUM,
      {NV_TENSORRT_MAJOR, NV_TENSORRT_MINOR, NV_TENSORRT_PATCH, NV_TENSORRT_BUILD},
      BuildEngine,
      CheckModel,
      InspectEngine,
      ListWeights,
      RefitEngine,
      SettingInfoAt,
      EnumAt,
      RunTimingCacheJob};
  return backend;
}

}  // namespace tensorrt_node::TRT_FLAVOR
