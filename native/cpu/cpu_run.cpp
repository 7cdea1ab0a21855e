#include "cpu/cpu_run.h"

#include <cstring>
#include <utility>

#include "cpu/element_type.h"
#include "cpu/exit_guard.h"

namespace tensorrt_node {
namespace {

ort::RunOptions* NewRunOptions(const OrtRuntime& runtime) {
  ort::RunOptions* options = nullptr;
  runtime.Check(runtime.api().CreateRunOptions(&options), OrtStage::kRun);
  return options;
}

std::vector<const char*> Pointers(const std::vector<std::string>& names) {
  std::vector<const char*> pointers;
  pointers.reserve(names.size());
  for (const std::string& name : names) pointers.push_back(name.c_str());
  return pointers;
}

}  // namespace

CpuRun::CpuRun(std::shared_ptr<CpuSession> session, std::vector<std::string> feed_names,
               std::vector<CpuTensor> feeds, std::vector<std::string> fetch_names)
    : session_(std::move(session)),
      feed_names_(std::move(feed_names)),
      feeds_(std::move(feeds)),
      fetch_names_(std::move(fetch_names)),
      options_(NewRunOptions(session_->runtime()), session_->runtime().api().ReleaseRunOptions) {
  for (std::size_t i = 0; i < feeds_.size(); ++i) CheckFeed(feed_names_[i], feeds_[i]);
}

std::vector<CpuTensor> CpuRun::Execute() {
  const EngineStay stay([this] { Cancel(); });
  if (cancelled_.load() || !stay) throw Error(ErrorCode::kDisposed, "The run was cancelled");
  const OrtRuntime& runtime = session_->runtime();
  const ort::Api& api = runtime.api();

  std::vector<OrtOwner<ort::Value>> inputs;
  std::vector<const ort::Value*> input_pointers;
  for (const CpuTensor& feed : feeds_) {
    inputs.push_back(ToValue(feed));
    input_pointers.push_back(inputs.back().get());
  }
  const std::vector<const char*> input_names = Pointers(feed_names_);
  const std::vector<const char*> output_names = Pointers(fetch_names_);
  std::vector<ort::Value*> raw_outputs(fetch_names_.size(), nullptr);
  ort::Status* status =
      api.Run(session_->handle(), options_.get(), input_names.data(), input_pointers.data(),
              inputs.size(), output_names.data(), raw_outputs.size(), raw_outputs.data());
  std::vector<std::shared_ptr<ort::Value>> values;
  values.reserve(raw_outputs.size());
  for (ort::Value* value : raw_outputs) values.emplace_back(value, api.ReleaseValue);
  if (status != nullptr && cancelled_.load()) {
    api.ReleaseStatus(status);
    throw Error(ErrorCode::kDisposed, "The run was cancelled");
  }
  runtime.Check(status, OrtStage::kRun);

  std::vector<CpuTensor> outputs;
  outputs.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    outputs.push_back(FromValue(std::move(values[i]), fetch_names_[i]));
  }
  // The inputs' memory is of use to others before the JS thread gets to delete this object.
  inputs.clear();
  feeds_.clear();
  return outputs;
}

void CpuRun::Cancel() noexcept {
  cancelled_.store(true);
  const ort::Api& api = session_->runtime().api();
  ort::Status* status = api.RunOptionsSetTerminate(options_.get());
  if (status != nullptr) api.ReleaseStatus(status);
}

