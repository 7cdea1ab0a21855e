#include "core/process_memory.h"

#include <cstdio>

namespace tensorrt_node {

ProcessMemory ReadProcessMemory() noexcept {
  ProcessMemory memory;
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (file == nullptr) return memory;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    std::size_t kilobytes = 0;
    if (std::sscanf(line, "VmRSS: %zu kB", &kilobytes) == 1) memory.resident = kilobytes * 1024;
    if (std::sscanf(line, "VmHWM: %zu kB", &kilobytes) == 1) memory.peak = kilobytes * 1024;
  }
  std::fclose(file);
  return memory;
}

}  // namespace tensorrt_node
