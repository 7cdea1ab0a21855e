// What is asked of an engine or of the parser besides a build, free of NVIDIA's types. Plain views
// without inline functions, so that no flavour emits a copy of one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tensorrt_node::trt {

/// A serialised engine, without any metadata before it.
struct PlanView {
  const std::uint8_t* data;
  std::size_t size;
  /// Lets a version-compatible engine bring its own runtime, which is code that runs on the host.
  bool allow_host_code;
};

/// New values of one weight, in host memory that lives during the call.
struct NamedWeights {
  const char* name;
  /// A name of src/tensor/dtype.ts.
  const char* dtype;
  const std::uint8_t* data;
  std::int64_t count;
};

/// Where the new weights come from: an ONNX file, or `weights`.
struct RefitSource {
  /// Null for named weights.
  const char* model_path;
  const NamedWeights* weights;
  std::size_t weight_count;
  /// A stripped engine stays refittable once its weights are in.
  bool keep_refittable;
};

}  // namespace tensorrt_node::trt
