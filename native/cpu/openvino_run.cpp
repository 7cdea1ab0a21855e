#include "cpu/openvino_run.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "cpu/element_type.h"
#include "cpu/exit_guard.h"

namespace tensorrt_node {

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
    : session_(std::move(session)),
      feed_names_(std::move(feed_names)),
      feeds_(std::move(feeds)),
      fetch_names_(std::move(fetch_names)) {
  for (std::size_t i = 0; i < feeds_.size(); ++i) CheckFeed(feed_names_[i], feeds_[i]);
  const std::vector<TensorDescription>& inputs = session_->description().inputs;
  for (const TensorDescription& input : inputs) {
    // A request keeps the tensors of its last run, so none may be left out.
    if (std::count(feed_names_.begin(), feed_names_.end(), input.name) != 1)
      throw InvalidArgument("feeds", "each input once", "a list without " + input.name);
  }
  if (feed_names_.size() != inputs.size()) {
    throw InvalidArgument("feeds", std::to_string(inputs.size()) + " inputs",
                          std::to_string(feed_names_.size()));
  }
}

std::vector<CpuTensor> OpenVinoRun::Execute() {
  const EngineStay stay([this] { Cancel(); });
  if (cancelled_.load() || !stay) throw Error(ErrorCode::kDisposed, "The run was cancelled");
  const OpenVinoRuntime& runtime = session_->runtime();
  const openvino::Api& api = runtime.api();
  const Request request(*this);

  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    const OpenVinoOwner<openvino::Tensor> tensor = Wrap(feeds_[i], feed_names_[i]);
    runtime.Check(api.infer_request_set_tensor(request.get(), feed_names_[i].c_str(), tensor.get()),
                  ErrorCode::kShapeMismatch, "taking an input");
  }
  std::map<std::string, CpuTensor> ready;
  for (const TensorDescription& output : session_->description().outputs) {
    const bool is_free =
        std::any_of(output.dims.begin(), output.dims.end(), [](auto dim) { return dim < 0; });
    if (is_free) continue;
    CpuTensor tensor;
    tensor.element_type = output.element_type;
    tensor.dims = output.dims;
    tensor.data =
        AllocateHostBuffer(ElementBytes(output.element_type, ElementCount(output.dims).value()));
    runtime.Check(api.infer_request_set_tensor(request.get(), output.name.c_str(),
                                               Wrap(tensor, output.name).get()),
                  ErrorCode::kInference, "taking memory for an output");
    ready.emplace(output.name, std::move(tensor));
  }

  const openvino::Status status = api.infer_request_infer(request.get());
  if (status != openvino::kOk && cancelled_.load())
    throw Error(ErrorCode::kDisposed, "The run was cancelled");
  runtime.Check(status, ErrorCode::kInference, "running the model");

  std::vector<CpuTensor> outputs;
  for (const std::string& name : fetch_names_) {
    const auto found = ready.find(name);
    outputs.push_back(found != ready.end() ? found->second : CopyOutput(request.get(), name));
  }
  // The inputs' memory is of use to others before the JS thread gets to delete this object.
  feeds_.clear();
  return outputs;
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

CpuTensor OpenVinoRun::CopyOutput(const openvino::InferRequest* request,
                                  const std::string& name) const {
  const OpenVinoRuntime& runtime = session_->runtime();
  const openvino::Api& api = runtime.api();
  const auto check = [&](openvino::Status status) {
    runtime.Check(status, ErrorCode::kInference, "reading an output");
  };
  openvino::Tensor* raw = nullptr;
  check(api.infer_request_get_tensor(request, name.c_str(), &raw));
  const OpenVinoOwner<openvino::Tensor> tensor(raw, api.tensor_free);
  CpuTensor output;
  int type = -1;
  check(api.tensor_get_element_type(raw, &type));
  output.element_type = runtime.OnnxOfType(type);
  openvino::Shape shape{};
  check(api.tensor_get_shape(raw, &shape));
  output.dims.assign(shape.dims, shape.dims + shape.rank);
  api.shape_free(&shape);
  std::size_t size = 0;
  check(api.tensor_get_byte_size(raw, &size));
  const std::size_t expected =
      ElementBytes(output.element_type, ElementCount(output.dims).value_or(0));
  if (size != expected) {
    throw Error(ErrorCode::kInference, "Expected " + std::to_string(expected) +
                                           " bytes of output " + name + " but received " +
                                           std::to_string(size));
  }
  output.data = AllocateHostBuffer(size);
  if (size != 0) {
    void* data = nullptr;
    check(api.tensor_data(raw, &data));
    std::memcpy(output.data.data, data, size);
  }
  return output;
}

}  // namespace tensorrt_node
