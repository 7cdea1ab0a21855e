#include "core/host_buffer.h"

#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"

namespace tensorrt_node {
namespace {

constexpr std::size_t kAlignment = 64;

/// Freed blocks by size. Leaked on purpose: blocks can be given back after static destructors ran.
struct Pool {
  std::mutex mutex;
  std::map<std::size_t, std::vector<void*>> blocks;
  std::size_t bytes = 0;
};

Pool& ThePool() {
  static auto* pool = new Pool;
  return *pool;
}

/// Rounds up so that sizes which differ by a little share blocks: to 64 bytes below a page, else to
/// 4 KiB.
std::size_t Round(std::size_t size) {
  const std::size_t unit = size < 4096 ? kAlignment : 4096;
  if (size > std::numeric_limits<std::size_t>::max() - unit) {
    throw Error(ErrorCode::kOutOfMemory,
                "Expected a sane buffer size but received " + std::to_string(size) + " bytes");
  }
  return size == 0 ? kAlignment : (size + unit - 1) / unit * unit;
}

void GiveBack(void* block, std::size_t rounded) noexcept {
  Pool& pool = ThePool();
  try {
    const std::lock_guard<std::mutex> lock(pool.mutex);
    if (pool.bytes + rounded <= HostPoolLimitBytes()) {
      pool.blocks[rounded].push_back(block);
      pool.bytes += rounded;
      return;
    }
  } catch (...) {
    // No memory for the bookkeeping: free the block instead.
  }
  std::free(block);
}

}  // namespace

HostBuffer AllocateHostBuffer(std::size_t size) {
  const std::size_t rounded = Round(size);
  void* block = nullptr;
  {
    Pool& pool = ThePool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    auto found = pool.blocks.find(rounded);
    if (found != pool.blocks.end()) {
      block = found->second.back();
      found->second.pop_back();
      if (found->second.empty()) pool.blocks.erase(found);
      pool.bytes -= rounded;
    }
  }
  if (block == nullptr) block = std::aligned_alloc(kAlignment, rounded);
  if (block == nullptr) {
    throw Error(ErrorCode::kOutOfMemory, "Expected " + std::to_string(size) +
                                             " bytes of host memory but there are not as many");
  }
  HostBuffer buffer;
  buffer.owner = std::shared_ptr<void>(block, [rounded](void* p) { GiveBack(p, rounded); });
  buffer.data = static_cast<std::uint8_t*>(block);
  buffer.size = size;
  return buffer;
}

std::size_t HostPoolBytes() noexcept {
  Pool& pool = ThePool();
  const std::lock_guard<std::mutex> lock(pool.mutex);
  return pool.bytes;
}

void TrimHostPool() noexcept {
  Pool& pool = ThePool();
  const std::lock_guard<std::mutex> lock(pool.mutex);
  for (auto& [size, blocks] : pool.blocks) {
    for (void* block : blocks) std::free(block);
  }
  pool.blocks.clear();
  pool.bytes = 0;
}

}  // namespace tensorrt_node
