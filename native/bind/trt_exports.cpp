#include <memory>
#include <string>
#include <utility>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/task.h"
#include "bind/trt_build.h"
#include "bind/trt_tools.h"
#include "core/thread_pool.h"
#include "trt/backend.h"
#include "trt/library.h"

namespace tensorrt_node::bind {
namespace {

Napi::Object VersionObject(Napi::Env env, const trt::Version& version) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("major", Napi::Number::New(env, version.major));
  result.Set("minor", Napi::Number::New(env, version.minor));
  result.Set("patch", Napi::Number::New(env, version.patch));
  result.Set("build", Napi::Number::New(env, version.build));
  result.Set("text", Napi::String::New(env, trt::VersionText(version)));
  return result;
}

Napi::Value Flavors(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    Napi::Env env = info.Env();
    Napi::Object compiled = Napi::Object::New(env);
    Napi::Array absent = Napi::Array::New(env);
    for (const trt::Flavor flavor :
         {trt::Flavor::kRtx1, trt::Flavor::kTrt10, trt::Flavor::kTrt11}) {
      const trt::Backend* backend = trt::FindBackend(flavor);
      if (backend != nullptr) {
        compiled.Set(trt::FlavorName(flavor), VersionObject(env, backend->headers));
      } else {
        absent.Set(absent.Length(), Napi::String::New(env, trt::FlavorName(flavor)));
      }
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("compiled", compiled);
    result.Set("absent", absent);
    return result;
  });
}

class LibraryInfoTask final : public Task {
 public:
  explicit LibraryInfoTask(std::string path) : path_(std::move(path)) {}
  void Execute() override { info_ = trt::InspectLibrary(path_); }
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("flavor", Napi::String::New(env, trt::FlavorName(info_.flavor)));
    result.Set("version", VersionObject(env, info_.version));
    result.Set("path", Napi::String::New(env, info_.path));
    if (!info_.build_refusal.empty()) {
      result.Set("buildRefusal", Napi::String::New(env, info_.build_refusal));
    }
    return result;
  }

 private:
  std::string path_;
  trt::LibraryInfo info_;
};

Napi::Value LibraryInfo(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    auto task = std::make_unique<LibraryInfoTask>(StringOf(info[0], "libraryPath"));
    return StartTask(info.Env(), std::move(task), ThreadPool::Shared());
  });
}

/// What the rules make of a version, without any library: for tests and for messages.
Napi::Value JudgeVersion(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    trt::Version version;
    version.major = Int32Of(info[0], "major", 0, 1000);
    version.minor = Int32Of(info[1], "minor", 0, 1000);
    const trt::VersionVerdict verdict = trt::JudgeVersion(version);
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("refusal", Napi::String::New(info.Env(), verdict.refusal));
    result.Set("buildRefusal", Napi::String::New(info.Env(), verdict.build_refusal));
    return result;
  });
}

}  // namespace

void ExportTensorRt(Napi::Env env, Napi::Object exports) {
  exports.Set("trtFlavors", Napi::Function::New(env, Flavors));
  exports.Set("trtLibraryInfo", Napi::Function::New(env, LibraryInfo));
  exports.Set("trtBuild", Napi::Function::New(env, TrtBuild));
  exports.Set("trtPlanWrite", Napi::Function::New(env, TrtPlanWrite));
  exports.Set("trtCheckModel", Napi::Function::New(env, TrtCheckModel));
  exports.Set("trtInspectEngine", Napi::Function::New(env, TrtInspectEngine));
  exports.Set("trtEngineWeights", Napi::Function::New(env, TrtEngineWeights));
  exports.Set("trtRefit", Napi::Function::New(env, TrtRefit));
  exports.Set("trtJudgeVersion", Napi::Function::New(env, JudgeVersion));
}

}  // namespace tensorrt_node::bind
