#include "trt/flavor_refit.h"

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/json_writer.h"
#include "trt/flavor_logger.h"
#include "trt/flavor_network.h"
#include "trt/flavor_objects.h"
#include "trt/version.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

constexpr int kWarnings = 2;

std::unique_ptr<nvinfer1::IRefitter> CreateRefitter(const trt::Library& library,
                                                    nvinfer1::ICudaEngine& engine) {
  if (!engine.isRefittable()) {
    throw Error(ErrorCode::kInvalidArgument,
                "The engine cannot be refitted: it was built without refittable or stripWeights");
  }
  Logger& logger = Logger::Get();
  return RequireObject(static_cast<nvinfer1::IRefitter*>(library.create_refitter()(
                           &engine, static_cast<nvinfer1::ILogger*>(&logger),
                           trt::PackedVersion(library.info().version))),
                       "a refitter", ErrorCode::kEngineBuild);
}

/// Asks first how many there are, as the library wants it.
template <typename Get>
std::vector<const char*> NamesOf(Get&& get) {
  const std::int32_t count = get(0, nullptr);
  std::vector<const char*> names(static_cast<std::size_t>(std::max(count, 0)), nullptr);
  if (!names.empty()) get(static_cast<std::int32_t>(names.size()), names.data());
  names.erase(std::remove(names.begin(), names.end(), nullptr), names.end());
  return names;
}

std::vector<const char*> AllNames(nvinfer1::IRefitter& refitter) {
  return NamesOf([&refitter](std::int32_t size, const char** names) {
    return refitter.getAllWeights(size, names);
  });
}

std::vector<const char*> MissingNames(nvinfer1::IRefitter& refitter) {
  return NamesOf([&refitter](std::int32_t size, const char** names) {
    return refitter.getMissingWeights(size, names);
  });
}

std::vector<std::string> Texts(const std::vector<const char*>& names) {
  return {names.begin(), names.end()};
}

[[noreturn]] void ThrowRefitFailure(const std::string& what) {
  const std::vector<std::string> errors = Logger::Get().Errors();
  throw Error(ErrorCode::kEngineBuild, what + (errors.empty() ? "" : ": " + errors.front()),
              errors);
}

void SetWeights(nvinfer1::IRefitter& refitter, const trt::NamedWeights& weights) {
  const std::string label = std::string("weights \"") + weights.name + "\"";
  const std::vector<const char*> known = AllNames(refitter);
  const bool exists = std::any_of(known.begin(), known.end(), [&weights](const char* name) {
    return std::strcmp(name, weights.name) == 0;
  });
  if (!exists) {
    throw InvalidArgument(label, "a name of the engine's weights, which weights() lists",
                          "one that it does not have");
  }
  const nvinfer1::Weights wanted = refitter.getWeightsPrototype(weights.name);
  const char* type = DTypeName(wanted.type);
  if (std::strcmp(type, weights.dtype) != 0 || wanted.count != weights.count) {
    throw InvalidArgument(label, std::to_string(wanted.count) + " values of " + type,
                          std::to_string(weights.count) + " of " + weights.dtype);
  }
  if (!refitter.setNamedWeights(weights.name, {wanted.type, weights.data, weights.count})) {
    ThrowRefitFailure("TensorRT refused the " + label);
  }
}

/// The refitter only borrows the weights: what this returns owns them and has to live until
/// refitCudaEngine() is done.
std::unique_ptr<nvonnxparser::IParserRefitter> SetWeightsOfModel(const trt::Library& library,
                                                                 nvinfer1::IRefitter& refitter,
                                                                 const char* model_path) {
  Logger& logger = Logger::Get();
  auto parser = RequireObject(
      static_cast<nvonnxparser::IParserRefitter*>(library.create_parser_refitter()(
          &refitter, static_cast<nvinfer1::ILogger*>(&logger), library.parser_version())),
      "an ONNX refitter", ErrorCode::kEngineBuild);
  if (parser->refitFromFile(model_path)) return parser;
  std::vector<std::string> details;
  for (std::int32_t i = 0; i < parser->getNbErrors(); ++i) {
    const nvonnxparser::IParserError* error = parser->getError(i);
    if (error != nullptr) details.push_back(ErrorSentence(ViewOf(*error)));
  }
  const std::vector<std::string> lines = logger.Errors();
  details.insert(details.end(), lines.begin(), lines.end());
  throw Error(ErrorCode::kEngineBuild,
              "TensorRT could not take the weights from the model" +
                  (details.empty() ? std::string() : ": " + details.front()),
              details);
}

