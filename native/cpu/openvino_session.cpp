#include "cpu/openvino_session.h"

#include "cpu/exit_guard.h"
#include "cpu/openvino_run.h"

namespace tensorrt_node {
namespace {

/// The longest list of properties that can be handed over: the function takes them one by one.
constexpr std::size_t kMaxProperties = 16;

}  // namespace

std::shared_ptr<OpenVinoSession> OpenVinoSession::New(OpenVinoOptions options) {
  return {new OpenVinoSession(std::move(options)), EndInBackground};
}

OpenVinoSession::OpenVinoSession(OpenVinoOptions options)
    : options_(std::move(options)),
      pool_(options_.concurrency, 0, "tn-openvino", ThreadPool::kComputeNiceness) {}

OpenVinoSession::~OpenVinoSession() {
  pool_.Stop();
  if (compiled_ == nullptr) return;
  const EngineStay stay;
  if (!stay) return;
  for (openvino::InferRequest* request : free_requests_)
    runtime_->api().infer_request_free(request);
  for (const auto* ports : {&input_ports_, &output_ports_}) {
    for (openvino::Port* port : *ports) runtime_->api().output_const_port_free(port);
  }
  runtime_->api().compiled_model_free(compiled_);
  ReturnFreeMemory();
}

void OpenVinoSession::Load(const std::string& library, const ModelSource& model) {
  const EngineStay stay([this] { CancelLoad(); });
  if (!stay) throw Error(ErrorCode::kDisposed, "The process is ending");
  runtime_ = &OpenVinoRuntime::Load(library);
  ThrowIfCancelled();
  {
    const OpenVinoOwner<openvino::Model> read = Read(model);
    ThrowIfCancelled();
    Compile(read.get());
  }
  const openvino::Api& api = runtime_->api();
  for (std::size_t i = 0; i < options_.concurrency; ++i) {
    ThrowIfCancelled();
    openvino::InferRequest* request = nullptr;
    runtime_->Check(api.compiled_model_create_infer_request(compiled_, &request),
                    ErrorCode::kUnsupportedModel, "preparing a run");
    free_requests_.push_back(request);
  }
  EngineStay::Arm();
  ReturnFreeMemory();
  const auto describe = [&](const std::vector<std::string>& names, auto find,
                            std::vector<openvino::Port*>& ports,
                            std::vector<TensorDescription>& descriptions) {
    for (const std::string& name : names) {
      openvino::Port* port = nullptr;
      runtime_->Check(find(compiled_, name.c_str(), &port), ErrorCode::kUnsupportedModel,
                      "the model's inputs and outputs");
      ports.push_back(port);
      descriptions.push_back(Describe(name, port));
    }
  };
  describe(options_.inputs, api.compiled_model_input_by_name, input_ports_, description_.inputs);
  describe(options_.outputs, api.compiled_model_output_by_name, output_ports_,
           description_.outputs);
}

OpenVinoOwner<openvino::Model> OpenVinoSession::Read(const ModelSource& model) const {
  const openvino::Api& api = runtime_->api();
  openvino::Model* raw = nullptr;
  const openvino::Status status =
      model.path.empty() ? api.core_read_model_from_memory_buffer(
                               runtime_->core(), reinterpret_cast<const char*>(model.bytes.data),
                               model.bytes.size, nullptr, &raw)
                         : api.core_read_model(runtime_->core(), model.path.c_str(), nullptr, &raw);
  runtime_->Check(status, ErrorCode::kUnsupportedModel, "reading the model");
  OpenVinoOwner<openvino::Model> owner(raw, api.model_free);
  std::size_t inputs = 0;
  runtime_->Check(api.model_inputs_size(raw, &inputs), ErrorCode::kUnsupportedModel, "its inputs");
  if (inputs != options_.inputs.size()) {
    throw Error(ErrorCode::kUnsupportedModel, "Expected " + std::to_string(options_.inputs.size()) +
                                                  " inputs but OpenVINO made " +
                                                  std::to_string(inputs) + " of the model");
  }
  return owner;
}

void OpenVinoSession::Compile(const openvino::Model* model) {
  std::vector<std::pair<std::string, std::string>> properties = {
      {"INFERENCE_PRECISION_HINT", options_.precision},
      {"NUM_STREAMS", std::to_string(options_.concurrency)},
      // Threads that are bound to cores get in the way of everything else that runs here.
      {"ENABLE_CPU_PINNING", "NO"},
  };
  if (options_.threads_per_run > 0) {
    const auto threads = options_.concurrency * static_cast<std::size_t>(options_.threads_per_run);
    properties.emplace_back("INFERENCE_NUM_THREADS", std::to_string(threads));
  }
  for (const auto& property : options_.properties) properties.push_back(property);
  if (properties.size() > kMaxProperties) {
    throw InvalidArgument("config", "at most 12 entries",
                          std::to_string(options_.properties.size()));
  }
  const char* s[2 * kMaxProperties] = {};
  for (std::size_t i = 0; i < properties.size(); ++i) {
    s[2 * i] = properties[i].first.c_str();
    s[2 * i + 1] = properties[i].second.c_str();
  }
  // The callee reads as many strings as it is told and ignores the rest.
  runtime_->Check(runtime_->api().core_compile_model(
                      runtime_->core(), model, "CPU", 2 * properties.size(), &compiled_, s[0], s[1],
                      s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13],
                      s[14], s[15], s[16], s[17], s[18], s[19], s[20], s[21], s[22], s[23], s[24],
                      s[25], s[26], s[27], s[28], s[29], s[30], s[31]),
                  ErrorCode::kUnsupportedModel, "compiling the model");
  char* used = nullptr;
  if (runtime_->api().compiled_model_get_property(compiled_, "INFERENCE_PRECISION_HINT", &used) ==
          openvino::kOk &&
      used != nullptr) {
    options_.precision = used;
    runtime_->api().free(used);
  }
}

