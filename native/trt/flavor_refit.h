#pragma once

#include <string>

#include "trt/build.h"
#include "trt/library.h"
#include "trt/tools.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Names, types and sizes of the weights that can be refitted, and which of them the plan lacks, as
/// the JSON that TrtWeightsReport in src/native/trt-contract.ts describes. Throws Error: kNoDevice,
/// kEngineDeserialize, kInvalidArgument for an engine that was not built to be refitted.
std::string ListWeights(const trt::Library& library, const trt::PlanView& plan,
                        trt::BuildObserver& observer);

/// Puts other weights into an engine and gives the whole plan to `observer`. All that the engine
/// needs must be there, else nothing is changed. Throws as ListWeights does; kInvalidArgument for
/// weights that do not fit, kEngineBuild with TensorRT's reasons.
void RefitEngine(const trt::Library& library, const trt::PlanView& plan,
                 const trt::RefitSource& source, trt::BuildObserver& observer);

}  // namespace tensorrt_node::TRT_FLAVOR
