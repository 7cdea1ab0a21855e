// Arguments that the vision exports share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "bind/arguments.h"
#include "bind/handle.h"
#include "core/error.h"
#include "core/host_buffer.h"

namespace tensorrt_node::bind {

inline constexpr std::size_t kMaxBatch = 65536;

/// Bytes that a task reads off the JS thread, with whatever keeps them there.
// A reference moves without throwing so long as its environment lives, and tasks do not outlive it.
// NOLINTNEXTLINE(bugprone-exception-escape)
struct TaskInput {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  HostBuffer buffer;  ///< Of a buffer handle, or of the copy of a typed array.
  Napi::ObjectReference
      view;  ///< A typed array that the caller lends. JS thread only (task.h, rule 2).
};

/// `value` is a buffer handle or a view of bytes. A view is copied, since JS may change or detach
/// it at any time, unless `lent` says that the caller keeps it untouched until the task is done.
[[nodiscard]] inline TaskInput InputOf(const Napi::Value& value, bool lent, const char* name) {
  TaskInput input;
  if (Handle<HostBuffer>::Is(value)) {
    input.buffer = *Handle<HostBuffer>::Get(value, name);
    input.data = input.buffer.data;
    input.size = input.buffer.size;
    return input;
  }
  const ByteView bytes = BytesOf(value, name);
  input.size = bytes.size;
  if (lent) {
    input.data = bytes.data;
    input.view = Napi::Persistent(value.As<Napi::Object>());
  } else {
    input.buffer = AllocateHostBuffer(bytes.size);
    if (bytes.size != 0) std::copy_n(bytes.data, bytes.size, input.buffer.data);
    input.data = input.buffer.data;
  }
  return input;
}

[[nodiscard]] inline bool FlagOf(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return !value.IsUndefined() && BooleanOf(value, name);
}

[[nodiscard]] inline std::size_t SizeOr(const Napi::Object& object, const char* name,
                                        std::size_t fallback) {
  const Napi::Value value = object.Get(name);
  return value.IsUndefined() ? fallback : SizeOf(value, name);
}

/// An array of at most kMaxBatch items.
[[nodiscard]] inline Napi::Array BatchOf(const Napi::Value& value, const char* name) {
  Napi::Array array = ArrayOf(value, name);
  if (array.Length() > kMaxBatch) {
    throw InvalidArgument(name, "at most " + std::to_string(kMaxBatch) + " items",
                          std::to_string(array.Length()));
  }
  return array;
}

}  // namespace tensorrt_node::bind
