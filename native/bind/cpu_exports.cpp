#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bind/arguments.h"
#include "bind/cpu_tensors.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/handle.h"
#include "bind/task.h"
#include "core/thread_pool.h"
#include "cpu/cpu_session.h"
#include "cpu/engine.h"
#include "cpu/openvino_runtime.h"
#include "cpu/openvino_session.h"
#include "cpu/ort_log.h"
#include "cpu/reaper.h"

namespace tensorrt_node::bind {
namespace {

using SessionHandle = Handle<EngineSession>;

class LoadTask final : public Task {
 public:
  LoadTask(std::shared_ptr<EngineSession> session, std::string library, ModelSource model)
      : session_(std::move(session)), library_(std::move(library)), model_(std::move(model)) {}
  void Execute() override {
    session_->Load(library_, model_);
    model_ = {};
  }
  Napi::Value Result(Napi::Env env) override { return SessionHandle::New(env, session_); }
  void Cancel() noexcept override { session_->CancelLoad(); }

 private:
  std::shared_ptr<EngineSession> session_;
  std::string library_;
  ModelSource model_;
};

class RunTask final : public Task {
 public:
  RunTask(std::unique_ptr<EngineRun> run, bool native_outputs)
      : run_(std::move(run)), native_outputs_(native_outputs) {}
  void Execute() override { outputs_ = run_->Execute(); }
  Napi::Value Result(Napi::Env env) override {
    Napi::Array result = Napi::Array::New(env, outputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      result.Set(static_cast<std::uint32_t>(i), ToJs(env, std::move(outputs_[i]), native_outputs_));
    }
    return result;
  }
  void Cancel() noexcept override { run_->Cancel(); }

 private:
  std::unique_ptr<EngineRun> run_;
  bool native_outputs_;
  std::vector<CpuTensor> outputs_;
};

/// Resolves once the jobs that were queued before it are done.
class FenceTask final : public Task {
 public:
  void Execute() override {}
  Napi::Value Result(Napi::Env env) override { return env.Undefined(); }
};

class ProbeTask final : public Task {
 public:
  ProbeTask(std::string library, bool openvino)
      : library_(std::move(library)), openvino_(openvino) {}
  void Execute() override {
    version_ = openvino_ ? OpenVinoRuntime::Load(library_).version()
                         : OrtRuntime::Load(library_).version();
  }
  Napi::Value Result(Napi::Env env) override { return Napi::String::New(env, version_); }