OrtOwner<ort::Value> CpuRun::ToValue(const CpuTensor& feed) const {
  const OrtRuntime& runtime = session_->runtime();
  const ort::Api& api = runtime.api();
  ort::Value* raw = nullptr;
  if (feed.element_type != kElementString) {
    // Counted when it was fed.
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access)
    const std::size_t bytes = ElementBytes(feed.element_type, ElementCount(feed.dims).value());
    runtime.Check(api.CreateTensorWithDataAsOrtValue(runtime.host_memory(), feed.data.data, bytes,
                                                     feed.dims.data(), feed.dims.size(),
                                                     feed.element_type, &raw),
                  OrtStage::kRun);
    return {raw, api.ReleaseValue};
  }
  runtime.Check(api.CreateTensorAsOrtValue(runtime.allocator(), feed.dims.data(), feed.dims.size(),
                                           feed.element_type, &raw),
                OrtStage::kRun);
  OrtOwner<ort::Value> value(raw, api.ReleaseValue);
  for (std::size_t i = 0; i < feed.strings.size(); ++i) {
    const std::string& text = feed.strings[i];
    char* target = nullptr;
    runtime.Check(api.GetResizedStringTensorElementBuffer(raw, i, text.size(), &target),
                  OrtStage::kRun);
    // The buffer has the text's length and no end mark.
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result)
    if (!text.empty()) std::memcpy(target, text.data(), text.size());
  }
  return value;
}

CpuTensor CpuRun::FromValue(std::shared_ptr<ort::Value> value, const std::string& name) const {
  const OrtRuntime& runtime = session_->runtime();
  const ort::Api& api = runtime.api();
  const auto check = [&](ort::Status* status) { runtime.Check(status, OrtStage::kRun); };
  int is_tensor = 0;
  int has_value = 0;
  check(api.HasValue(value.get(), &has_value));
  if (has_value != 0) check(api.IsTensor(value.get(), &is_tensor));
  if (is_tensor == 0) {
    throw Error(ErrorCode::kUnsupportedModel, "Expected a tensor as output " + name +
                                                  " but received a sequence, a map or nothing");
  }
  ort::TensorInfo* raw = nullptr;
  check(api.GetTensorTypeAndShape(value.get(), &raw));
  const OrtOwner<ort::TensorInfo> info(raw, api.ReleaseTensorInfo);
  CpuTensor tensor;
  check(api.GetTensorElementType(raw, &tensor.element_type));
  std::size_t rank = 0;
  check(api.GetDimensionsCount(raw, &rank));
  tensor.dims.resize(rank);
  if (rank != 0) check(api.GetDimensions(raw, tensor.dims.data(), rank));
  const std::size_t count = ElementCount(tensor.dims).value_or(0);
  if (tensor.element_type == kElementString) {
    tensor.strings = StringsOf(value.get(), count);
    return tensor;
  }
  const std::size_t size = ElementBytes(tensor.element_type, count);
  if (size == 0) {
    tensor.data = AllocateHostBuffer(0);
    return tensor;
  }
  void* data = nullptr;
  check(api.GetTensorMutableData(value.get(), &data));
  tensor.data.data = static_cast<std::uint8_t*>(data);
  tensor.data.size = size;
  if (LiesInFeed(tensor.data.data)) {
    // The model hands an input through: the value borrows our buffer, which goes with this run.
    const HostBuffer copy = AllocateHostBuffer(size);
    std::memcpy(copy.data, tensor.data.data, size);
    tensor.data = copy;
  } else {
    tensor.data.owner = std::move(value);
  }
  return tensor;
}

std::vector<std::string> CpuRun::StringsOf(const ort::Value* value, std::size_t count) const {
  std::vector<std::string> strings;
  if (count == 0) return strings;
  const OrtRuntime& runtime = session_->runtime();
  std::size_t size = 0;
  runtime.Check(runtime.api().GetStringTensorDataLength(value, &size), OrtStage::kRun);
  // One byte more, since the callee refuses a null buffer.
  std::string bytes(size + 1, '\0');
  std::vector<std::size_t> offsets(count);
  runtime.Check(
      runtime.api().GetStringTensorContent(value, bytes.data(), size, offsets.data(), count),
      OrtStage::kRun);
  strings.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = i + 1 < count ? offsets[i + 1] : size;
    strings.push_back(bytes.substr(offsets[i], end - offsets[i]));
  }
  return strings;
}

bool CpuRun::LiesInFeed(const std::uint8_t* data) const noexcept {
  for (const CpuTensor& feed : feeds_) {
    if (feed.data.data != nullptr && data >= feed.data.data &&
        data < feed.data.data + feed.data.size) {
      return true;
    }
  }
  return false;
}

}  // namespace tensorrt_node
