#include "bind/cpu_tensors.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "bind/arguments.h"
#include "cpu/element_type.h"

namespace tensorrt_node::bind {
namespace {

/// Far above any real model, and low enough that a hostile array of dims costs nothing.
constexpr std::uint32_t kMaxRank = 64;

std::vector<std::int64_t> DimsOf(const Napi::Value& value, const std::string& name) {
  const std::string label = "dims of " + name;
  if (!value.IsArray()) throw InvalidArgument(label, "an array", "something else");
  auto array = value.As<Napi::Array>();
  if (array.Length() > kMaxRank)
    throw InvalidArgument(label, "at most 64 dims", std::to_string(array.Length()));
  std::vector<std::int64_t> dims;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    dims.push_back(static_cast<std::int64_t>(SizeOf(array.Get(i), label.c_str())));
  }
  return dims;
}

std::vector<std::string> StringsOf(const Napi::Value& value, const std::string& label) {
  if (!value.IsArray()) throw InvalidArgument(label, "an array of strings", "something else");
  auto array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    strings.push_back(StringOf(array.Get(i), label.c_str()));
  }
  return strings;
}

HostBuffer CopyOf(ByteView source, int element_type) {
  HostBuffer copy = AllocateHostBuffer(source.size);
  if (element_type == kElementBool) {
    // Kernels read these bytes as C++ bools, for which every value but 0 and 1 is undefined
    // behaviour.
    std::transform(source.data, source.data + source.size, copy.data,
                   [](std::uint8_t byte) -> std::uint8_t { return byte != 0 ? 1 : 0; });
  } else if (source.size != 0) {
    std::memcpy(copy.data, source.data, source.size);
  }
  return copy;
}

}  // namespace

CpuTensor CpuTensorOf(const Napi::Value& value, const std::string& name) {
  const Napi::Object object = ObjectOf(value, name.c_str());
  CpuTensor tensor;
  tensor.element_type = Int32Of(object.Get("dtype"), ("dtype of " + name).c_str(), 1, 255);
  tensor.dims = DimsOf(object.Get("dims"), name);
  const Napi::Value data = object.Get("data");
  const std::string label = "data of " + name;
  if (tensor.element_type == kElementString) {
    tensor.strings = StringsOf(data, label);
  } else if (BufferHandle::Is(data)) {
    tensor.data = *BufferHandle::Get(data, label.c_str());
  } else {
    tensor.data = CopyOf(BytesOf(data, label.c_str()), tensor.element_type);
  }
  return tensor;
}

Napi::Object ToJs(Napi::Env env, CpuTensor tensor, bool native) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("dtype", Napi::Number::New(env, tensor.element_type));
  Napi::Array dims = Napi::Array::New(env, tensor.dims.size());
  for (std::size_t i = 0; i < tensor.dims.size(); ++i) {
    dims.Set(static_cast<std::uint32_t>(i),
             Napi::Number::New(env, static_cast<double>(tensor.dims[i])));
  }
  object.Set("dims", dims);
  if (tensor.element_type == kElementString) {
    Napi::Array strings = Napi::Array::New(env, tensor.strings.size());
    for (std::size_t i = 0; i < tensor.strings.size(); ++i) {
      const Napi::HandleScope scope(env);
      strings.Set(static_cast<std::uint32_t>(i), Napi::String::New(env, tensor.strings[i]));
    }
    object.Set("data", strings);
  } else if (native) {
    const auto size = static_cast<std::int64_t>(tensor.data.size);
    object.Set("data",
               BufferHandle::New(env, std::make_shared<HostBuffer>(std::move(tensor.data)), size));
  } else {
    Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, tensor.data.size);
    if (tensor.data.size != 0) std::memcpy(copy.Data(), tensor.data.data, tensor.data.size);
    object.Set("data", copy);
  }
  return object;
}

}  // namespace tensorrt_node::bind
