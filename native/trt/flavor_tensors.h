#pragma once

#include <NvInfer.h>

#include <vector>

#include "trt/build.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Restricts the memory layouts of inputs and outputs and checks their element types. Throws
/// Error(kInvalidArgument) for names, formats or types that do not fit the network, and
/// Error(kEngineBuild) when TensorRT keeps other formats.
void ApplyTensorRequests(const nvinfer1::INetworkDefinition& network,
                         const std::vector<trt::TensorRequest>& requests);

}  // namespace tensorrt_node::TRT_FLAVOR
