#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/handle.h"
#include "bind/task.h"
#include "core/cpu_features.h"
#include "core/host_buffer.h"
#include "core/thread_pool.h"

namespace tensorrt_node::bind {
namespace {

using BufferHandle = Handle<HostBuffer>;

Napi::Value BufferAllocate(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&] {
    const std::size_t size = SizeOf(info[0], "byteLength");
    auto buffer = std::make_shared<HostBuffer>(AllocateHostBuffer(size));
    return BufferHandle::New(info.Env(), std::move(buffer), static_cast<std::int64_t>(size));
  });
}

Napi::Value BufferByteLength(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(),
                             static_cast<double>(BufferHandle::Get(info[0], "buffer")->size));
  });
}

void CheckRange(std::size_t offset, std::size_t length, std::size_t size) {
  if (offset > size || length > size - offset) {
    throw InvalidArgument("byteOffset",
                          "a range inside the buffer of " + std::to_string(size) + " bytes",
                          std::to_string(length) + " bytes at " + std::to_string(offset));
  }
}

Napi::Value BufferWrite(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const HostBuffer& buffer = *BufferHandle::Get(info[0], "buffer");
    const ByteView source = BytesOf(info[1], "source");
    const std::size_t offset = info[2].IsUndefined() ? 0 : SizeOf(info[2], "byteOffset");
    CheckRange(offset, source.size, buffer.size);
    if (source.size != 0) std::memcpy(buffer.data + offset, source.data, source.size);
    return info.Env().Undefined();
  });
}

Napi::Value BufferRead(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const HostBuffer& buffer = *BufferHandle::Get(info[0], "buffer");
    const std::size_t offset = info[1].IsUndefined() ? 0 : SizeOf(info[1], "byteOffset");
    const std::size_t length = info[2].IsUndefined() ? buffer.size - std::min(offset, buffer.size)
                                                     : SizeOf(info[2], "byteLength");
    CheckRange(offset, length, buffer.size);
    Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(info.Env(), length);
    if (length != 0) std::memcpy(copy.Data(), buffer.data + offset, length);
    return copy;
  });
}

Napi::Value BufferRelease(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    BufferHandle::Release(info[0], "buffer");
    return info.Env().Undefined();
  });
}

Napi::Value BuildInfo(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    Napi::Env env = info.Env();
    Napi::Object result = Napi::Object::New(env);
    result.Set("napiVersion", Napi::Number::New(env, NAPI_VERSION));
    result.Set("compiler", Napi::String::New(env, __VERSION__));
    result.Set("poolThreads",
               Napi::Number::New(env, static_cast<double>(ThreadPool::SharedSize())));
    Napi::Array features = Napi::Array::New(env);
    for (const std::string& feature : CpuFeatures()) {
      features.Set(features.Length(), Napi::String::New(env, feature));
    }
    result.Set("cpuFeatures", features);
    return result;
  });
}

Napi::Value EndAllTasks(const Napi::CallbackInfo& info) {
  EndTasks(info.Env());
  return info.Env().Undefined();
}

class TestTask final : public Task {
 public:
  TestTask(int delay_ms, double value, bool fail)
      : delay_ms_(delay_ms), value_(value), fail_(fail) {}
  void Execute() override {
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms_));
    if (fail_) throw Error(ErrorCode::kInternal, "The test task was asked to fail", {"a detail"});
  }
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, value_); }

 private:
  int delay_ms_;
  double value_;
  bool fail_;
};

Napi::Value RunTestTask(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    auto task = std::make_unique<TestTask>(Int32Of(info[0], "delayMs", 0, 60000),
                                           NumberOf(info[1], "value", -1e300, 1e300),
                                           BooleanOf(info[2], "fail"));
    return StartTask(info.Env(), std::move(task), ThreadPool::Shared());
  });
}

}  // namespace

void ExportCore(Napi::Env env, Napi::Object exports) {
  exports.Set("bufferAllocate", Napi::Function::New(env, BufferAllocate));
  exports.Set("bufferByteLength", Napi::Function::New(env, BufferByteLength));
  exports.Set("bufferWrite", Napi::Function::New(env, BufferWrite));
  exports.Set("bufferRead", Napi::Function::New(env, BufferRead));
  exports.Set("bufferRelease", Napi::Function::New(env, BufferRelease));
  exports.Set("buildInfo", Napi::Function::New(env, BuildInfo));
  exports.Set("endTasks", Napi::Function::New(env, EndAllTasks));
  exports.Set("testTask", Napi::Function::New(env, RunTestTask));
}

}  // namespace tensorrt_node::bind
