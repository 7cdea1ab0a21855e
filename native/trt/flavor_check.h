#pragma once

#include <string>
#include <vector>

#include "trt/build.h"
#include "trt/library.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Asks the ONNX parser about a model without building anything. `operators` are looked up one by
/// one. Returns the JSON that TrtParserReport in src/native/trt-contract.ts describes. Throws
/// Error: kIo, kNoDevice where the flavour needs a GPU and there is none. A model that the parser
/// refuses is no error, one that crashes it ends the process.
std::string CheckModel(const trt::Library& library, const std::string& model_path,
                       const std::vector<std::string>& operators, trt::BuildObserver& observer);

}  // namespace tensorrt_node::TRT_FLAVOR
