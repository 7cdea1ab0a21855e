#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace tensorrt_node {

struct FilePart {
  const std::uint8_t* data;
  std::size_t size;
};

/// Writes the parts one after another into a file that must not exist yet (mode 0644 less the
/// umask) and syncs it to the disk. Throws Error(kIo) with the system's reason; then no file is
/// left.
void WriteNewFile(const std::string& path, std::initializer_list<FilePart> parts);

}  // namespace tensorrt_node
