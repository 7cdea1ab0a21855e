#pragma once

#include <string>

#include "trt/build.h"
#include "trt/library.h"
#include "trt/tools.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Loads a plan on the device and tells what TensorRT says of it, as the JSON that TrtEngineReport
/// in src/native/trt-contract.ts describes. Throws Error: kNoDevice, kEngineDeserialize.
std::string InspectEngine(const trt::Library& library, const trt::PlanView& plan,
                          trt::BuildObserver& observer);

}  // namespace tensorrt_node::TRT_FLAVOR
