#include "bind/trt_build.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/event_channel.h"
#include "bind/handle.h"
#include "bind/task.h"
#include "bind/trt_timing_cache.h"
#include "core/file.h"
#include "core/host_buffer.h"
#include "core/process_memory.h"
#include "core/thread_pool.h"
#include "trt/backend.h"
#include "trt/library.h"

namespace tensorrt_node::bind {
namespace {

using BufferHandle = Handle<HostBuffer>;

Napi::Object Tagged(Napi::Env env, const char* type) {
  Napi::Object event = Napi::Object::New(env);
  event.Set("type", Napi::String::New(env, type));
  return event;
}

struct Tensor {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> dims;
};

/// Turns the builder's reports into events for JS and keeps the result.
class Observer final : public trt::BuildObserver {
 public:
  explicit Observer(std::shared_ptr<EventChannel> events) : events_(std::move(events)) {}

  void OnLog(int severity, const char* message) noexcept override {
    Push([severity, text = std::string(message)](Napi::Env env) {
      static constexpr const char* levels[] = {"error", "error", "warn", "info", "verbose"};
      Napi::Object event = Tagged(env, "log");
      const bool known = severity >= 0 && severity < 5;
      event.Set("level", Napi::String::New(env, known ? levels[severity] : "info"));
      event.Set("message", Napi::String::New(env, text));
      return event;
    });
  }
  void OnLayers(const char* text) noexcept override {
    try {
      // The detailed form tells more than the short one, whichever comes last.
      if (layers.rfind("Layers:", 0) != 0) layers = text;
    } catch (...) {
      // Out of memory: the engine goes without them.
    }
  }
  void OnPhaseStart(const char* phase, const char* parent, int steps) noexcept override {
    Push([steps, name = std::string(phase), above = std::string(parent)](Napi::Env env) {
      Napi::Object event = Tagged(env, "phase-start");
      event.Set("phase", Napi::String::New(env, name));
      if (!above.empty()) event.Set("parent", Napi::String::New(env, above));
      event.Set("steps", Napi::Number::New(env, steps));
      return event;
    });
  }
  void OnWarning() noexcept override { warnings_.fetch_add(1, std::memory_order_relaxed); }
  void OnStage(trt::Stage stage) override {
    const auto index = static_cast<std::size_t>(stage);
    stage_times_[index] = std::chrono::steady_clock::now();
    cpu_times_[index] = std::clock();
    if (stage == trt::Stage::kParse) start_memory_ = ReadProcessMemory().resident;
    if (stage == trt::Stage::kDone) peak_memory_ = ReadProcessMemory().peak;
    // The start of loading is told in JS: most of it comes before this.
    if (stage == trt::Stage::kDone || stage == trt::Stage::kLoad) return;
    Push([index](Napi::Env env) {
      static constexpr const char* names[] = {"", "parse", "build"};
      Napi::Object event = Tagged(env, "stage");
      event.Set("stage", Napi::String::New(env, names[index]));
      return event;
    });
  }
  [[nodiscard]] Napi::Object Stats(Napi::Env env) const {
    const auto took = [this](trt::Stage stage) {
      const auto index = static_cast<std::size_t>(stage);
      const std::chrono::duration<double, std::milli> time =
          stage_times_[index + 1] - stage_times_[index];
      return time.count();
    };
    Napi::Object stats = Napi::Object::New(env);
    const auto set = [&](const char* name, double value) {
      stats.Set(name, Napi::Number::New(env, value));
    };
    set("loadMs", took(trt::Stage::kLoad));
    set("parseMs", took(trt::Stage::kParse));
    set("buildMs", took(trt::Stage::kBuild));
    const auto cpu_time = [this](trt::Stage stage) {
      return static_cast<double>(cpu_times_[static_cast<std::size_t>(stage)]);
    };
    set("cpuMs", (cpu_time(trt::Stage::kDone) - cpu_time(trt::Stage::kParse)) * 1000.0 /
                     static_cast<double>(CLOCKS_PER_SEC));
    set("warnings", warnings_.load());
    set("startMemoryBytes", static_cast<double>(start_memory_));
    set("peakMemoryBytes", static_cast<double>(peak_memory_));
    return stats;
  }
  bool OnStep(const char* phase, int step) noexcept override {
    Push([step, name = std::string(phase)](Napi::Env env) {
      Napi::Object event = Tagged(env, "step");
      event.Set("phase", Napi::String::New(env, name));
      event.Set("step", Napi::Number::New(env, step));
      return event;
    });
    return !cancelled_.load();
  }
  void OnPhaseFinish(const char* phase) noexcept override {
    Push([name = std::string(phase)](Napi::Env env) {
      Napi::Object event = Tagged(env, "phase-finish");
      event.Set("phase", Napi::String::New(env, name));
      return event;
    });
  }
  void OnParserError(const trt::ParserErrorView& error) override {
    Push([code = std::string(error.code_name), reason = std::string(error.reason),
          node = error.node, name = std::string(error.node_name),
          operation = std::string(error.node_operator),
          function = std::string(error.function)](Napi::Env env) {
      Napi::Object event = Tagged(env, "parser-error");
      event.Set("code", Napi::String::New(env, code));
      event.Set("reason", Napi::String::New(env, reason));
      event.Set("node", Napi::Number::New(env, node));
      event.Set("nodeName", Napi::String::New(env, name));
      event.Set("operator", Napi::String::New(env, operation));
      event.Set("function", Napi::String::New(env, function));
      return event;
    });
  }
  void OnTensor(const trt::TensorView& tensor) override {
    (tensor.is_input ? inputs : outputs)
        .push_back({tensor.name,
                    tensor.dtype,
                    {tensor.dims, tensor.dims + (tensor.rank > 0 ? tensor.rank : 0)}});
  }
  void OnTimingCache(const std::uint8_t* data, std::size_t size) override {
    timing_cache.assign(data, data + size);
  }
  void OnPlan(std::shared_ptr<void> owner, const std::uint8_t* data, std::size_t size) override {
    // Read only from here on; HostBuffer has no const form.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    plan = {std::move(owner), const_cast<std::uint8_t*>(data), size};
  }
  void Cancel() noexcept { cancelled_.store(true); }

  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  HostBuffer plan;
  /// Empty where the library told nothing.
  std::string layers;
  std::vector<std::uint8_t> timing_cache;