 private:
  std::string library_;
  bool openvino_;
  std::string version_;
};

/// The engine's name, ONNX Runtime's by default.
bool IsOpenVino(const Napi::Value& value) {
  if (value.IsUndefined()) return false;
  const std::string name = StringOf(value, "engine");
  if (name != "onnxruntime" && name != "openvino")
    throw InvalidArgument("engine", R"("onnxruntime" or "openvino")", '"' + name + '"');
  return name == "openvino";
}

std::vector<std::string> NamesOf(const Napi::Value& value, const char* label) {
  if (!value.IsArray()) throw InvalidArgument(label, "an array of names", "something else");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    names.push_back(StringOf(array.Get(i), label));
  }
  return names;
}

std::vector<std::pair<std::string, std::string>> ConfigOf(const Napi::Object& object) {
  const Napi::Object config = ObjectOf(object.Get("config"), "config");
  const Napi::Array keys = config.GetPropertyNames();
  std::vector<std::pair<std::string, std::string>> entries;
  for (std::uint32_t i = 0; i < keys.Length(); ++i) {
    const Napi::Value key = keys.Get(i);
    entries.emplace_back(StringOf(key, "config"), StringOf(config.Get(key), "config"));
  }
  return entries;
}

OpenVinoOptions OpenVinoOptionsOf(const Napi::Object& object) {
  OpenVinoOptions options;
  options.concurrency =
      static_cast<std::size_t>(Int32Of(object.Get("concurrency"), "concurrency", 1, 256));
  options.threads_per_run = Int32Of(object.Get("intraOpThreads"), "intraOpThreads", 0, 1024);
  options.precision = StringOf(object.Get("precision"), "precision");
  if (options.precision != "f32" && options.precision != "bf16")
    throw InvalidArgument("precision", R"("f32" or "bf16")", '"' + options.precision + '"');
  options.inputs = NamesOf(object.Get("inputs"), "inputs");
  options.outputs = NamesOf(object.Get("outputs"), "outputs");
  options.properties = ConfigOf(object);
  return options;
}

CpuSessionOptions OptionsOf(const Napi::Object& object) {
  CpuSessionOptions options;
  options.concurrency =
      static_cast<std::size_t>(Int32Of(object.Get("concurrency"), "concurrency", 1, 256));
  options.intra_op_threads = Int32Of(object.Get("intraOpThreads"), "intraOpThreads", 0, 1024);
  options.inter_op_threads = Int32Of(object.Get("interOpThreads"), "interOpThreads", 0, 1024);
  options.parallel_execution = BooleanOf(object.Get("parallelExecution"), "parallelExecution");
  options.graph_optimization_level =
      Int32Of(object.Get("graphOptimizationLevel"), "graphOptimizationLevel", 0, 99);
  options.cpu_memory_arena = BooleanOf(object.Get("cpuMemoryArena"), "cpuMemoryArena");
  options.memory_pattern = BooleanOf(object.Get("memoryPattern"), "memoryPattern");
  options.spinning = BooleanOf(object.Get("spinning"), "spinning");
  options.config = ConfigOf(object);
  return options;
}

ModelSource ModelOf(const Napi::Value& value) {
  ModelSource model;
  if (value.IsString()) {
    model.path = StringOf(value, "model");
    if (model.path.empty()) throw InvalidArgument("model", "a path", "an empty string");
    return model;
  }
  const ByteView bytes = BytesOf(value, "model");
  model.bytes = AllocateHostBuffer(bytes.size);
  if (bytes.size != 0) std::memcpy(model.bytes.data, bytes.data, bytes.size);
  return model;
}

Napi::Value SessionCreate(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    std::string library = StringOf(info[0], "library");
    ModelSource model = ModelOf(info[1]);
    const Napi::Object options = ObjectOf(info[2], "options");
    std::shared_ptr<EngineSession> session;
    if (IsOpenVino(options.Get("engine"))) {
      session = OpenVinoSession::New(OpenVinoOptionsOf(options));
    } else {
      session = CpuSession::New(OptionsOf(options));
    }
    Executor& executor = session->executor();
    return StartTask(
        info.Env(),
        std::make_unique<LoadTask>(std::move(session), std::move(library), std::move(model)),
        executor);
  });
}

Napi::Array DescriptionsToJs(Napi::Env env, const std::vector<TensorDescription>& descriptions) {
  Napi::Array array = Napi::Array::New(env, descriptions.size());
  for (std::size_t i = 0; i < descriptions.size(); ++i) {
    const TensorDescription& description = descriptions[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", Napi::String::New(env, description.name));
    object.Set("dtype", Napi::Number::New(env, description.element_type));
    Napi::Array dims = Napi::Array::New(env, description.dims.size());
    for (std::size_t j = 0; j < description.dims.size(); ++j) {
      const auto at = static_cast<std::uint32_t>(j);
      if (description.dims[j] >= 0) {
        dims.Set(at, Napi::Number::New(env, static_cast<double>(description.dims[j])));
      } else {
        dims.Set(at, Napi::String::New(env, description.symbols[j]));
      }
    }
    object.Set("dims", dims);
    if (description.rank_is_free) object.Set("rankIsFree", Napi::Boolean::New(env, true));
    array.Set(static_cast<std::uint32_t>(i), object);
  }
  return array;
}

Napi::Value SessionInfo(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    Napi::Env env = info.Env();
    const EngineSession& session = *SessionHandle::Get(info[0], "session");
    const ModelDescription& description = session.description();
    Napi::Object result = Napi::Object::New(env);
    result.Set("inputs", DescriptionsToJs(env, description.inputs));
    result.Set("outputs", DescriptionsToJs(env, description.outputs));
    Napi::Array others = Napi::Array::New(env);
    for (const std::string& name : description.other_outputs) {
      others.Set(others.Length(), Napi::String::New(env, name));
    }
    result.Set("otherOutputs", others);
    Napi::Array metadata = Napi::Array::New(env);
    for (const auto& [key, value] : description.metadata) {
      Napi::Array pair = Napi::Array::New(env, 2);
      pair.Set(0u, Napi::String::New(env, key));
      pair.Set(1u, Napi::String::New(env, value));
      metadata.Set(metadata.Length(), pair);
    }
    result.Set("metadata", metadata);
    result.Set("producer", Napi::String::New(env, description.producer));
    result.Set("graphName", Napi::String::New(env, description.graph_name));
    result.Set("precision", Napi::String::New(env, session.precision()));
    result.Set("runtimeVersion", Napi::String::New(env, session.runtime_version()));
    return result;
  });
}

