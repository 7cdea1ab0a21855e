#pragma once

#include "trt/build.h"
#include "trt/library.h"
#include "trt/version.h"

namespace tensorrt_node::trt {

/// What one compiled flavour offers. Each flavour fills one of these; everything else it has stays
/// in its own namespace, since the linker would merge same-named inline code of two flavours.
struct Backend {
  Flavor flavor;
  /// Version of the headers that it was compiled with.
  Version headers;
  /// See BuildEngine in flavor_build.h.
  void (*build)(const Library& library, const BuildRequest& request, BuildObserver& observer);
};

/// Null when this binary was compiled without that flavour's headers.
[[nodiscard]] const Backend* FindBackend(Flavor flavor) noexcept;

/// As FindBackend, but throws Error(kTensorRtUnavailable) with the way to get the flavour.
[[nodiscard]] const Backend& RequireBackend(Flavor flavor);

}  // namespace tensorrt_node::trt
