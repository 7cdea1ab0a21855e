#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tensorrt_node {

/// A view of host memory that keeps its owner alive. Cheap to copy; the memory lives until the last
/// copy goes.
struct HostBuffer {
  std::shared_ptr<void> owner;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;

  explicit operator bool() const noexcept { return data != nullptr; }
};

/// 64-byte aligned memory from a process-wide pool of recently freed blocks of the same rounded
/// size. Contents are undefined. A fresh 5 MB block costs about 1 ms in page faults, a pooled one
/// nothing. Throws Error(kOutOfMemory). `size` of 0 gives a valid block of 64 bytes with size 0.
/// Thread-safe.
[[nodiscard]] HostBuffer AllocateHostBuffer(std::size_t size);

/// Bytes that the pool holds for reuse at this moment; never above HostPoolLimitBytes().
[[nodiscard]] std::size_t HostPoolBytes() noexcept;
[[nodiscard]] constexpr std::size_t HostPoolLimitBytes() noexcept { return std::size_t{96} << 20; }
/// Frees everything the pool holds for reuse.
void TrimHostPool() noexcept;

}  // namespace tensorrt_node
