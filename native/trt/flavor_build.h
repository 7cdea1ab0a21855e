#pragma once

#include "trt/build.h"
#include "trt/library.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Parses the model and builds its plan on the calling thread; concurrent calls wait for each
/// other. Throws Error: kInvalidArgument for options that do not fit the network, kEngineBuild with
/// the library's log lines or the parser's errors, kNoDevice where the flavour needs a GPU and
/// there is none.
void BuildEngine(const trt::Library& library, const trt::BuildRequest& request,
                 trt::BuildObserver& observer);

}  // namespace tensorrt_node::TRT_FLAVOR
