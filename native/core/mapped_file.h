#pragma once

#include <string>

#include "core/host_buffer.h"

namespace tensorrt_node {

/// A file's bytes as read-only memory that is filled from the disk as it is read; `data` must not
/// be written to. A file that is cut short while it is mapped ends the process when its end is
/// touched: only for files of our own, or in a process that may end. Throws Error(kIo); an empty
/// file too.
[[nodiscard]] HostBuffer MapFile(const std::string& path);

}  // namespace tensorrt_node
