#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "napi_setup.h"

namespace tensorrt_node::bind {

/// Events from native threads to one JS function, in order, without ever waiting for JS.
///
/// At most `kMaxQueued` events wait; later ones are counted and dropped. Drain() lets a task
/// deliver what is left before its promise settles. After the environment's end Push() does
/// nothing.
class EventChannel : public std::enable_shared_from_this<EventChannel> {
 public:
  /// Makes the event's JS value. Runs on the JS thread.
  using Event = std::function<Napi::Value(Napi::Env)>;
  static constexpr std::size_t kMaxQueued = 20000;

  /// JS thread.
  static std::shared_ptr<EventChannel> Create(Napi::Env env, const Napi::Function& listener);

  /// Any thread. False when the event was dropped.
  bool Push(Event event) noexcept;
  /// JS thread: calls the listener with every queued event. What it throws is ignored.
  void Drain(Napi::Env env) noexcept;
  /// JS thread: drains nothing, ends delivery. Idempotent.
  void Close() noexcept;
  /// Events dropped so far.
  [[nodiscard]] std::size_t dropped() noexcept;

 private:
  static void OnWake(Napi::Env env, Napi::Function listener, EventChannel* self, void* data);
  using WakeJs = Napi::TypedThreadSafeFunction<EventChannel, void, OnWake>;
  static void OnEnvironmentEnd(void* self);

  void Deliver(Napi::Env env, const Napi::Function& listener) noexcept;

  Napi::FunctionReference listener_;
  WakeJs wake_js_;
  napi_env env_ = nullptr;

  std::mutex mutex_;
  std::deque<Event> queue_;
  std::size_t dropped_ = 0;
  bool closed_ = false;
};

}  // namespace tensorrt_node::bind
