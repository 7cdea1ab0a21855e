#include "trt/flavor_tensors.h"

#include <cstdint>
#include <string>

#include "core/error.h"
#include "trt/flavor_logger.h"
#include "trt/flavor_network.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

using nvinfer1::TensorFormat;

struct Format {
  const char* name;
  TensorFormat value;
};
// The names of `tensorFormats` in src/engine/options/rule.ts.
constexpr Format kFormats[] = {
    {"linear", TensorFormat::kLINEAR},     {"chw2", TensorFormat::kCHW2},
    {"hwc8", TensorFormat::kHWC8},         {"chw4", TensorFormat::kCHW4},
    {"chw16", TensorFormat::kCHW16},       {"chw32", TensorFormat::kCHW32},
    {"dhwc8", TensorFormat::kDHWC8},       {"cdhw32", TensorFormat::kCDHW32},
    {"hwc", TensorFormat::kHWC},           {"dla-linear", TensorFormat::kDLA_LINEAR},
    {"dla-hwc4", TensorFormat::kDLA_HWC4}, {"hwc16", TensorFormat::kHWC16},
    {"dhwc", TensorFormat::kDHWC},
};
static_assert(sizeof(kFormats) / sizeof(kFormats[0]) == nvinfer1::EnumMax<TensorFormat>(),
              "a tensor format of the headers has no name");

std::uint32_t Bit(const std::string& name) {
  for (const Format& format : kFormats) {
    if (name == format.name) return 1U << static_cast<std::uint32_t>(format.value);
  }
  throw InvalidArgument("tensors", "names of tensor formats", "\"" + name + "\"");
}

nvinfer1::ITensor* Find(const nvinfer1::INetworkDefinition& network, const std::string& name) {
  const auto is_named = [&name](const nvinfer1::ITensor& tensor) {
    return tensor.getName() != nullptr && name == tensor.getName();
  };
  for (int i = 0; i < network.getNbInputs(); ++i) {
    if (is_named(*network.getInput(i))) return network.getInput(i);
  }
  for (int i = 0; i < network.getNbOutputs(); ++i) {
    if (is_named(*network.getOutput(i))) return network.getOutput(i);
  }
  return nullptr;
}

}  // namespace

void ApplyTensorRequests(const nvinfer1::INetworkDefinition& network,
                         const std::vector<trt::TensorRequest>& requests) {
  for (const trt::TensorRequest& request : requests) {
    nvinfer1::ITensor* tensor = Find(network, request.name);
    if (tensor == nullptr) {
      throw InvalidArgument("tensors", "names of the network's inputs and outputs",
                            "\"" + request.name + "\"");
    }
    const char* dtype = DTypeName(tensor->getType());
    if (!request.dtype.empty() && request.dtype != dtype) {
      // Networks are typed on every flavour: TensorRT itself refuses another type than the graph's.
      throw InvalidArgument("tensors[\"" + request.name + "\"].dtype",
                            std::string(dtype) +
                                ", the type that the ONNX graph gives this tensor (change it with "
                                "a Cast in the graph or the option precision)",
                            "\"" + request.dtype + "\"");
    }
    if (request.formats.empty()) continue;
    nvinfer1::TensorFormats mask = 0;
    for (const std::string& format : request.formats) mask |= Bit(format);
    tensor->setAllowedFormats(mask);
    if (tensor->getAllowedFormats() != mask) {
      throw Error(ErrorCode::kEngineBuild,
                  "TensorRT did not take the formats of tensor \"" + request.name + "\"",
                  Logger::Get().Errors());
    }
  }
}

}  // namespace tensorrt_node::TRT_FLAVOR
