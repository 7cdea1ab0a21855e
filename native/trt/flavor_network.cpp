#include "trt/flavor_network.h"

#include "core/error.h"
#include "trt/flavor_logger.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

/// A text of the library may be null.
const char* OrEmpty(const char* text) noexcept { return text != nullptr ? text : ""; }

const char* ParserCodeName(nvonnxparser::ErrorCode code) noexcept {
  using Code = nvonnxparser::ErrorCode;
  switch (code) {
    case Code::kSUCCESS:
      return "SUCCESS";
    case Code::kINTERNAL_ERROR:
      return "INTERNAL_ERROR";
    case Code::kMEM_ALLOC_FAILED:
      return "MEM_ALLOC_FAILED";
    case Code::kMODEL_DESERIALIZE_FAILED:
      return "MODEL_DESERIALIZE_FAILED";
    case Code::kINVALID_VALUE:
      return "INVALID_VALUE";
    case Code::kINVALID_GRAPH:
      return "INVALID_GRAPH";
    case Code::kINVALID_NODE:
      return "INVALID_NODE";
    case Code::kUNSUPPORTED_GRAPH:
      return "UNSUPPORTED_GRAPH";
    case Code::kUNSUPPORTED_NODE:
      return "UNSUPPORTED_NODE";
    case Code::kUNSUPPORTED_NODE_ATTR:
      return "UNSUPPORTED_NODE_ATTR";
    case Code::kUNSUPPORTED_NODE_INPUT:
      return "UNSUPPORTED_NODE_INPUT";
    case Code::kUNSUPPORTED_NODE_DATATYPE:
      return "UNSUPPORTED_NODE_DATATYPE";
    case Code::kUNSUPPORTED_NODE_DYNAMIC:
      return "UNSUPPORTED_NODE_DYNAMIC";
    case Code::kUNSUPPORTED_NODE_SHAPE:
      return "UNSUPPORTED_NODE_SHAPE";
    case Code::kREFIT_FAILED:
      return "REFIT_FAILED";
  }
  return "UNKNOWN";
}

}  // namespace

trt::ParserErrorView ViewOf(const nvonnxparser::IParserError& error) noexcept {
  return {static_cast<int>(error.code()),
          ParserCodeName(error.code()),
          OrEmpty(error.desc()),
          error.node(),
          OrEmpty(error.nodeName()),
          OrEmpty(error.nodeOperator()),
          OrEmpty(error.func()),
          OrEmpty(error.file()),
          error.line()};
}

std::string ErrorSentence(const trt::ParserErrorView& error) {
  std::string text;
  if (error.node >= 0) {
    text = "node " + std::to_string(error.node);
    if (error.node_name[0] != '\0') text += std::string(" \"") + error.node_name + "\"";
    if (error.node_operator[0] != '\0') text += std::string(" (") + error.node_operator + ")";
    text += ": ";
  }
  text += error.reason[0] != '\0' ? error.reason : "no reason given";
  return text + " [" + error.code_name + "]";
}

nvinfer1::NetworkDefinitionCreationFlags NetworkFlags() noexcept {
#ifdef TRT_FLAVOR_TRT10
  // The other flavours know typed networks only.
  return 1U << static_cast<std::uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
#else
  return 0;
#endif
}

void ParseModel(nvonnxparser::IParser& parser, const std::string& path,
                trt::BuildObserver& observer) {
  const bool parsed =
      parser.parseFromFile(path.c_str(), static_cast<int>(nvinfer1::ILogger::Severity::kVERBOSE));
  const int count = parser.getNbErrors();
  if (parsed && count == 0) return;
  std::vector<std::string> details;
  bool is_onnx = true;
  for (int i = 0; i < count; ++i) {
    const nvonnxparser::IParserError* error = parser.getError(i);
    if (error == nullptr) continue;
    const trt::ParserErrorView view = ViewOf(*error);
    observer.OnParserError(view);
    is_onnx = is_onnx && error->code() != nvonnxparser::ErrorCode::kMODEL_DESERIALIZE_FAILED;
    details.push_back(ErrorSentence(view));
  }
  const std::string first = details.empty() ? std::string() : ": " + details.front();
  const std::string more =
      details.size() > 1 ? " (and " + std::to_string(details.size() - 1) + " more)" : std::string();
  const std::vector<std::string> lines = Logger::Get().Errors();
  details.insert(details.end(), lines.begin(), lines.end());
  throw Error(is_onnx ? ErrorCode::kEngineBuild : ErrorCode::kInvalidModel,
              "TensorRT could not parse the model" +
                  (first.empty() && !lines.empty() ? ": " + lines.front() : first) + more,
              details);
}

void ReportTensors(const nvinfer1::INetworkDefinition& network, trt::BuildObserver& observer) {
  const auto report = [&observer](const nvinfer1::ITensor& tensor, bool is_input) {
    const nvinfer1::Dims dims = tensor.getDimensions();
    observer.OnTensor(
        {OrEmpty(tensor.getName()), is_input, DTypeName(tensor.getType()), dims.d, dims.nbDims});
  };
  for (int i = 0; i < network.getNbInputs(); ++i) report(*network.getInput(i), true);
  for (int i = 0; i < network.getNbOutputs(); ++i) report(*network.getOutput(i), false);
}

const char* DTypeName(nvinfer1::DataType type) noexcept {
  using Type = nvinfer1::DataType;
  switch (type) {
    case Type::kFLOAT:
      return "float32";
    case Type::kHALF:
      return "float16";
    case Type::kINT8:
      return "int8";
    case Type::kINT32:
      return "int32";
    case Type::kBOOL:
      return "bool";
    case Type::kUINT8:
      return "uint8";
    case Type::kFP8:
      return "float8e4m3fn";
    case Type::kBF16:
      return "bfloat16";
    case Type::kINT64:
      return "int64";
    case Type::kINT4:
      return "int4";
    case Type::kFP4:
      return "float4e2m1";
    case Type::kE8M0:
      return "float8e8m0";
  }
  return "unknown";
}

}  // namespace tensorrt_node::TRT_FLAVOR
