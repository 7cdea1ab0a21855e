#include "core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace tensorrt_node {

HostBuffer MapFile(const std::string& path) {
  const auto fail = [&path](const std::string& why) {
    return Error(ErrorCode::kIo, "Could not read " + path + ": " + why);
  };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw fail(std::strerror(errno));
  struct stat info{};
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) {
    close(file);
    throw fail("it is empty or no regular file");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  const int code = errno;
  close(file);
  if (data == MAP_FAILED) throw fail(std::strerror(code));
  std::shared_ptr<void> owner(data, [size](void* mapped) { munmap(mapped, size); });
  return {std::move(owner), static_cast<std::uint8_t*>(data), size};
}

}  // namespace tensorrt_node