 private:
  template <typename Make>
  void Push(Make&& make) noexcept {
    try {
      events_->Push(std::forward<Make>(make));
    } catch (...) {
      // Out of memory for an event: the event is lost, the build goes on.
    }
  }

  std::shared_ptr<EventChannel> events_;
  std::atomic<bool> cancelled_{false};
  std::atomic<int> warnings_{0};
  std::array<std::chrono::steady_clock::time_point, 4> stage_times_{};
  /// Of all threads of the process.
  std::array<std::clock_t, 4> cpu_times_{};
  std::size_t start_memory_ = 0;
  std::size_t peak_memory_ = 0;
};

Napi::Array TensorArray(Napi::Env env, const std::vector<Tensor>& tensors) {
  Napi::Array result = Napi::Array::New(env, tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", Napi::String::New(env, tensors[i].name));
    item.Set("dtype", Napi::String::New(env, tensors[i].dtype));
    Napi::Array shape = Napi::Array::New(env, tensors[i].dims.size());
    for (std::size_t d = 0; d < tensors[i].dims.size(); ++d) {
      shape.Set(static_cast<std::uint32_t>(d),
                Napi::Number::New(env, static_cast<double>(tensors[i].dims[d])));
    }
    item.Set("shape", shape);
    result.Set(static_cast<std::uint32_t>(i), item);
  }
  return result;
}

class BuildTask final : public Task {
 public:
  BuildTask(std::string library_path, std::string parser_path, trt::BuildRequest request,
            std::shared_ptr<EventChannel> events)
      : library_path_(std::move(library_path)),
        parser_path_(std::move(parser_path)),
        request_(std::move(request)),
        events_(std::move(events)),
        observer_(events_) {}
  BuildTask(const BuildTask&) = delete;
  BuildTask& operator=(const BuildTask&) = delete;
  // Rule 2 of task.h puts this on the JS thread.
  ~BuildTask() override { events_->Close(); }

