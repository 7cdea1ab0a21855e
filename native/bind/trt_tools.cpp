#include "bind/trt_tools.h"

#include <unistd.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/handle.h"
#include "bind/task.h"
#include "core/host_buffer.h"
#include "core/mapped_file.h"
#include "core/thread_pool.h"
#include "trt/backend.h"
#include "trt/device_check.h"
#include "trt/library.h"

namespace tensorrt_node::bind {
namespace {

using BufferHandle = Handle<HostBuffer>;

/// Never destroyed: see ThreadPool::Shared().
ThreadPool& ToolThread() {
  static auto* pool = new ThreadPool(1, 0, "tn-tools");
  return *pool;
}

/// Keeps warnings and errors, and the plan of a refit. The parser's announcement of each node goes
/// to stderr at once, so that the parent knows the last one should the parser end the process.
class Listener final : public trt::BuildObserver {
 public:
  void OnLog(int severity, const char* message) noexcept override {
    try {
      const std::string text = message;
      if (severity >= 4) {
        if (text.find("arsing node: ") == std::string::npos) return;
        const std::string line = text + "\n";
        // Whether the parent still listens makes no difference here.
        const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
        static_cast<void>(written);
        return;
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      constexpr std::size_t kMaxLines = 200;
      auto& lines = severity <= 1 ? errors_ : warnings_;
      if (severity <= 2 && lines.size() < kMaxLines) lines.push_back(text);
    } catch (...) {
      // Out of memory for a line: the line is lost.
    }
  }
  void OnPhaseStart(const char* /*phase*/, const char* /*parent*/,
                    int /*steps*/) noexcept override {}
  bool OnStep(const char* /*phase*/, int /*step*/) noexcept override { return true; }
  void OnPhaseFinish(const char* /*phase*/) noexcept override {}
  void OnWarning() noexcept override {}
  void OnStage(trt::Stage /*stage*/) override {}
  void OnParserError(const trt::ParserErrorView& /*error*/) override {}
  void OnTensor(const trt::TensorView& /*tensor*/) override {}
  void OnPlan(std::shared_ptr<void> owner, const std::uint8_t* data, std::size_t size) override {
    // Read only from here on; HostBuffer has no const form.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    plan = {std::move(owner), const_cast<std::uint8_t*>(data), size};
  }

  [[nodiscard]] Napi::Array Warnings(Napi::Env env) { return Lines(env, warnings_); }
  [[nodiscard]] Napi::Array Errors(Napi::Env env) { return Lines(env, errors_); }

  HostBuffer plan;

 private:
  Napi::Array Lines(Napi::Env env, const std::vector<std::string>& lines) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Napi::Array result = Napi::Array::New(env, lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      result.Set(static_cast<std::uint32_t>(i), Napi::String::New(env, lines[i]));
    }
    return result;
  }

  std::mutex mutex_;
  std::vector<std::string> warnings_;
  std::vector<std::string> errors_;
};

struct Libraries {
  std::string library;
  std::string parser;
};

Libraries LibrariesOf(const Napi::Object& options) {
  return {StringOf(options.Get("libraryPath"), "libraryPath"),
          StringOf(options.Get("parserPath"), "parserPath")};
}

/// A task whose answer is a report in JSON with the lines that TensorRT logged meanwhile.
class ReportTask : public Task {
 public:
  explicit ReportTask(Libraries libraries) : libraries_(std::move(libraries)) {}
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("report", Napi::String::New(env, report_));
    result.Set("warnings", listener_.Warnings(env));
    result.Set("errors", listener_.Errors(env));
    return result;
  }

 protected:
  [[nodiscard]] std::shared_ptr<const trt::Library> Open(trt::Purpose purpose) const {
    return trt::Library::Open(libraries_.library, libraries_.parser, purpose);
  }

  Libraries libraries_;
  std::string report_;
  Listener listener_;
};

class CheckTask final : public ReportTask {
 public:
  CheckTask(Libraries libraries, std::string model, std::vector<std::string> operators)
      : ReportTask(std::move(libraries)),
        model_(std::move(model)),
        operators_(std::move(operators)) {}
  void Execute() override {
    const auto library = Open(trt::Purpose::kBuild);
    report_ =
        trt::RequireBackend(library->info().flavor).check(*library, model_, operators_, listener_);
  }

 private:
  std::string model_;
  std::vector<std::string> operators_;
};

/// The plan inside a plan file.
struct PlanPlace {
  std::string path;
  std::size_t offset = 0;
  bool allow_host_code = false;
};

PlanPlace PlanOf(const Napi::Object& options) {
  PlanPlace place;
  place.path = StringOf(options.Get("planPath"), "planPath");
  place.offset = SizeOf(options.Get("planOffset"), "planOffset");
  place.allow_host_code = BooleanOf(options.Get("allowHostCode"), "allowHostCode");
  return place;
}

trt::PlanView View(const HostBuffer& file, const PlanPlace& place) {
  if (place.offset >= file.size) {
    throw InvalidArgument("planOffset", "a place inside of the file", std::to_string(place.offset));
  }
  return {file.data + place.offset, file.size - place.offset, place.allow_host_code};
}

using Report = std::string (*)(const trt::Library&, const trt::PlanView&, trt::BuildObserver&);

class EngineTask final : public ReportTask {
 public:
  EngineTask(Libraries libraries, PlanPlace place, Report trt::Backend::* report)
      : ReportTask(std::move(libraries)), place_(std::move(place)), function_(report) {}
  void Execute() override {
    trt::RequireDevice();
    const HostBuffer file = MapFile(place_.path);
    const auto library = Open(trt::Purpose::kRun);
    const trt::Backend& backend = trt::RequireBackend(library->info().flavor);
    report_ = (backend.*function_)(*library, View(file, place_), listener_);
  }