std::shared_ptr<nvinfer1::IHostMemory> Serialize(const trt::Library& library,
                                                 nvinfer1::ICudaEngine& engine,
                                                 bool keep_refittable) {
  const auto config = RequireObject(engine.createSerializationConfig(),
                                    "a serialization configuration", ErrorCode::kEngineBuild);
  // A stripped engine would be written without its weights again.
  config->clearFlag(nvinfer1::SerializationFlag::kEXCLUDE_WEIGHTS);
  if (keep_refittable) {
    // The flag is younger than 10.3; it came with the function that this gate stands for.
    library.Need(trt::gates::kCudaEngineGetEngineStat, "An engine that stays refittable");
    config->setFlag(nvinfer1::SerializationFlag::kINCLUDE_REFIT);
  }
  std::shared_ptr<nvinfer1::IHostMemory> plan(engine.serializeWithConfig(*config));
  if (plan == nullptr || plan->size() == 0) {
    ThrowRefitFailure("TensorRT could not write the refitted engine");
  }
  return plan;
}

}  // namespace

std::string ListWeights(const trt::Library& library, const trt::PlanView& plan,
                        trt::BuildObserver& observer) {
  const std::lock_guard<std::mutex> lock(OneAtATime());
  const Logger::Listen listen(observer, kWarnings);
  const LoadedEngine engine(library, plan);
  const auto refitter = CreateRefitter(library, *engine);
  JsonWriter json;
  json.BeginObject();
  json.Key("weights");
  json.BeginArray();
  for (const char* name : AllNames(*refitter)) {
    const nvinfer1::Weights prototype = refitter->getWeightsPrototype(name);
    json.BeginObject();
    json.Key("name");
    json.String(name);
    json.Key("dtype");
    json.String(DTypeName(prototype.type));
    json.Key("count");
    json.Number(prototype.count);
    json.EndObject();
  }
  json.EndArray();
  json.Key("missing");
  json.BeginArray();
  for (const char* name : MissingNames(*refitter)) json.String(name);
  json.EndArray();
  json.EndObject();
  return json.Take();
}

void RefitEngine(const trt::Library& library, const trt::PlanView& plan,
                 const trt::RefitSource& source, trt::BuildObserver& observer) {
  const std::lock_guard<std::mutex> lock(OneAtATime());
  const Logger::Listen listen(observer, kWarnings);
  const LoadedEngine engine(library, plan);
  const auto refitter = CreateRefitter(library, *engine);
  std::unique_ptr<nvonnxparser::IParserRefitter> weights_of_model;
  if (source.model_path != nullptr) {
    weights_of_model = SetWeightsOfModel(library, *refitter, source.model_path);
  }
  for (std::size_t i = 0; i < source.weight_count; ++i) SetWeights(*refitter, source.weights[i]);
  // TensorRT wants all weights of a fused layer when one of them changes.
  const std::vector<const char*> missing = MissingNames(*refitter);
  if (!missing.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                std::to_string(missing.size()) +
                    " more weights are needed to refit the engine; the first is \"" + missing[0] +
                    "\"",
                Texts(missing));
  }
  if (!refitter->refitCudaEngine()) ThrowRefitFailure("TensorRT did not refit the engine");
  const auto refitted = Serialize(library, *engine, source.keep_refittable);
  observer.OnPlan(refitted, static_cast<const std::uint8_t*>(refitted->data()), refitted->size());
}

}  // namespace tensorrt_node::TRT_FLAVOR
