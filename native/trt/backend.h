#pragma once

#include <string>
#include <vector>

#include "trt/build.h"
#include "trt/library.h"
#include "trt/settings.h"
#include "trt/tools.h"
#include "trt/version.h"

namespace tensorrt_node::trt {

/// What one compiled flavour offers. Each flavour fills one of these; everything else it has stays
/// in its own namespace, since the linker would merge same-named inline code of two flavours.
// Every flavour's table is a constant that names all of them.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
struct Backend {
  Flavor flavor;
  /// Version of the headers that it was compiled with.
  Version headers;
  /// See BuildEngine in flavor_build.h.
  void (*build)(const Library& library, const BuildRequest& request, BuildObserver& observer);
  /// See CheckModel in flavor_check.h.
  std::string (*check)(const Library& library, const std::string& model_path,
                       const std::vector<std::string>& operators, BuildObserver& observer);
  /// See InspectEngine in flavor_inspect.h.
  std::string (*inspect)(const Library& library, const PlanView& plan, BuildObserver& observer);
  /// See ListWeights in flavor_refit.h.
  std::string (*weights)(const Library& library, const PlanView& plan, BuildObserver& observer);
  /// See RefitEngine in flavor_refit.h.
  void (*refit)(const Library& library, const PlanView& plan, const RefitSource& source,
                BuildObserver& observer);
  /// Its builder settings and how its enums are accounted for; null past the end.
  const SettingInfo* (*setting)(std::size_t index);
  const EnumInfo* (*setting_enum)(std::size_t index);
  /// See RunTimingCacheJob in flavor_timing_cache.h.
  TimingCacheOutcome (*timing_cache)(const Library& library, const TimingCacheJob& job);
};

/// Null when this binary was compiled without that flavour's headers.
[[nodiscard]] const Backend* FindBackend(Flavor flavor) noexcept;

/// As FindBackend, but throws Error(kTensorRtUnavailable) with the way to get the flavour.
[[nodiscard]] const Backend& RequireBackend(Flavor flavor);

}  // namespace tensorrt_node::trt
