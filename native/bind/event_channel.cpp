#include "bind/event_channel.h"

#include <utility>

namespace tensorrt_node::bind {

std::shared_ptr<EventChannel> EventChannel::Create(Napi::Env env, const Napi::Function& listener) {
  auto channel = std::make_shared<EventChannel>();
  channel->env_ = env;
  channel->listener_ = Napi::Persistent(listener);
  // The function holds a reference of its own, dropped when Node finalises it: a wake-up may still
  // be under way after Close().
  auto* held = new std::shared_ptr<EventChannel>(channel);
  channel->wake_js_ = WakeJs::New(
      env, listener, "tensorrt-node events", 0, 1, channel.get(),
      [](Napi::Env /*env*/, std::shared_ptr<EventChannel>* dead, EventChannel* /*self*/) {
        delete dead;
      },
      held);
  channel->wake_js_.Unref(env);
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, channel.get());
  return channel;
}

bool EventChannel::Push(Event event) noexcept {
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return false;
    if (queue_.size() >= kMaxQueued) {
      ++dropped_;
      return false;
    }
    queue_.push_back(std::move(event));
    // Under the lock, so that Close() cannot release the function between the check and the call.
    if (queue_.size() == 1) wake_js_.NonBlockingCall();
    return true;
  } catch (...) {
    return false;
  }
}

void EventChannel::OnWake(Napi::Env env, Napi::Function listener, EventChannel* self,
                          void* /*data*/) {
  if (static_cast<napi_env>(env) == nullptr) return;
  self->Deliver(env, listener);
}

void EventChannel::Drain(Napi::Env env) noexcept {
  if (!listener_.IsEmpty()) Deliver(env, listener_.Value());
}

void EventChannel::Deliver(Napi::Env env, const Napi::Function& listener) noexcept {
  std::deque<Event> events;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    events.swap(queue_);
  }
  for (const Event& event : events) {
    try {
      const Napi::HandleScope scope(env);
      listener.Call({event(env)});
    } catch (...) {
      // A listener that throws must not stop the others or the build.
    }
  }
}

// Only a broken mutex throws, which has to end the process.
// NOLINTNEXTLINE(bugprone-exception-escape)
void EventChannel::Close() noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    closed_ = true;
    queue_.clear();
  }
  napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
  listener_.Reset();
  wake_js_.Release();
}

void EventChannel::OnEnvironmentEnd(void* self) { static_cast<EventChannel*>(self)->Close(); }

std::size_t EventChannel::dropped() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

}  // namespace tensorrt_node::bind
