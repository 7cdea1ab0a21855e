// The part of OpenVINO's C API that this package calls, written from its documentation.
//
// The functions are found by name in a library opened at run time. Numbers of element types differ
// between versions and are asked of the library; see OpenVinoRuntime.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tensorrt_node::openvino {

struct Core;
struct Model;
struct CompiledModel;
struct InferRequest;
struct Tensor;
/// A view of an input or output that may not be changed.
struct Port;

using Status = int;
inline constexpr Status kOk = 0;
inline constexpr Status kInferCancelled = -13;

struct Version {
  const char* build_number;
  const char* description;
};
struct Shape {
  std::int64_t rank;
  std::int64_t* dims;
};
struct Range {
  std::int64_t min;
  std::int64_t max;
};
/// Dims are free where min and max differ, the rank too.
struct PartialShape {
  Range rank;
  Range* dims;
};

/// X(return type, name after `ov_`, parameters): those without which nothing works.
#define TN_OPENVINO_FUNCTIONS(X)                                                                  \
  X(Status, get_openvino_version, (Version*))                                                     \
  X(void, version_free, (Version*))                                                               \
  X(void, free, (const char*))                                                                    \
  X(Status, core_create, (Core**))                                                                \
  X(void, core_free, (Core*))                                                                     \
  X(Status, core_read_model, (const Core*, const char* path, const char* weights, Model**))       \
  X(Status, core_read_model_from_memory_buffer,                                                   \
    (const Core*, const char* data, std::size_t size, const Tensor* weights, Model**))            \
  X(Status, core_compile_model,                                                                   \
    (const Core*, const Model*, const char* device, std::size_t strings, CompiledModel**, ...))   \
  X(void, model_free, (Model*))                                                                   \
  X(Status, model_inputs_size, (const Model*, std::size_t*))                                      \
  X(Status, model_const_input_by_index, (const Model*, std::size_t, Port**))                      \
  X(Status, compiled_model_input_by_name, (const CompiledModel*, const char*, Port**))            \
  X(Status, compiled_model_output_by_name, (const CompiledModel*, const char*, Port**))           \
  X(Status, compiled_model_get_property, (const CompiledModel*, const char* key, char** value))   \
  X(Status, compiled_model_create_infer_request, (const CompiledModel*, InferRequest**))          \
  X(void, compiled_model_free, (CompiledModel*))                                                  \
  X(void, output_const_port_free, (Port*))                                                        \
  X(Status, port_get_element_type, (const Port*, int*))                                           \
  X(Status, port_get_partial_shape, (const Port*, PartialShape*))                                 \
  X(void, partial_shape_free, (PartialShape*))                                                    \
  X(Status, tensor_create_from_host_ptr, (int type, Shape, void*, Tensor**))                      \
  X(Status, tensor_get_element_type, (const Tensor*, int*))                                       \
  X(Status, tensor_get_shape, (const Tensor*, Shape*))                                            \
  X(Status, tensor_get_byte_size, (const Tensor*, std::size_t*))                                  \
  X(Status, tensor_data, (const Tensor*, void**))                                                 \
  X(Status, shape_free, (Shape*))                                                                 \
  X(void, tensor_free, (Tensor*))                                                                 \
  X(Status, infer_request_set_tensor_by_const_port, (InferRequest*, const Port*, const Tensor*))  \
  X(Status, infer_request_get_tensor_by_const_port, (const InferRequest*, const Port*, Tensor**)) \
  X(Status, infer_request_infer, (InferRequest*))                                                 \
  X(Status, infer_request_cancel, (InferRequest*))                                                \
  X(void, infer_request_free, (InferRequest*))

struct Api {
#define TN_OPENVINO_MEMBER(result, name, parameters) result(*name) parameters = nullptr;
  TN_OPENVINO_FUNCTIONS(TN_OPENVINO_MEMBER)
#undef TN_OPENVINO_MEMBER
  /// The last failure's text of any thread, to be freed by free(); null in versions without it.
  const char* (*get_last_err_msg)() = nullptr;
};

}  // namespace tensorrt_node::openvino
