#include "trt/flavor_objects.h"

#include "trt/device_check.h"
#include "trt/version.h"

namespace tensorrt_node::TRT_FLAVOR {

std::mutex& OneAtATime() {
  static std::mutex mutex;
  return mutex;
}

std::unique_ptr<nvinfer1::IBuilder> CreateBuilder(const trt::Library& library) {
  return RequireObject(static_cast<nvinfer1::IBuilder*>(
                           library.create_builder()(static_cast<nvinfer1::ILogger*>(&Logger::Get()),
                                                    trt::PackedVersion(library.info().version))),
                       "a builder", ErrorCode::kEngineBuild);
}

std::unique_ptr<nvonnxparser::IParser> CreateParser(const trt::Library& library,
                                                    nvinfer1::INetworkDefinition& network) {
  return RequireObject(
      static_cast<nvonnxparser::IParser*>(library.create_parser()(
          &network, static_cast<nvinfer1::ILogger*>(&Logger::Get()), library.parser_version())),
      "an ONNX parser", ErrorCode::kEngineBuild);
}

LoadedEngine::LoadedEngine(const trt::Library& library, const trt::PlanView& plan) {
  // Without a driver the factory may answer a pointer to nothing.
  trt::RequireDevice();
  Logger& logger = Logger::Get();
  runtime_ = RequireObject(
      static_cast<nvinfer1::IRuntime*>(library.create_runtime()(
          static_cast<nvinfer1::ILogger*>(&logger), trt::PackedVersion(library.info().version))),
      "a runtime", ErrorCode::kEngineDeserialize);
  runtime_->setEngineHostCodeAllowed(plan.allow_host_code);
  engine_.reset(runtime_->deserializeCudaEngine(plan.data, plan.size));
  if (engine_ == nullptr) {
    // The first line is the cause; later ones follow from it.
    const std::vector<std::string> errors = logger.Errors();
    throw Error(ErrorCode::kEngineDeserialize,
                errors.empty() ? std::string("TensorRT could not load the engine")
                               : "TensorRT could not load the engine: " + errors.front(),
                errors);
  }
}

}  // namespace tensorrt_node::TRT_FLAVOR
