#pragma once

#include <NvInfer.h>

#include "trt/build.h"
#include "trt/library.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Adds one optimisation profile for each entry of `request.profiles`. Throws
/// Error(kInvalidArgument) for names, shapes or values that do not fit the network's inputs, or for
/// dynamic inputs without a range.
void AddProfiles(nvinfer1::IBuilder& builder, nvinfer1::IBuilderConfig& config,
                 const nvinfer1::INetworkDefinition& network, const trt::Library& library,
                 const trt::BuildRequest& request);

}  // namespace tensorrt_node::TRT_FLAVOR
