// What the CPU's engines have in common: a session holds a loaded model and the threads that run
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/executor.h"
#include "core/host_buffer.h"

namespace tensorrt_node {

/// Where a model comes from: a file, or its bytes when `path` is empty.
struct ModelSource {
  std::string path;
  HostBuffer bytes;
};

/// An input or output as the model declares it.
struct TensorDescription {
  std::string name;
  int element_type = 0;
  /// -1 where the size is free; then the name at the same index in `symbols`, which may be empty.
  std::vector<std::int64_t> dims;
  std::vector<std::string> symbols;
  /// Nothing is known, not even the number of dims.
  bool rank_is_free = false;
};

struct ModelDescription {
  std::vector<TensorDescription> inputs;
  std::vector<TensorDescription> outputs;
  /// Names of the outputs that are no tensors: sequences, maps, optionals.
  std::vector<std::string> other_outputs;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::string producer;
  std::string graph_name;
};

/// One tensor that goes into or comes out of a run. Strings stand in `strings`, all else in `data`.
struct CpuTensor {
  int element_type = 0;
  std::vector<std::int64_t> dims;
  HostBuffer data;
  std::vector<std::string> strings;
};

/// Throws Error(kInvalidArgument) when the dims are impossible or the memory is shorter than they
/// say; everything else is for the model to judge.
void CheckFeed(const std::string& name, const CpuTensor& feed);

/// One run of a session, which it keeps alive. Thread-safe only in Cancel().
class EngineRun {
 public:
  virtual ~EngineRun() = default;
  /// Runs the model on the calling thread. Throws Error(kShapeMismatch, kInference, kOutOfMemory),
  /// and kDisposed after Cancel(). Call it once. The outputs own their memory, also beyond this
  /// object and the session.
  [[nodiscard]] virtual std::vector<CpuTensor> Execute() = 0;
  /// Makes Execute() return within about one operator's time, from any thread, before or while it
  /// runs.
  virtual void Cancel() noexcept = 0;
};

/// A loaded model and the threads that run it.
///
/// Lives in a shared_ptr whose last reference may go anywhere but on the session's own threads; the
/// object then ends on Reaper(). Load() comes first and once; after it, everything but CancelLoad()
/// is read only and runs may go on in parallel.
class EngineSession {
 public:
  virtual ~EngineSession() = default;

  /// Blocks: call it on a thread of executor(). Throws Error(kCpuBackendUnavailable, kInvalidModel,
  /// kUnsupportedModel, kIo, kOutOfMemory).
  virtual void Load(const std::string& library, const ModelSource& model) = 0;
  /// Makes a Load() that runs or comes later fail soon, as far as the library can. Thread-safe.
  virtual void CancelLoad() noexcept = 0;
  /// Throws as CheckFeed() does.
  [[nodiscard]] virtual std::unique_ptr<EngineRun> NewRun(std::vector<std::string> feed_names,
                                                          std::vector<CpuTensor> feeds,
                                                          std::vector<std::string> fetch_names) = 0;

  [[nodiscard]] virtual Executor& executor() noexcept = 0;
  [[nodiscard]] virtual const ModelDescription& description() const noexcept = 0;
  [[nodiscard]] virtual const std::string& runtime_version() const noexcept = 0;
  /// In which numbers float32 models are computed: "f32" or "bf16".
  [[nodiscard]] virtual const std::string& precision() const noexcept = 0;
};

/// Deletes on Reaper(): to end a session blocks.
void EndInBackground(EngineSession* dead) noexcept;

/// Gives pages that loading or release left free back to the system. glibc keeps them in the heap
/// of the thread that allocated them, where no later session finds them. Takes some milliseconds.
void ReturnFreeMemory() noexcept;

}  // namespace tensorrt_node