  void Execute() override {
    observer_.OnStage(trt::Stage::kLoad);
    const auto library = trt::Library::Open(library_path_, parser_path_, trt::Purpose::kBuild);
    trt::RequireBackend(library->info().flavor).build(*library, request_, observer_);
  }
  Napi::Value Result(Napi::Env env) override {
    events_->Drain(env);
    Napi::Object result = Napi::Object::New(env);
    result.Set("inputs", TensorArray(env, observer_.inputs));
    result.Set("outputs", TensorArray(env, observer_.outputs));
    const auto size = observer_.plan.size;
    if (request_.timing_cache.is_wanted) {
      result.Set("timingCache", BytesArray(env, observer_.timing_cache));
    }
    result.Set("stats", observer_.Stats(env));
    if (!observer_.layers.empty()) {
      result.Set("layers", Napi::String::New(env, observer_.layers));
    }
    result.Set("byteLength", Napi::Number::New(env, static_cast<double>(size)));
    result.Set("plan", BufferHandle::New(env, std::make_shared<HostBuffer>(observer_.plan),
                                         static_cast<std::int64_t>(size)));
    return result;
  }
  void Cancel() noexcept override { observer_.Cancel(); }

 private:
  std::string library_path_;
  std::string parser_path_;
  trt::BuildRequest request_;
  std::shared_ptr<EventChannel> events_;
  Observer observer_;
};

std::vector<std::int64_t> DimsOf(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw InvalidArgument(name, "an array of dimensions", "something else");
  const auto array = value.As<Napi::Array>();
  // TensorRT's Dims holds eight.
  if (array.Length() > 8) {
    throw InvalidArgument(name, "at most 8 dimensions", std::to_string(array.Length()));
  }
  std::vector<std::int64_t> dims;
  dims.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    dims.push_back(static_cast<std::int64_t>(SizeOf(array.Get(i), name)));
  }
  return dims;
}

/// Values of a shape tensor: any safe integers.
std::vector<std::int64_t> IntegersOf(const Napi::Value& value, const char* name) {
  constexpr std::uint32_t most = 64;
  constexpr double limit = 9007199254740991.0;
  const Napi::Array array = ArrayOf(value, name);
  if (array.Length() > most)
    throw InvalidArgument(name, "at most 64 values", std::to_string(array.Length()));
  std::vector<std::int64_t> values;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const double number = NumberOf(array.Get(i), name, -limit, limit);
    if (std::floor(number) != number)
      throw InvalidArgument(name, "integers", std::to_string(number));
    values.push_back(static_cast<std::int64_t>(number));
  }
  return values;
}

trt::SettingValue SettingOf(const Napi::Object& setting) {
  using Form = trt::SettingValue::Form;
  trt::SettingValue parsed;
  parsed.name = StringOf(setting.Get("name"), "name");
  const Napi::Value value = setting.Get("value");
  if (value.IsBoolean()) {
    parsed.form = Form::kBoolean;
    parsed.number = BooleanOf(value, "value") ? 1 : 0;
  } else if (value.IsNumber()) {
    parsed.form = Form::kNumber;
    parsed.number = static_cast<std::int64_t>(SizeOf(value, "value"));
  } else if (value.IsArray()) {
    parsed.form = Form::kList;
    parsed.list = TextsOf(value, "value");
  } else {
    parsed.form = Form::kText;
    parsed.text = StringOf(value, "value");
  }
  return parsed;
}

trt::TensorRequest TensorRequestOf(const Napi::Object& tensor) {
  trt::TensorRequest parsed;
  parsed.name = StringOf(tensor.Get("name"), "name");
  parsed.formats = TextsOf(tensor.Get("formats"), "formats");
  parsed.dtype = StringOf(tensor.Get("dtype"), "dtype");
  return parsed;
}

trt::ShapeRange RangeOf(const Napi::Object& range) {
  trt::ShapeRange parsed;
  parsed.input = StringOf(range.Get("input"), "input");
  parsed.is_values = !range.Get("values").IsUndefined() && BooleanOf(range.Get("values"), "values");
  const auto read = parsed.is_values ? IntegersOf : DimsOf;
  parsed.min = read(range.Get("min"), "min");
  parsed.opt = read(range.Get("opt"), "opt");
  parsed.max = read(range.Get("max"), "max");
  return parsed;
}

