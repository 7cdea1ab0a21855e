#pragma once

#include <memory>
#include <string>

namespace tensorrt_node {

/// An exclusive lock on a file, among processes and among threads of one process (flock on a
/// descriptor of its own). The kernel lets go of it when the process ends, however it ends, so no
/// lock outlives its owner.
class FileLock {
 public:
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// Takes the lock on `path`, creating the file when it is missing, or returns null when another
  /// holder has it. Never waits. Throws Error(kIo) when the file cannot be opened or locked for any
  /// other reason.
  [[nodiscard]] static std::shared_ptr<FileLock> TryAcquire(const std::string& path);

  /// Unlocks; with `remove`, also deletes the file first, while the lock still guards it.
  /// Idempotent.
  void Release(bool remove) noexcept;

 private:
  FileLock(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
};

}  // namespace tensorrt_node
