#include "trt/flavor_build.h"

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "trt/build.h"
#include "trt/device_check.h"
#include "trt/flavor_logger.h"
#include "trt/flavor_network.h"
#include "trt/flavor_objects.h"
#include "trt/flavor_profiles.h"
#include "trt/flavor_settings.h"
#include "trt/flavor_tensors.h"
#include "trt/flavor_timing_cache.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

class ProgressMonitor final : public nvinfer1::IProgressMonitor {
 public:
  explicit ProgressMonitor(trt::BuildObserver& observer) : observer_(observer) {}
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(); }

  void phaseStart(const char* phase, const char* parent, int32_t steps) noexcept override {
    observer_.OnPhaseStart(phase != nullptr ? phase : "", parent != nullptr ? parent : "", steps);
  }
  bool stepComplete(const char* phase, int32_t step) noexcept override {
    if (!observer_.OnStep(phase != nullptr ? phase : "", step)) cancelled_.store(true);
    return !cancelled_.load();
  }
  void phaseFinish(const char* phase) noexcept override {
    observer_.OnPhaseFinish(phase != nullptr ? phase : "");
  }

 private:
  trt::BuildObserver& observer_;
  std::atomic<bool> cancelled_{false};
};

[[noreturn]] void ThrowBuildFailure(bool cancelled) {
  if (cancelled) throw Error(ErrorCode::kEngineBuild, "The build was cancelled");
  // The first error is the cause; later ones, such as a spurious catchCudaError, follow from it.
  const std::vector<std::string> errors = Logger::Get().Errors();
  throw Error(ErrorCode::kEngineBuild,
              errors.empty() ? std::string("TensorRT did not build the engine and gave no reason")
                             : "TensorRT did not build the engine: " + errors.front(),
              errors);
}

}  // namespace

void BuildEngine(const trt::Library& library, const trt::BuildRequest& request,
                 trt::BuildObserver& observer) {
  // Builds share the logger and, inside the library, the GPU's clock for timing.
  const std::lock_guard<std::mutex> lock(OneAtATime());
#ifndef TRT_FLAVOR_RTX1
  trt::RequireDevice();
#endif
  const Logger::Listen listen(observer, request.max_severity);
  observer.OnStage(trt::Stage::kParse);

  TimingCaches timing_caches;
  constexpr ErrorCode code = ErrorCode::kEngineBuild;
  const auto builder = CreateBuilder(library);
  const auto network = RequireObject(builder->createNetworkV2(NetworkFlags()), "a network", code);
  const auto config =
      RequireObject(builder->createBuilderConfig(), "a builder configuration", code);
  ProgressMonitor monitor(observer);
  config->setProgressMonitor(&monitor);
  ApplyComputeCapabilities(*config, request.compute_capabilities);

  const auto parser = CreateParser(library, *network);
  ApplySettings({*builder, *config, *parser, library}, request.settings);
  ParseModel(*parser, request.model_path, observer);
  if (network->getNbOutputs() == 0) {
    // The parser takes any bytes that happen to be a protocol buffer for a model without a graph.
    throw Error(ErrorCode::kInvalidModel,
                network->getNbLayers() == 0
                    ? "The model holds no graph: it is no ONNX model or an empty one"
                    : "The model's graph has no output");
  }
  ReportTensors(*network, observer);
  ApplyTensorRequests(*network, request.tensors);
  AddProfiles(*builder, *config, *network, library, request);
  timing_caches.Load(*config, request.timing_cache);

  observer.OnStage(trt::Stage::kBuild);
  std::unique_ptr<nvinfer1::IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  if (plan == nullptr || plan->size() == 0) ThrowBuildFailure(monitor.cancelled());
  observer.OnStage(trt::Stage::kDone);
  timing_caches.Report(observer);
  const std::shared_ptr<nvinfer1::IHostMemory> owner(std::move(plan));
  observer.OnPlan(owner, static_cast<const std::uint8_t*>(owner->data()), owner->size());
}

}  // namespace tensorrt_node::TRT_FLAVOR
