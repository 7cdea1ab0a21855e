#include "bind/error_bridge.h"

#include <exception>
#include <new>

namespace tensorrt_node::bind {

Failure CaptureCurrentException() noexcept {
  Failure failure;
  try {
    throw;
  } catch (const Error& error) {
    failure = {error.code(), error.what(), error.details()};
  } catch (const std::bad_alloc&) {
    failure.code = ErrorCode::kOutOfMemory;
    failure.message = "Host memory ran out";
  } catch (const std::exception& error) {
    failure.message = error.what();
  } catch (...) {
    failure.message = "Unknown native exception";
  }
  return failure;
}

Napi::Error ToJsError(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  error.Set("code", Napi::String::New(env, ErrorCodeName(failure.code)));
  if (!failure.details.empty()) {
    Napi::Array details = Napi::Array::New(env, failure.details.size());
    for (std::size_t i = 0; i < failure.details.size(); ++i) {
      details.Set(static_cast<std::uint32_t>(i), Napi::String::New(env, failure.details[i]));
    }
    error.Set("details", details);
  }
  return error;
}

}  // namespace tensorrt_node::bind
