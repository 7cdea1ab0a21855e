#include "bind/arguments.h"

#include <cmath>

namespace tensorrt_node::bind {
namespace {

const char* KindOf(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number:
      return "a number";
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_object:
      return "an object";
    case napi_function:
      return "a function";
    case napi_external:
      return "an external";
    case napi_bigint:
      return "a bigint";
  }
  return "an unknown value";
}

ByteView ViewOf(const Napi::ArrayBuffer& buffer, std::size_t offset, std::size_t length) {
  // A detached or shrunk buffer may be shorter than the view remembers.
  Napi::ArrayBuffer backing = buffer;
  const std::size_t available = backing.ByteLength();
  if (offset > available || length > available - offset) return {};
  return {static_cast<std::uint8_t*>(backing.Data()) + offset, length};
}

}  // namespace

ByteView BytesOf(const Napi::Value& value, const char* name) {
  if (value.IsTypedArray()) {
    auto array = value.As<Napi::TypedArray>();
    // SharedArrayBuffer backing: node-addon-api would read it as an ArrayBuffer; another thread may
    // write it.
    if (!array.ArrayBuffer().IsArrayBuffer())
      throw InvalidArgument(name, "unshared memory", "a SharedArrayBuffer");
    return ViewOf(array.ArrayBuffer(), array.ByteOffset(), array.ByteLength());
  }
  if (value.IsDataView()) {
    auto view = value.As<Napi::DataView>();
    if (!view.ArrayBuffer().IsArrayBuffer())
      throw InvalidArgument(name, "unshared memory", "a SharedArrayBuffer");
    return ViewOf(view.ArrayBuffer(), view.ByteOffset(), view.ByteLength());
  }
  if (value.IsArrayBuffer()) {
    auto buffer = value.As<Napi::ArrayBuffer>();
    return {static_cast<std::uint8_t*>(buffer.Data()), buffer.ByteLength()};
  }
  throw InvalidArgument(name, "a TypedArray, DataView or ArrayBuffer", KindOf(value));
}

std::size_t SizeOf(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) throw InvalidArgument(name, "a non-negative integer", KindOf(value));
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0) || number > 9007199254740991.0 || std::floor(number) != number) {
    throw InvalidArgument(name, "a non-negative safe integer", std::to_string(number));
  }
  return static_cast<std::size_t>(number);
}

std::int32_t Int32Of(const Napi::Value& value, const char* name, std::int32_t min,
                     std::int32_t max) {
  const double number = NumberOf(value, name, min, max);
  if (std::floor(number) != number)
    throw InvalidArgument(name, "an integer", std::to_string(number));
  return static_cast<std::int32_t>(number);
}

double NumberOf(const Napi::Value& value, const char* name, double min, double max) {
  const std::string expected =
      "a number from " + std::to_string(min) + " to " + std::to_string(max);
  if (!value.IsNumber()) throw InvalidArgument(name, expected, KindOf(value));
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= min && number <= max))
    throw InvalidArgument(name, expected, std::to_string(number));
  return number;
}

std::string StringOf(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw InvalidArgument(name, "a string", KindOf(value));
  return value.As<Napi::String>().Utf8Value();
}

bool BooleanOf(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) throw InvalidArgument(name, "a boolean", KindOf(value));
  return value.As<Napi::Boolean>().Value();
}

Napi::Object ObjectOf(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) throw InvalidArgument(name, "an object", KindOf(value));
  return value.As<Napi::Object>();
}

Napi::Array ArrayOf(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw InvalidArgument(name, "an array", "something else");
  return value.As<Napi::Array>();
}

std::vector<std::string> TextsOf(const Napi::Value& value, const char* name) {
  const Napi::Array array = ArrayOf(value, name);
  std::vector<std::string> texts;
  texts.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) texts.push_back(StringOf(array.Get(i), name));
  return texts;
}

}  // namespace tensorrt_node::bind
