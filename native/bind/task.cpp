#include "bind/task.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bind/error_bridge.h"

namespace tensorrt_node::bind {
namespace {

struct PendingTask {
  PendingTask(std::unique_ptr<Task> the_task, Napi::Promise::Deferred the_deferred)
      : task(std::move(the_task)), deferred(the_deferred) {}

  std::unique_ptr<Task> task;
  Napi::Promise::Deferred deferred;
  std::atomic<bool> cancelled{false};
  bool failed = false;
  Failure failure;
};

/// The tasks of one environment. Jobs on native threads hold it by shared_ptr, the environment owns
/// one more.
class TaskRunner : public std::enable_shared_from_this<TaskRunner> {
 public:
  static std::shared_ptr<TaskRunner> Create(Napi::Env env) {
    auto runner = std::make_shared<TaskRunner>();
    runner->wake_js_ = WakeJs::New(env, "tensorrt-node tasks", 0, 1, runner.get());
    runner->wake_js_.Unref(env);
    // Hooks run last-in first-out: this one before the thread-safe function's own.
    env.AddCleanupHook(
        [](TaskRunner* self) {
          self->End();
          self->wake_js_.Release();
        },
        runner.get());
    return runner;
  }

  Napi::Promise Start(Napi::Env env, std::unique_ptr<Task> task, Executor& executor) {
    if (closed_) throw Error(ErrorCode::kDisposed, "Expected no new work while the process ends");
    auto owned = std::make_unique<PendingTask>(std::move(task), Napi::Promise::Deferred::New(env));
    PendingTask* pending = owned.get();
    Napi::Promise promise = pending->deferred.Promise();
    owned_.emplace(pending, std::move(owned));
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++running_;
    }
    if (owned_.size() == 1) wake_js_.Ref(env);
    try {
      executor.Submit([self = shared_from_this(), pending] { self->Run(pending); });
    } catch (...) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        --running_;
      }
      pending->deferred.Reject(ToJsError(env, CaptureCurrentException()).Value());
      Forget(env, pending);
    }
    return promise;
  }

  /// Idempotent. JS thread only.
  void End() noexcept {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    for (auto& [pending, owned] : owned_) {
      pending->cancelled.store(true);
      pending->task->Cancel();
    }
    {
      std::unique_lock<std::mutex> lock(mutex_);
      idle_.wait(lock, [this] { return running_ == 0; });
      done_.clear();
    }
    owned_.clear();
  }

 private:
  static void OnWake(Napi::Env env, Napi::Function /*unused*/, TaskRunner* self, void* /*unused*/) {
    // A null env means that the environment is going; End() has dealt with the tasks.
    if (static_cast<napi_env>(env) == nullptr) return;
    self->Deliver(env);
  }
  using WakeJs = Napi::TypedThreadSafeFunction<TaskRunner, void, OnWake>;

  void Run(PendingTask* pending) noexcept {
    if (!pending->cancelled.load()) {
      try {
        pending->task->Execute();
      } catch (...) {
        pending->failed = true;
        pending->failure = CaptureCurrentException();
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    done_.push_back(pending);
    --running_;
    // Under the lock, so that nobody can release the function between the check and the call.
    if (!closed_ && done_.size() == 1) wake_js_.NonBlockingCall();
    idle_.notify_all();
  }

  void Deliver(Napi::Env env) noexcept {
    std::vector<PendingTask*> ready;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ready.swap(done_);
    }
    for (PendingTask* pending : ready) {
      try {
        const Napi::HandleScope scope(env);
        Settle(env, pending);
        Forget(env, pending);
      } catch (...) {
        // Only a terminating environment throws here; its promises can no longer be observed.
        owned_.erase(pending);
      }
    }
  }

  static void Settle(Napi::Env env, PendingTask* pending) {
    if (pending->failed) {
      pending->deferred.Reject(ToJsError(env, pending->failure).Value());
      return;
    }
    Napi::Value value;
    try {
      value = pending->task->Result(env);
    } catch (const Napi::Error& error) {
      pending->deferred.Reject(error.Value());
      return;
    } catch (...) {
      pending->deferred.Reject(ToJsError(env, CaptureCurrentException()).Value());
      return;
    }
    pending->deferred.Resolve(value);
  }

  void Forget(Napi::Env env, PendingTask* pending) {
    owned_.erase(pending);
    if (owned_.empty()) wake_js_.Unref(env);
  }

  WakeJs wake_js_;
  /// JS thread only.
  std::unordered_map<PendingTask*, std::unique_ptr<PendingTask>> owned_;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<PendingTask*> done_;
  std::size_t running_ = 0;
  /// Written on the JS thread under the mutex.
  bool closed_ = false;
};

struct EnvState {
  std::shared_ptr<TaskRunner> runner;
};

}  // namespace

void InitializeTasks(Napi::Env env) {
  auto state = std::make_unique<EnvState>();
  state->runner = TaskRunner::Create(env);
  env.SetInstanceData<EnvState>(state.release());
}

void EndTasks(Napi::Env env) noexcept { env.GetInstanceData<EnvState>()->runner->End(); }

Napi::Promise StartTask(Napi::Env env, std::unique_ptr<Task> task, Executor& executor) {
  return env.GetInstanceData<EnvState>()->runner->Start(env, std::move(task), executor);
}

}  // namespace tensorrt_node::bind
