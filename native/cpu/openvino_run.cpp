#include "cpu/openvino_run.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cpu/element_type.h"
#include "cpu/exit_guard.h"

namespace tensorrt_node {
namespace {

std::size_t IndexOf(const std::vector<TensorDescription>& known, const std::string& name,
                    const char* label) {
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i].name == name) return i;
  }
  throw InvalidArgument(label, "names of the model's own", '"' + name + '"');
}

}  // namespace

/// Holds one of the session's requests and shows it to Cancel().
class OpenVinoRun::Request {
 public:
  explicit Request(OpenVinoRun& run) : run_(run), handle_(run.session_->Acquire()) {
    const std::lock_guard<std::mutex> lock(run_.mutex_);
    run_.running_ = handle_;
  }
  ~Request() {
    {
      const std::lock_guard<std::mutex> lock(run_.mutex_);
      run_.running_ = nullptr;
    }
    run_.session_->Release(handle_);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  [[nodiscard]] openvino::InferRequest* get() const noexcept { return handle_; }

 private:
  OpenVinoRun& run_;
  openvino::InferRequest* handle_;
};

OpenVinoRun::OpenVinoRun(std::shared_ptr<OpenVinoSession> session,
                         std::vector<std::string> feed_names, std::vector<CpuTensor> feeds,
                         std::vector<std::string> fetch_names)
    : session_(std::move(session)), feed_names_(std::move(feed_names)), feeds_(std::move(feeds)) {
  const ModelDescription& model = session_->description();
  for (std::size_t i = 0; i < feeds_.size(); ++i) CheckFeed(feed_names_[i], feeds_[i]);
  for (const TensorDescription& input : model.inputs) {
    // A request keeps the tensors of its last run, so none may be left out.
    if (std::count(feed_names_.begin(), feed_names_.end(), input.name) != 1)
      throw InvalidArgument("feeds", "each input once", "a list without " + input.name);
  }
  for (const std::string& name : feed_names_) IndexOf(model.inputs, name, "feeds");
  for (const std::string& name : fetch_names)
    fetches_.push_back(IndexOf(model.outputs, name, "fetches"));
}

std::vector<CpuTensor> OpenVinoRun::Execute() {
  const EngineStay stay([this] { Cancel(); });
  if (cancelled_.load() || !stay) throw Error(ErrorCode::kDisposed, "The run was cancelled");
  const Request request(*this);
  // Inputs last: where a model hands an input through, one tensor serves as both.
  const std::vector<CpuTensor> ready = SetOutputs(request.get());
  SetInputs(request.get());
  if (cancelled_.load()) throw Error(ErrorCode::kDisposed, "The run was cancelled");

  const OpenVinoRuntime& runtime = session_->runtime();
  const openvino::Status status = runtime.api().infer_request_infer(request.get());
  if (status != openvino::kOk && cancelled_.load())
    throw Error(ErrorCode::kDisposed, "The run was cancelled");
  runtime.Check(status, ErrorCode::kInference, "running the model");

  std::vector<CpuTensor> outputs;
  for (const std::size_t index : fetches_) {
    CpuTensor output = ReadOutput(request.get(), index, ready[index].data);
    outputs.push_back(std::move(output));
  }
  // The inputs' memory is of use to others before the JS thread gets to delete this object.
  feeds_.clear();
  return outputs;
}

void OpenVinoRun::SetInputs(openvino::InferRequest* request) const {
  const OpenVinoRuntime& runtime = session_->runtime();
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    const OpenVinoOwner<openvino::Tensor> tensor = Wrap(feeds_[i], feed_names_[i]);
    const std::size_t index = IndexOf(session_->description().inputs, feed_names_[i], "feeds");
    runtime.Check(runtime.api().infer_request_set_tensor_by_const_port(
                      request, session_->input_ports()[index], tensor.get()),
                  ErrorCode::kShapeMismatch, "taking an input");
  }
}

