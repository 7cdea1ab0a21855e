#include "core/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace tensorrt_node {
namespace {

Error IoError(const std::string& path, const char* action, int code) {
  return {ErrorCode::kIo,
          "Could not " + std::string(action) + " " + path + ": " + std::strerror(code)};
}

/// 0 or errno.
int WriteAll(int file, const FilePart& part) noexcept {
  // The kernel takes at most 2^31 - 4096 bytes a call.
  constexpr std::size_t kMaxChunk = std::size_t{1} << 30;
  std::size_t done = 0;
  while (done < part.size) {
    const ssize_t written = write(file, part.data + done, std::min(kMaxChunk, part.size - done));
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    done += static_cast<std::size_t>(written);
  }
  return 0;
}

}  // namespace

void WriteNewFile(const std::string& path, std::initializer_list<FilePart> parts) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) throw IoError(path, "create", errno);
  int code = 0;
  for (const FilePart& part : parts) {
    if (code == 0) code = WriteAll(file, part);
  }
  if (code == 0 && fsync(file) != 0) code = errno;
  if (close(file) != 0 && code == 0) code = errno;
  if (code != 0) {
    unlink(path.c_str());
    throw IoError(path, "write", code);
  }
}

}  // namespace tensorrt_node
