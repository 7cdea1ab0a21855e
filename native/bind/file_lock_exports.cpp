#include <memory>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/handle.h"
#include "core/file_lock.h"

namespace tensorrt_node::bind {
namespace {

using LockHandle = Handle<FileLock>;

Napi::Value FileTryLock(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    std::shared_ptr<FileLock> lock = FileLock::TryAcquire(StringOf(info[0], "path"));
    if (!lock) return info.Env().Null();
    return LockHandle::New(info.Env(), std::move(lock));
  });
}

Napi::Value FileUnlock(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const bool remove = BooleanOf(info[1], "remove");
    if (auto lock = LockHandle::Release(info[0], "lock")) lock->Release(remove);
    return info.Env().Undefined();
  });
}

}  // namespace

void ExportFileLock(Napi::Env env, Napi::Object exports) {
  exports.Set("fileTryLock", Napi::Function::New(env, FileTryLock));
  exports.Set("fileUnlock", Napi::Function::New(env, FileUnlock));
}

}  // namespace tensorrt_node::bind
