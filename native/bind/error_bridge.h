#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "napi_setup.h"

namespace tensorrt_node::bind {

/// An exception flattened to plain data, so that it can cross threads.
struct Failure {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::vector<std::string> details;
};

/// Describes the exception being handled; call it inside a catch block. std::bad_alloc becomes
/// kOutOfMemory, anything unknown kInternal.
[[nodiscard]] Failure CaptureCurrentException() noexcept;

/// A JS Error with `code` and, when there are any, `details`. JS thread only.
[[nodiscard]] Napi::Error ToJsError(Napi::Env env, const Failure& failure);

/// Runs `body` and rethrows every C++ exception as a JS error. Wrap each exported function's body
/// in it: node-addon-api lets only Napi::Error through.
template <typename Body>
auto Guarded(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw ToJsError(env, CaptureCurrentException());
  }
}

}  // namespace tensorrt_node::bind