Napi::Value SessionRun(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const std::shared_ptr<EngineSession>& session = SessionHandle::Get(info[0], "session");
    if (!info[1].IsArray()) throw InvalidArgument("feeds", "an array", "something else");
    if (!info[2].IsArray()) throw InvalidArgument("fetches", "an array", "something else");
    const auto feeds = info[1].As<Napi::Array>();
    const auto fetches = info[2].As<Napi::Array>();
    std::vector<std::string> feed_names;
    std::vector<CpuTensor> tensors;
    for (std::uint32_t i = 0; i < feeds.Length(); ++i) {
      const Napi::Value feed = feeds.Get(i);
      feed_names.push_back(StringOf(ObjectOf(feed, "feed").Get("name"), "name"));
      tensors.push_back(CpuTensorOf(feed, feed_names.back()));
    }
    std::vector<std::string> fetch_names;
    fetch_names.reserve(fetches.Length());
    for (std::uint32_t i = 0; i < fetches.Length(); ++i) {
      fetch_names.push_back(StringOf(fetches.Get(i), "fetch"));
    }
    const bool native_outputs = BooleanOf(info[3], "nativeOutputs");
    std::unique_ptr<EngineRun> run =
        session->NewRun(std::move(feed_names), std::move(tensors), std::move(fetch_names));
    return StartTask(info.Env(), std::make_unique<RunTask>(std::move(run), native_outputs),
                     session->executor());
  });
}

Napi::Value SessionDispose(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    // Dropping the last reference queues the session's end on the reaper, ahead of the fence.
    SessionHandle::Release(info[0], "session").reset();
    return StartTask(info.Env(), std::make_unique<FenceTask>(), Reaper());
  });
}

Napi::Value RuntimeProbe(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    return StartTask(info.Env(),
                     std::make_unique<ProbeTask>(StringOf(info[0], "library"), IsOpenVino(info[1])),
                     ThreadPool::Shared());
  });
}

Napi::Value DrainLog(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    Napi::Env env = info.Env();
    Napi::Array result = Napi::Array::New(env);
    for (const OrtLogLine& line : DrainOrtLog()) {
      Napi::Object object = Napi::Object::New(env);
      object.Set("severity", Napi::Number::New(env, static_cast<double>(line.level)));
      object.Set("message", Napi::String::New(env, line.text));
      result.Set(result.Length(), object);
    }
    return result;
  });
}

}  // namespace

void ExportCpu(Napi::Env env, Napi::Object exports) {
  exports.Set("cpuSessionCreate", Napi::Function::New(env, SessionCreate));
  exports.Set("cpuSessionInfo", Napi::Function::New(env, SessionInfo));
  exports.Set("cpuSessionRun", Napi::Function::New(env, SessionRun));
  exports.Set("cpuSessionDispose", Napi::Function::New(env, SessionDispose));
  exports.Set("cpuRuntimeProbe", Napi::Function::New(env, RuntimeProbe));
  exports.Set("cpuDrainLog", Napi::Function::New(env, DrainLog));
}

}  // namespace tensorrt_node::bind
