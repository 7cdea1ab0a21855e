#include "cpu/cpu_session.h"

#include "cpu/cpu_run.h"
#include "cpu/exit_guard.h"

namespace tensorrt_node {
namespace {

/// Marks the options through which a load can be cancelled, for as long as they live.
class LoadingScope {
 public:
  LoadingScope(std::mutex& mutex, ort::SessionOptions*& slot, ort::SessionOptions* options)
      : mutex_(mutex), slot_(slot) {
    const std::lock_guard<std::mutex> lock(mutex_);
    slot_ = options;
  }
  ~LoadingScope() {
    const std::lock_guard<std::mutex> lock(mutex_);
    slot_ = nullptr;
  }
  LoadingScope(const LoadingScope&) = delete;
  LoadingScope& operator=(const LoadingScope&) = delete;

 private:
  std::mutex& mutex_;
  ort::SessionOptions*& slot_;
};

}  // namespace

std::shared_ptr<CpuSession> CpuSession::New(CpuSessionOptions options) {
  return {new CpuSession(std::move(options)), EndInBackground};
}

CpuSession::CpuSession(CpuSessionOptions options)
    : options_(std::move(options)),
      pool_(options_.concurrency, 0, "tn-cpu", ThreadPool::kComputeNiceness) {}

CpuSession::~CpuSession() {
  pool_.Stop();
  if (session_ == nullptr) return;
  const EngineStay stay;
  if (!stay) return;
  runtime_->api().ReleaseSession(session_);
  ReturnFreeMemory();
}

void CpuSession::Load(const std::string& library, const ModelSource& model) {
  const EngineStay stay([this] { CancelLoad(); });
  if (!stay) throw Error(ErrorCode::kDisposed, "The process is ending");
  runtime_ = &OrtRuntime::Load(library);
  const ort::Api& api = runtime_->api();
  ort::SessionOptions* raw = nullptr;
  runtime_->Check(api.CreateSessionOptions(&raw), OrtStage::kSetUp);
  const OrtOwner<ort::SessionOptions> options(raw, api.ReleaseSessionOptions);
  Configure(raw);
  {
    const LoadingScope scope(load_mutex_, loading_, raw);
    {
      const std::lock_guard<std::mutex> lock(load_mutex_);
      if (load_cancelled_) throw Error(ErrorCode::kDisposed, "Loading was cancelled");
    }
    ort::Status* status =
        model.path.empty() ? api.CreateSessionFromArray(runtime_->env(), model.bytes.data,
                                                        model.bytes.size, raw, &session_)
                           : api.CreateSession(runtime_->env(), model.path.c_str(), raw, &session_);
    runtime_->Check(status, OrtStage::kLoad);
  }
  EngineStay::Arm();
  ReturnFreeMemory();
  Describe();
}

void CpuSession::CancelLoad() noexcept {
  const std::lock_guard<std::mutex> lock(load_mutex_);
  load_cancelled_ = true;
  if (loading_ == nullptr || !runtime_->can_cancel_load()) return;
  ort::Status* status = runtime_->api().SetLoadCancellation(loading_);
  if (status != nullptr) runtime_->api().ReleaseStatus(status);
}

std::unique_ptr<EngineRun> CpuSession::NewRun(std::vector<std::string> feed_names,
                                              std::vector<CpuTensor> feeds,
                                              std::vector<std::string> fetch_names) {
  return std::make_unique<CpuRun>(shared_from_this(), std::move(feed_names), std::move(feeds),
                                  std::move(fetch_names));
}

void CpuSession::Configure(ort::SessionOptions* target) const {
  const ort::Api& api = runtime_->api();
  const auto check = [this](ort::Status* status) { runtime_->Check(status, OrtStage::kSetUp); };
  const auto entry = [&](const char* key, const char* value) {
    check(api.AddSessionConfigEntry(target, key, value));
  };
  check(api.SetIntraOpNumThreads(target, options_.intra_op_threads));
  check(api.SetInterOpNumThreads(target, options_.inter_op_threads));
  check(api.SetSessionExecutionMode(
      target, options_.parallel_execution ? ort::kParallel : ort::kSequential));
  check(api.SetSessionGraphOptimizationLevel(target, options_.graph_optimization_level));
  check(options_.cpu_memory_arena ? api.EnableCpuMemArena(target) : api.DisableCpuMemArena(target));
  check(options_.memory_pattern ? api.EnableMemPattern(target) : api.DisableMemPattern(target));
  entry("session.intra_op.allow_spinning", options_.spinning ? "1" : "0");
  entry("session.inter_op.allow_spinning", options_.spinning ? "1" : "0");
  for (const auto& [key, value] : options_.config) entry(key.c_str(), value.c_str());
}

void CpuSession::Describe() {
  const ort::Api& api = runtime_->api();
  ort::Allocator* allocator = runtime_->allocator();
  const auto check = [this](ort::Status* status) { runtime_->Check(status, OrtStage::kLoad); };

  const auto ports = [&](auto count_of, auto type_of, auto name_of,
                         std::vector<TensorDescription>& tensors,
                         std::vector<std::string>& others) {
    std::size_t count = 0;
    check(count_of(session_, &count));
    for (std::size_t i = 0; i < count; ++i) {
      char* text = nullptr;
      check(name_of(session_, i, allocator, &text));
      std::string name = runtime_->Take(text);
      ort::TypeInfo* raw = nullptr;
      check(type_of(session_, i, &raw));
      const OrtOwner<ort::TypeInfo> type(raw, api.ReleaseTypeInfo);
      const ort::TensorInfo* info = nullptr;
      check(api.CastTypeInfoToTensorInfo(raw, &info));
      if (info == nullptr) {
        others.push_back(std::move(name));
        continue;
      }
      tensors.push_back(DescribeTensor(info));
      tensors.back().name = std::move(name);
    }
  };
  std::vector<std::string> other_inputs;
  ports(api.SessionGetInputCount, api.SessionGetInputTypeInfo, api.SessionGetInputName,
        description_.inputs, other_inputs);
  ports(api.SessionGetOutputCount, api.SessionGetOutputTypeInfo, api.SessionGetOutputName,
        description_.outputs, description_.other_outputs);
  if (!other_inputs.empty()) {
    throw Error(ErrorCode::kUnsupportedModel,
                "Expected tensors as the model's inputs but " + other_inputs.front() + " is none");
  }

  ort::ModelMetadata* raw = nullptr;
  check(api.SessionGetModelMetadata(session_, &raw));
  const OrtOwner<ort::ModelMetadata> metadata(raw, api.ReleaseModelMetadata);
  char* text = nullptr;
  check(api.ModelMetadataGetProducerName(raw, allocator, &text));
  description_.producer = runtime_->Take(text);
  check(api.ModelMetadataGetGraphName(raw, allocator, &text));
  description_.graph_name = runtime_->Take(text);
  char** keys = nullptr;
  std::int64_t key_count = 0;
  check(api.ModelMetadataGetCustomMetadataMapKeys(raw, allocator, &keys, &key_count));
  for (std::int64_t i = 0; i < key_count; ++i) {
    std::string key = runtime_->Take(keys[i]);
    check(api.ModelMetadataLookupCustomMetadataMap(raw, allocator, key.c_str(), &text));
    description_.metadata.emplace_back(std::move(key), runtime_->Take(text));
  }
  if (keys != nullptr) check(api.AllocatorFree(allocator, static_cast<void*>(keys)));
}

TensorDescription CpuSession::DescribeTensor(const ort::TensorInfo* info) const {
  const ort::Api& api = runtime_->api();
  const auto check = [this](ort::Status* status) { runtime_->Check(status, OrtStage::kLoad); };
  TensorDescription description;
  check(api.GetTensorElementType(info, &description.element_type));
  std::size_t rank = 0;
  check(api.GetDimensionsCount(info, &rank));
  description.dims.resize(rank);
  std::vector<const char*> symbols(rank);
  if (rank != 0) {
    check(api.GetDimensions(info, description.dims.data(), rank));
    check(api.GetSymbolicDimensions(info, symbols.data(), rank));
  }
  for (const char* symbol : symbols)
    description.symbols.emplace_back(symbol != nullptr ? symbol : "");
  return description;
}

}  // namespace tensorrt_node
