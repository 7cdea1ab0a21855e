#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/error.h"
#include "napi_setup.h"

namespace tensorrt_node::bind {

/// Hands a shared native object to JS as an opaque, type-tagged External.
///
/// The tag holds the address of a static of this binary, so a handle of another type, or of a
/// second copy of the addon in the same process, is refused instead of being cast. Garbage
/// collection drops the reference on the JS thread; T's destructor must not block or call JS.
template <typename T>
class Handle {
 public:
  static Napi::Value New(Napi::Env env, std::shared_ptr<T> object,
                         std::int64_t external_bytes = 0) {
    auto* holder = new Holder{std::move(object), external_bytes};
    Napi::External<Holder> external =
        Napi::External<Holder>::New(env, holder, [](Napi::BasicEnv basic_env, Holder* dead) {
          if (dead->external_bytes != 0) {
            Napi::MemoryManagement::AdjustExternalMemory(basic_env, -dead->external_bytes);
          }
          delete dead;
        });
    const napi_type_tag tag = Tag();
    external.TypeTag(&tag);
    if (external_bytes != 0) Napi::MemoryManagement::AdjustExternalMemory(env, external_bytes);
    return external;
  }

  /// The object behind `value`. Throws kInvalidArgument when it is no such handle, kDisposed after
  /// Release().
  static const std::shared_ptr<T>& Get(const Napi::Value& value, const char* name) {
    const std::shared_ptr<T>& object = HolderOf(value, name)->object;
    if (!object)
      throw Error(ErrorCode::kDisposed, std::string("The ") + name + " has been disposed");
    return object;
  }

  /// True when `value` is such a handle, released or not.
  static bool Is(const Napi::Value& value) {
    if (!value.IsExternal()) return false;
    const napi_type_tag tag = Tag();
    return value.As<Napi::External<Holder>>().CheckTypeTag(&tag);
  }

  /// Takes the object out of the handle, or null when it was released before.
  static std::shared_ptr<T> Release(const Napi::Value& value, const char* name) {
    Holder* holder = HolderOf(value, name);
    if (holder->external_bytes != 0) {
      Napi::MemoryManagement::AdjustExternalMemory(value.Env(), -holder->external_bytes);
      holder->external_bytes = 0;
    }
    return std::exchange(holder->object, nullptr);
  }

 private:
  struct Holder {
    std::shared_ptr<T> object;
    std::int64_t external_bytes;
  };

  static napi_type_tag Tag() noexcept {
    static char anchor;
    return {reinterpret_cast<std::uintptr_t>(&anchor), 0x74727463'6e6f6465ULL};
  }

  static Holder* HolderOf(const Napi::Value& value, const char* name) {
    if (!Is(value)) throw InvalidArgument(name, "a handle made by this addon", "something else");
    return value.As<Napi::External<Holder>>().Data();
  }
};

}  // namespace tensorrt_node::bind
