#include <memory>
#include <string>
#include <utility>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/task.h"
#include "bind/trt_build.h"
#include "bind/trt_timing_cache.h"
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

const char* KindName(trt::SettingKind kind) {
  switch (kind) {
    case trt::SettingKind::kBoolean:
      return "boolean";
    case trt::SettingKind::kInteger:
      return "integer";
    case trt::SettingKind::kChoice:
      return "choice";
    case trt::SettingKind::kSet:
      return "set";
    case trt::SettingKind::kText:
      return "text";
    case trt::SettingKind::kList:
      return "list";
  }
  return "unknown";
}

Napi::Object SettingObject(Napi::Env env, const trt::SettingInfo& info, trt::Flavor flavor) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("name", Napi::String::New(env, info.name));
  result.Set("kind", Napi::String::New(env, KindName(info.kind)));
  result.Set("sinceMinor", Napi::Number::New(env, trt::SinceMinor(info.since, flavor)));
  if (info.kind == trt::SettingKind::kInteger) {
    result.Set("min", Napi::Number::New(env, static_cast<double>(info.min)));
    result.Set("max", Napi::Number::New(env, static_cast<double>(info.max)));
  }
  Napi::Object choices = Napi::Object::New(env);
  for (std::size_t i = 0; i < info.choice_count; ++i) {
    choices.Set(info.choices[i].text,
                Napi::Number::New(env, trt::SinceMinor(info.choices[i].since, flavor)));
  }
  result.Set("choices", choices);
  return result;
}

/// The builder settings of a compiled flavour, as its own table has them: for tests.
Napi::Value Settings(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    Napi::Env env = info.Env();
    trt::Flavor flavor = trt::Flavor::kRtx1;
    const std::string name = StringOf(info[0], "flavor");
    if (!trt::FlavorFromName(name, &flavor))
      throw InvalidArgument("flavor", "rtx1, trt10 or trt11", "\"" + name + "\"");
    const trt::Backend& backend = trt::RequireBackend(flavor);
    Napi::Array settings = Napi::Array::New(env);
    for (std::size_t i = 0; backend.setting(i) != nullptr; ++i) {
      settings.Set(settings.Length(), SettingObject(env, *backend.setting(i), flavor));
    }
    Napi::Array enums = Napi::Array::New(env);
    for (std::size_t i = 0; backend.setting_enum(i) != nullptr; ++i) {
      const trt::EnumInfo& item = *backend.setting_enum(i);
      Napi::Object object = Napi::Object::New(env);
      object.Set("name", Napi::String::New(env, item.name));
      object.Set("enumMax", Napi::Number::New(env, item.enum_max));
      object.Set("offered", Napi::Number::New(env, item.offered));
      object.Set("leftOut", Napi::String::New(env, item.left_out));
      object.Set("unused", Napi::Number::New(env, item.unused));
      enums.Set(enums.Length(), object);
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("settings", settings);
    result.Set("enums", enums);
    return result;
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
  exports.Set("trtSettings", Napi::Function::New(env, Settings));
  exports.Set("trtLoad", Napi::Function::New(env, TrtLoad));
  exports.Set("trtBuild", Napi::Function::New(env, TrtBuild));
  exports.Set("trtPlanWrite", Napi::Function::New(env, TrtPlanWrite));
  exports.Set("trtCheckModel", Napi::Function::New(env, TrtCheckModel));
  exports.Set("trtInspectEngine", Napi::Function::New(env, TrtInspectEngine));
  exports.Set("trtEngineWeights", Napi::Function::New(env, TrtEngineWeights));
  exports.Set("trtRefit", Napi::Function::New(env, TrtRefit));
  exports.Set("trtTimingCache", Napi::Function::New(env, TrtTimingCache));
  exports.Set("trtJudgeVersion", Napi::Function::New(env, JudgeVersion));
}

}  // namespace tensorrt_node::bind