TensorDescription OpenVinoSession::Describe(const std::string& name,
                                            const openvino::Port* port) const {
  const openvino::Api& api = runtime_->api();
  const auto check = [this](openvino::Status status) {
    runtime_->Check(status, ErrorCode::kUnsupportedModel, "the model's inputs and outputs");
  };
  TensorDescription description;
  description.name = name;
  int type = -1;
  check(api.port_get_element_type(port, &type));
  description.element_type = runtime_->OnnxOfType(type);
  if (description.element_type < 0) {
    throw Error(ErrorCode::kUnsupportedModel,
                "Expected an element type that the OpenVINO engine can hand over for " + name +
                    ", which strings are not");
  }
  openvino::PartialShape shape{};
  check(api.port_get_partial_shape(port, &shape));
  if (shape.rank.min == shape.rank.max) {
    for (std::int64_t i = 0; i < shape.rank.min; ++i) {
      const openvino::Range& dim = shape.dims[i];
      description.dims.push_back(dim.min == dim.max ? dim.min : -1);
    }
  } else {
    description.dims.push_back(-1);
    description.rank_is_free = true;
  }
  description.symbols.resize(description.dims.size());
  api.partial_shape_free(&shape);
  return description;
}

void OpenVinoSession::ThrowIfCancelled() const {
  if (load_cancelled_.load()) throw Error(ErrorCode::kDisposed, "Loading was cancelled");
}

std::unique_ptr<EngineRun> OpenVinoSession::NewRun(std::vector<std::string> feed_names,
                                                   std::vector<CpuTensor> feeds,
                                                   std::vector<std::string> fetch_names) {
  return std::make_unique<OpenVinoRun>(shared_from_this(), std::move(feed_names), std::move(feeds),
                                       std::move(fetch_names));
}

openvino::InferRequest* OpenVinoSession::Acquire() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (free_requests_.empty()) throw Error(ErrorCode::kInternal, "No request is free");
  openvino::InferRequest* request = free_requests_.back();
  free_requests_.pop_back();
  return request;
}

void OpenVinoSession::Release(openvino::InferRequest* request) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_requests_.push_back(request);
}

}  // namespace tensorrt_node
