// How work leaves the JS thread and comes back. Rules, cited elsewhere by number:
//   Rule 1  Execute() runs on a native thread and touches plain data only, never a Napi value.
//   Rule 2  A Task is created and destroyed on the JS thread of one environment.
//   Rule 3  When the environment or the process ends, tasks are cancelled, then waited for; nothing
//   calls into JS after that. Rule 4  The event loop is kept alive only while a task is in flight.
//   Rule 5  Completions that are ready together are delivered in one visit to the JS thread.
#pragma once

#include <memory>

#include "core/executor.h"
#include "napi_setup.h"

namespace tensorrt_node::bind {

/// One asynchronous call.
class Task {
 public:
  Task() = default;
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// On an executor's thread. May throw anything; the promise is rejected with it.
  virtual void Execute() = 0;
  /// On the JS thread after Execute() returned; its value resolves the promise. May throw.
  virtual Napi::Value Result(Napi::Env env) = 0;
  /// On the JS thread when the environment ends, possibly while Execute() runs: make it return
  /// soon.
  virtual void Cancel() noexcept {}
};

/// Queues `task` on `executor`; the promise settles when it is done. `executor` must live until
/// then, so a task that runs on a session's own executor holds a reference to that session. JS
/// thread only.
Napi::Promise StartTask(Napi::Env env, std::unique_ptr<Task> task, Executor& executor);

/// Cancels the environment's tasks and waits for them; later ones are refused with kDisposed. For
/// the `exit` event: process.exit() runs no environment clean-up, and libraries in use must not be
/// torn down by exit().
void EndTasks(Napi::Env env) noexcept;

/// Prepares the environment for StartTask; called once by the addon's initialisation.
void InitializeTasks(Napi::Env env);

}  // namespace tensorrt_node::bind
