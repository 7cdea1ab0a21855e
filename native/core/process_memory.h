#pragma once

#include <cstddef>

namespace tensorrt_node {

/// Memory of this process that lies in RAM, in bytes; 0 where the system does not tell.
struct ProcessMemory {
  std::size_t resident = 0;
  /// The most that it has been since the process began or its peak was reset.
  std::size_t peak = 0;
};

[[nodiscard]] ProcessMemory ReadProcessMemory() noexcept;

}  // namespace tensorrt_node
