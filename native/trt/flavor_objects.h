#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "trt/flavor_logger.h"
#include "trt/library.h"
#include "trt/tools.h"

namespace tensorrt_node::TRT_FLAVOR {

/// Held by whoever works with TensorRT: the logger has one listener at a time.
[[nodiscard]] std::mutex& OneAtATime();

/// Takes what a factory made, or throws Error(code) with TensorRT's own error line.
template <typename T>
std::unique_ptr<T> RequireObject(T* made, const char* what, ErrorCode code) {
  if (made != nullptr) return std::unique_ptr<T>(made);
  const std::vector<std::string> errors = Logger::Get().Errors();
  throw Error(code,
              std::string("TensorRT could not create ") + what +
                  (errors.empty() ? std::string() : ": " + errors.front()),
              errors);
}

/// A builder and a parser that log to Logger. Throw Error(kEngineBuild).
[[nodiscard]] std::unique_ptr<nvinfer1::IBuilder> CreateBuilder(const trt::Library& library);
[[nodiscard]] std::unique_ptr<nvonnxparser::IParser> CreateParser(
    const trt::Library& library, nvinfer1::INetworkDefinition& network);

/// An engine on the device, with the runtime that it must not outlive. Throws Error(kNoDevice)
/// before TensorRT is asked anything, Error(kEngineDeserialize) with TensorRT's reasons.
class LoadedEngine {
 public:
  LoadedEngine(const trt::Library& library, const trt::PlanView& plan);

  [[nodiscard]] nvinfer1::ICudaEngine& operator*() const noexcept { return *engine_; }
  [[nodiscard]] nvinfer1::ICudaEngine* operator->() const noexcept { return engine_.get(); }

 private:
  std::unique_ptr<nvinfer1::IRuntime> runtime_;
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
};

}  // namespace tensorrt_node::TRT_FLAVOR
