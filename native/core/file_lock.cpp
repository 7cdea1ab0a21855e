#include "core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace tensorrt_node {
namespace {

[[noreturn]] void Fail(const std::string& path, const char* what, int number) {
  throw Error(ErrorCode::kIo, std::string("Expected to ") + what + " the lock file " + path +
                                  " but received " + std::strerror(number));
}

/// True when `path` still names the file that `descriptor` has open. A holder may delete the file
/// before it unlocks; whoever waited on the deleted file would otherwise share the lock with a
/// newcomer.
bool StillNames(const std::string& path, int descriptor) noexcept {
  struct stat by_path{};
  struct stat by_descriptor{};
  return stat(path.c_str(), &by_path) == 0 && fstat(descriptor, &by_descriptor) == 0 &&
         by_path.st_dev == by_descriptor.st_dev && by_path.st_ino == by_descriptor.st_ino;
}

}  // namespace

std::shared_ptr<FileLock> FileLock::TryAcquire(const std::string& path) {
  for (;;) {
    // CLOEXEC: a child process must not keep the lock alive.
    const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) Fail(path, "open", errno);
    int result = 0;
    do {
      result = flock(descriptor, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result != 0) {
      const int number = errno;
      close(descriptor);
      if (number == EWOULDBLOCK) return nullptr;
      Fail(path, "lock", number);
    }
    if (StillNames(path, descriptor)) {
      return std::shared_ptr<FileLock>(new FileLock(descriptor, path));
    }
    close(descriptor);
  }
}

FileLock::~FileLock() { Release(false); }

void FileLock::Release(bool remove) noexcept {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor < 0) return;
  if (remove) unlink(path_.c_str());
  close(descriptor);
}

}  // namespace tensorrt_node