trt::BuildRequest RequestOf(const Napi::Object& options) {
  trt::BuildRequest request;
  request.model_path = StringOf(options.Get("modelPath"), "modelPath");
  request.max_severity = Int32Of(options.Get("maxSeverity"), "maxSeverity", 0, 4);
  const Napi::Array capabilities =
      ArrayOf(options.Get("computeCapabilities"), "computeCapabilities");
  for (std::uint32_t i = 0; i < capabilities.Length(); ++i) {
    request.compute_capabilities.push_back(
        Int32Of(capabilities.Get(i), "computeCapabilities", 1, 999));
  }
  request.timing_cache.is_wanted = !options.Get("timingCache").IsUndefined();
  if (request.timing_cache.is_wanted) {
    const Napi::Object wanted = ObjectOf(options.Get("timingCache"), "timingCache");
    request.timing_cache.caches = TimingCachesOf(wanted.Get("caches"));
    request.timing_cache.ignore_mismatch =
        BooleanOf(wanted.Get("ignoreMismatch"), "ignoreMismatch");
  }
  const Napi::Array profiles = ArrayOf(options.Get("profiles"), "profiles");
  for (std::uint32_t i = 0; i < profiles.Length(); ++i) {
    const Napi::Array ranges = ArrayOf(profiles.Get(i), "profiles");
    std::vector<trt::ShapeRange> profile;
    for (std::uint32_t j = 0; j < ranges.Length(); ++j) {
      profile.push_back(RangeOf(ObjectOf(ranges.Get(j), "profiles")));
    }
    request.profiles.push_back(std::move(profile));
  }
  const Napi::Array settings = ArrayOf(options.Get("settings"), "settings");
  for (std::uint32_t i = 0; i < settings.Length(); ++i) {
    request.settings.push_back(SettingOf(ObjectOf(settings.Get(i), "settings")));
  }
  const Napi::Array targets = ArrayOf(options.Get("extraMemoryTargets"), "extraMemoryTargets");
  for (std::uint32_t i = 0; i < targets.Length(); ++i) {
    request.extra_memory_targets.push_back(NumberOf(targets.Get(i), "extraMemoryTargets", 0, 1));
  }
  const Napi::Array tensors = ArrayOf(options.Get("tensors"), "tensors");
  for (std::uint32_t i = 0; i < tensors.Length(); ++i) {
    request.tensors.push_back(TensorRequestOf(ObjectOf(tensors.Get(i), "tensors")));
  }
  return request;
}

class LoadTask final : public Task {
 public:
  LoadTask(std::string library_path, std::string parser_path)
      : library_path_(std::move(library_path)), parser_path_(std::move(parser_path)) {}
  void Execute() override {
    // Held open for the rest of the process.
    static_cast<void>(trt::Library::Open(library_path_, parser_path_, trt::Purpose::kBuild));
  }
  Napi::Value Result(Napi::Env env) override { return env.Undefined(); }

 private:
  std::string library_path_;
  std::string parser_path_;
};

class PlanWriteTask final : public Task {
 public:
  PlanWriteTask(HostBuffer plan, std::string path, std::vector<std::uint8_t> prefix)
      : plan_(std::move(plan)), path_(std::move(path)), prefix_(std::move(prefix)) {}
  void Execute() override {
    WriteNewFile(path_, {{prefix_.data(), prefix_.size()}, {plan_.data, plan_.size}});
  }
  Napi::Value Result(Napi::Env env) override { return env.Undefined(); }

 private:
  HostBuffer plan_;
  std::string path_;
  std::vector<std::uint8_t> prefix_;
};

}  // namespace

ThreadPool& BuildThread() {
  static auto* pool = new ThreadPool(1, 0, "tn-build");
  return *pool;
}

Napi::Value TrtBuild(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object options = ObjectOf(info[0], "request");
    if (!info[1].IsFunction()) throw InvalidArgument("onEvent", "a function", "something else");
    trt::BuildRequest request = RequestOf(options);
    std::string library = StringOf(options.Get("libraryPath"), "libraryPath");
    std::string parser = StringOf(options.Get("parserPath"), "parserPath");
    auto events = EventChannel::Create(info.Env(), info[1].As<Napi::Function>());
    auto task = std::make_unique<BuildTask>(std::move(library), std::move(parser),
                                            std::move(request), std::move(events));
    return StartTask(info.Env(), std::move(task), BuildThread());
  });
}

Napi::Value TrtLoad(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    auto task = std::make_unique<LoadTask>(StringOf(info[0], "libraryPath"),
                                           StringOf(info[1], "parserPath"));
    return StartTask(info.Env(), std::move(task), BuildThread());
  });
}

Napi::Value TrtPlanWrite(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const HostBuffer& plan = *BufferHandle::Get(info[0], "plan");
    std::string path = StringOf(info[1], "path");
    const ByteView prefix = BytesOf(info[2], "prefix");
    auto task = std::make_unique<PlanWriteTask>(
        plan, std::move(path), std::vector<std::uint8_t>(prefix.data, prefix.data + prefix.size));
    return StartTask(info.Env(), std::move(task), BuildThread());
  });
}

}  // namespace tensorrt_node::bind
