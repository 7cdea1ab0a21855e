#include "trt/flavor_inspect.h"

#include <NvInfer.h>

#include <mutex>

#include "core/json_writer.h"
#include "trt/flavor_logger.h"
#include "trt/flavor_network.h"
#include "trt/flavor_objects.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

const char* CapabilityName(nvinfer1::EngineCapability value) noexcept {
  switch (value) {
    case nvinfer1::EngineCapability::kSTANDARD:
      return "standard";
    case nvinfer1::EngineCapability::kSAFETY:
      return "safety";
    case nvinfer1::EngineCapability::kDLA_STANDALONE:
      return "dla-standalone";
  }
  return "unknown";
}

const char* HardwareCompatibilityName(nvinfer1::HardwareCompatibilityLevel value) noexcept {
  switch (value) {
    case nvinfer1::HardwareCompatibilityLevel::kNONE:
      return "none";
    case nvinfer1::HardwareCompatibilityLevel::kAMPERE_PLUS:
      return "ampere+";
    case nvinfer1::HardwareCompatibilityLevel::kSAME_COMPUTE_CAPABILITY:
      return "same-compute-capability";
  }
  return "unknown";
}

const char* VerbosityName(nvinfer1::ProfilingVerbosity value) noexcept {
  switch (value) {
    case nvinfer1::ProfilingVerbosity::kNONE:
      return "none";
    case nvinfer1::ProfilingVerbosity::kLAYER_NAMES_ONLY:
      return "layer-names";
    case nvinfer1::ProfilingVerbosity::kDETAILED:
      return "detailed";
  }
  return "unknown";
}

void WriteProfileShapes(JsonWriter& json, const nvinfer1::ICudaEngine& engine, const char* name,
                        int profile) {
  using Selector = nvinfer1::OptProfileSelector;
  const auto write = [&](const char* key, Selector selector) {
    const nvinfer1::Dims dims = engine.getProfileShape(name, profile, selector);
    json.Key(key);
    json.Numbers(dims.d, dims.nbDims);
  };
  write("min", Selector::kMIN);
  write("opt", Selector::kOPT);
  write("max", Selector::kMAX);
}

void WriteTensor(JsonWriter& json, const nvinfer1::ICudaEngine& engine, const char* name) {
  const bool is_input = engine.getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT;
  const nvinfer1::Dims dims = engine.getTensorShape(name);
  json.BeginObject();
  json.Key("name");
  json.String(name);
  json.Key("mode");
  json.String(is_input ? "input" : "output");
  json.Key("dtype");
  json.String(DTypeName(engine.getTensorDataType(name)));
  json.Key("shape");
  json.Numbers(dims.d, dims.nbDims);
  json.Key("location");
  json.String(engine.getTensorLocation(name) == nvinfer1::TensorLocation::kHOST ? "host"
                                                                                : "device");
  json.Key("isShapeTensor");
  json.Boolean(engine.isShapeInferenceIO(name));
  json.Key("profiles");
  json.BeginArray();
  for (int profile = 0; profile < engine.getNbOptimizationProfiles(); ++profile) {
    json.BeginObject();
    if (is_input && !engine.isShapeInferenceIO(name)) {
      WriteProfileShapes(json, engine, name, profile);
    }
    json.Key("format");
    json.String(engine.getTensorFormatDesc(name, profile));
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

void WriteSizes(JsonWriter& json, const trt::Library& library,
                const nvinfer1::ICudaEngine& engine) {
  json.Key("deviceMemoryBytes");
  json.Number(engine.getDeviceMemorySizeV2());
  json.Key("deviceMemoryBytesByProfile");
  json.BeginArray();
  for (int profile = 0; profile < engine.getNbOptimizationProfiles(); ++profile) {
    json.Number(engine.getDeviceMemorySizeForProfileV2(profile));
  }
  json.EndArray();
  json.Key("streamableWeightsBytes");
  json.Number(engine.getStreamableWeightsSize());
  if (library.Has(trt::gates::kCudaEngineGetEngineStat)) {
    json.Key("weightsBytes");
    json.Number(engine.getEngineStat(nvinfer1::EngineStat::kTOTAL_WEIGHTS_SIZE));
    json.Key("strippedWeightsBytes");
    json.Number(engine.getEngineStat(nvinfer1::EngineStat::kSTRIPPED_WEIGHTS_SIZE));
  }
}

}  // namespace

std::string InspectEngine(const trt::Library& library, const trt::PlanView& plan,
                          trt::BuildObserver& observer) {
  const std::lock_guard<std::mutex> lock(OneAtATime());
  constexpr int kWarnings = 2;
  const Logger::Listen listen(observer, kWarnings);
  const LoadedEngine engine(library, plan);

  JsonWriter json;
  json.BeginObject();
  json.Key("name");
  json.String(engine->getName());
  json.Key("layers");
  json.Number(engine->getNbLayers());
  json.Key("profiles");
  json.Number(engine->getNbOptimizationProfiles());
  json.Key("auxStreams");
  json.Number(engine->getNbAuxStreams());
  json.Key("isRefittable");
  json.Boolean(engine->isRefittable());
  json.Key("capability");
  json.String(CapabilityName(engine->getEngineCapability()));
  json.Key("hardwareCompatibility");
  json.String(HardwareCompatibilityName(engine->getHardwareCompatibilityLevel()));
  json.Key("profilingVerbosity");
  json.String(VerbosityName(engine->getProfilingVerbosity()));
  WriteSizes(json, library, *engine);
  json.Key("tensors");
  json.BeginArray();
  for (int i = 0; i < engine->getNbIOTensors(); ++i) {
    WriteTensor(json, *engine, engine->getIOTensorName(i));
  }
  json.EndArray();
  const std::unique_ptr<nvinfer1::IEngineInspector> inspector(engine->createEngineInspector());
  json.Key("inspector");
  json.String(inspector != nullptr
                  ? inspector->getEngineInformation(nvinfer1::LayerInformationFormat::kJSON)
                  : nullptr);
  json.EndObject();
  return json.Take();
}

}  // namespace tensorrt_node::TRT_FLAVOR