 private:
  PlanPlace place_;
  Report trt::Backend::* function_;
};

struct WeightPlace {
  std::string name;
  std::string dtype;
  std::size_t offset = 0;
  std::size_t bytes = 0;
  std::size_t count = 0;
};

class RefitTask final : public ReportTask {
 public:
  RefitTask(Libraries libraries, PlanPlace place, std::string model, std::string weights_path,
            std::vector<WeightPlace> weights, bool keep_refittable)
      : ReportTask(std::move(libraries)),
        place_(std::move(place)),
        model_(std::move(model)),
        weights_path_(std::move(weights_path)),
        weights_(std::move(weights)),
        keep_refittable_(keep_refittable) {}
  void Execute() override {
    trt::RequireDevice();
    const HostBuffer file = MapFile(place_.path);
    const HostBuffer values = weights_.empty() ? HostBuffer{} : MapFile(weights_path_);
    std::vector<trt::NamedWeights> named;
    for (const WeightPlace& weight : weights_) {
      if (weight.offset > values.size || weight.bytes > values.size - weight.offset) {
        throw InvalidArgument("weights", "values inside of the file", weight.name);
      }
      named.push_back({weight.name.c_str(), weight.dtype.c_str(), values.data + weight.offset,
                       static_cast<std::int64_t>(weight.count)});
    }
    const auto library = Open(trt::Purpose::kRun);
    const trt::RefitSource source{model_.empty() ? nullptr : model_.c_str(), named.data(),
                                  named.size(), keep_refittable_};
    trt::RequireBackend(library->info().flavor)
        .refit(*library, View(file, place_), source, listener_);
  }
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    const std::size_t size = listener_.plan.size;
    result.Set("byteLength", Napi::Number::New(env, static_cast<double>(size)));
    result.Set("plan", BufferHandle::New(env, std::make_shared<HostBuffer>(listener_.plan),
                                         static_cast<std::int64_t>(size)));
    result.Set("warnings", listener_.Warnings(env));
    return result;
  }

 private:
  PlanPlace place_;
  std::string model_;
  std::string weights_path_;
  std::vector<WeightPlace> weights_;
  bool keep_refittable_;
};

/// Bits of one element of a type that TensorRT takes weights of; 0 for others.
std::size_t BitsOf(const std::string& dtype) {
  static constexpr std::pair<const char*, std::size_t> table[] = {
      {"float32", 32}, {"float16", 16},   {"bfloat16", 16},   {"int8", 8},
      {"uint8", 8},    {"int32", 32},     {"int64", 64},      {"bool", 8},
      {"int4", 4},     {"float4e2m1", 4}, {"float8e4m3fn", 8}};
  for (const auto& [name, bits] : table) {
    if (dtype == name) return bits;
  }
  return 0;
}

std::vector<WeightPlace> WeightsOf(const Napi::Value& value) {
  const Napi::Array array = ArrayOf(value, "weights");
  std::vector<WeightPlace> weights;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Object item = ObjectOf(array.Get(i), "weights");
    WeightPlace weight;
    weight.name = StringOf(item.Get("name"), "name");
    weight.dtype = StringOf(item.Get("dtype"), "dtype");
    weight.offset = SizeOf(item.Get("offset"), "offset");
    weight.count = SizeOf(item.Get("count"), "count");
    const std::size_t bits = BitsOf(weight.dtype);
    // The library reads as many values as the count says: their bytes must be there.
    constexpr std::size_t kMaxCount = std::size_t{1} << 50;
    if (bits == 0 || weight.count > kMaxCount) {
      throw InvalidArgument("dtype", "a type that TensorRT has weights of", weight.dtype);
    }
    weight.bytes = (weight.count * bits + 7) / 8;
    weights.push_back(std::move(weight));
  }
  return weights;
}

Napi::Value StartEngineTask(const Napi::CallbackInfo& info, Report trt::Backend::* report) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object options = ObjectOf(info[0], "request");
    return StartTask(info.Env(),
                     std::make_unique<EngineTask>(LibrariesOf(options), PlanOf(options), report),
                     ToolThread());
  });
}

}  // namespace

Napi::Value TrtCheckModel(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object options = ObjectOf(info[0], "request");
    return StartTask(info.Env(),
                     std::make_unique<CheckTask>(LibrariesOf(options),
                                                 StringOf(options.Get("modelPath"), "modelPath"),
                                                 TextsOf(options.Get("operators"), "operators")),
                     ToolThread());
  });
}

Napi::Value TrtInspectEngine(const Napi::CallbackInfo& info) {
  return StartEngineTask(info, &trt::Backend::inspect);
}

Napi::Value TrtEngineWeights(const Napi::CallbackInfo& info) {
  return StartEngineTask(info, &trt::Backend::weights);
}

Napi::Value TrtRefit(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object options = ObjectOf(info[0], "request");
    return StartTask(
        info.Env(),
        std::make_unique<RefitTask>(
            LibrariesOf(options), PlanOf(options), StringOf(options.Get("modelPath"), "modelPath"),
            StringOf(options.Get("weightsPath"), "weightsPath"), WeightsOf(options.Get("weights")),
            BooleanOf(options.Get("keepRefittable"), "keepRefittable")),
        ToolThread());
  });
}

}  // namespace tensorrt_node::bind
