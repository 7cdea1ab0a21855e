#include "trt/flavor_check.h"

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <mutex>

#include "core/error.h"
#include "core/json_writer.h"
#include "core/mapped_file.h"
#include "trt/device_check.h"
#include "trt/flavor_logger.h"
#include "trt/flavor_network.h"
#include "trt/flavor_objects.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

void WriteErrors(JsonWriter& json, const nvonnxparser::IParser& parser) {
  json.BeginArray();
  for (int i = 0; i < parser.getNbErrors(); ++i) {
    const nvonnxparser::IParserError* error = parser.getError(i);
    if (error == nullptr) continue;
    const trt::ParserErrorView view = ViewOf(*error);
    json.BeginObject();
    json.Key("code");
    json.String(view.code_name);
    json.Key("reason");
    json.String(view.reason);
    json.Key("node");
    json.Number(view.node);
    json.Key("nodeName");
    json.String(view.node_name);
    json.Key("operator");
    json.String(view.node_operator);
    json.Key("function");
    json.String(view.function);
    json.EndObject();
  }
  json.EndArray();
}

void WriteSubgraphs(JsonWriter& json, nvonnxparser::IParser& parser) {
  json.BeginArray();
  for (std::int64_t i = 0; i < parser.getNbSubgraphs(); ++i) {
    std::int64_t count = 0;
    const std::int64_t* nodes = parser.getSubgraphNodes(i, count);
    json.BeginObject();
    json.Key("supported");
    json.Boolean(parser.isSubgraphSupported(i));
    json.Key("nodes");
    json.Numbers(nodes, nodes != nullptr ? static_cast<int>(count) : 0);
    json.EndObject();
  }
  json.EndArray();
}

void WriteTensor(JsonWriter& json, const nvinfer1::ITensor& tensor) {
  const nvinfer1::Dims dims = tensor.getDimensions();
  json.BeginObject();
  json.Key("name");
  json.String(tensor.getName());
  json.Key("dtype");
  json.String(DTypeName(tensor.getType()));
  json.Key("shape");
  json.Numbers(dims.d, dims.nbDims);
  json.EndObject();
}

}  // namespace

std::string CheckModel(const trt::Library& library, const std::string& model_path,
                       const std::vector<std::string>& operators, trt::BuildObserver& observer) {
  const std::lock_guard<std::mutex> lock(OneAtATime());
#ifndef TRT_FLAVOR_RTX1
  trt::RequireDevice();
#endif
  constexpr int kVerbose = 4;
  const Logger::Listen listen(observer, kVerbose);
  // Before the others, so that it ends after them: the parser keeps references into the bytes until
  // the network goes.
  const HostBuffer model = MapFile(model_path);
  const auto builder = CreateBuilder(library);
  const auto network =
      RequireObject(builder->createNetworkV2(NetworkFlags()), "a network", ErrorCode::kEngineBuild);
  const auto parser = CreateParser(library, *network);

  JsonWriter json;
  json.BeginObject();
  json.Key("operators");
  json.BeginObject();
  for (const std::string& name : operators) {
    json.Key(name.c_str());
    json.Boolean(parser->supportsOperator(name.c_str()));
  }
  json.EndObject();

  const bool supported = parser->supportsModelV2(model.data, model.size, model_path.c_str());
  json.Key("supported");
  json.Boolean(supported && parser->getNbErrors() == 0);
  json.Key("errors");
  WriteErrors(json, *parser);
  json.Key("subgraphs");
  WriteSubgraphs(json, *parser);
  json.Key("layers");
  json.Number(network->getNbLayers());
  json.Key("inputs");
  json.BeginArray();
  for (int i = 0; i < network->getNbInputs(); ++i) WriteTensor(json, *network->getInput(i));
  json.EndArray();
  json.Key("outputs");
  json.BeginArray();
  for (int i = 0; i < network->getNbOutputs(); ++i) WriteTensor(json, *network->getOutput(i));
  json.EndArray();
  json.EndObject();
  return json.Take();
}

}  // namespace tensorrt_node::TRT_FLAVOR