std::vector<CpuTensor> OpenVinoRun::SetOutputs(openvino::InferRequest* request) const {
  const OpenVinoRuntime& runtime = session_->runtime();
  const std::vector<TensorDescription>& outputs = session_->description().outputs;
  std::vector<CpuTensor> tensors(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorDescription& output = outputs[i];
    const bool is_free = std::any_of(output.dims.begin(), output.dims.end(),
                                     [](std::int64_t dim) { return dim < 0; });
    if (is_free) continue;
    tensors[i].element_type = output.element_type;
    tensors[i].dims = output.dims;
    tensors[i].data =
        AllocateHostBuffer(ElementBytes(output.element_type, ElementCount(output.dims).value()));
    runtime.Check(runtime.api().infer_request_set_tensor_by_const_port(
                      request, session_->output_ports()[i], Wrap(tensors[i], output.name).get()),
                  ErrorCode::kInference, "taking memory for an output");
  }
  return tensors;
}

void OpenVinoRun::Cancel() noexcept {
  cancelled_.store(true);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (running_ != nullptr) session_->runtime().api().infer_request_cancel(running_);
}

OpenVinoOwner<openvino::Tensor> OpenVinoRun::Wrap(const CpuTensor& tensor,
                                                  const std::string& name) const {
  const OpenVinoRuntime& runtime = session_->runtime();
  const int type = runtime.TypeOfOnnx(tensor.element_type);
  if (type < 0) {
    throw Error(ErrorCode::kShapeMismatch,
                "Expected an element type that OpenVINO knows for " + name);
  }
  std::vector<std::int64_t> dims = tensor.dims;
  openvino::Tensor* raw = nullptr;
  runtime.Check(
      runtime.api().tensor_create_from_host_ptr(
          type, {static_cast<std::int64_t>(dims.size()), dims.data()}, tensor.data.data, &raw),
      ErrorCode::kShapeMismatch, "describing a tensor");
  return {raw, runtime.api().tensor_free};
}

CpuTensor OpenVinoRun::ReadOutput(const openvino::InferRequest* request, std::size_t index,
                                  const HostBuffer& ours) const {
  const OpenVinoRuntime& runtime = session_->runtime();
  const openvino::Api& api = runtime.api();
  const auto check = [&](openvino::Status status) {
    runtime.Check(status, ErrorCode::kInference, "reading an output");
  };
  openvino::Tensor* raw = nullptr;
  check(api.infer_request_get_tensor_by_const_port(request, session_->output_ports()[index], &raw));
  const OpenVinoOwner<openvino::Tensor> tensor(raw, api.tensor_free);
  CpuTensor output;
  int type = -1;
  check(api.tensor_get_element_type(raw, &type));
  output.element_type = runtime.OnnxOfType(type);
  openvino::Shape shape{};
  if (ours) {
    output.dims = session_->description().outputs[index].dims;
  } else if (api.tensor_get_shape(raw, &shape) == openvino::kOk) {
    output.dims.assign(shape.dims, shape.dims + shape.rank);
    api.shape_free(&shape);
  }
  // Of a scalar the library cannot tell the shape; the size below proves that it was one.
  std::size_t size = 0;
  check(api.tensor_get_byte_size(raw, &size));
  const std::size_t expected =
      ElementBytes(output.element_type, ElementCount(output.dims).value_or(0));
  if (size != expected) {
    throw Error(ErrorCode::kInference, "Expected " + std::to_string(expected) +
                                           " bytes of output " +
                                           session_->description().outputs[index].name +
                                           " but received " + std::to_string(size));
  }
  void* data = nullptr;
  if (size != 0) check(api.tensor_data(raw, &data));
  if (ours && (size == 0 || data == ours.data)) {
    output.data = ours;
  } else {
    output.data = AllocateHostBuffer(size);
    if (size != 0) std::memcpy(output.data.data, data, size);
  }
  return output;
}

}  // namespace tensorrt_node
