#pragma once

#include <NvInfer.h>

#include <vector>

#include "trt/build.h"
#include "trt/library.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Applies every setting in the order given. Throws Error(kInvalidArgument) for a name or value
/// that this flavour does not have, Error(kTensorRtVersion) for one that the loaded library is too
/// old for, and Error(kEngineBuild) with TensorRT's own line when it refuses the value.
void ApplySettings(nvinfer1::IBuilderConfig& config, const trt::Library& library,
                   const std::vector<trt::SettingValue>& settings);

/// Ahead-of-time targets, each like 89 for 8.9; rtx1 only, the others build for the GPU at hand.
void ApplyComputeCapabilities(nvinfer1::IBuilderConfig& config,
                              const std::vector<int>& capabilities);

}  // namespace tensorrt_node::TRT_FLAVOR
