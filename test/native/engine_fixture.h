// What the tests of both CPU engines need.
#pragma once

#include <cstring>
#include <future>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/host_buffer.h"
#include "cpu/engine.h"
#include "cpu/reaper.h"

namespace tensorrt_node {

inline CpuTensor FloatTensor(const std::vector<float>& values, std::vector<std::int64_t> dims) {
  CpuTensor tensor;
  tensor.element_type = 1;
  tensor.dims = std::move(dims);
  tensor.data = AllocateHostBuffer(values.size() * sizeof(float));
  if (!values.empty()) std::memcpy(tensor.data.data, values.data(), tensor.data.size);
  return tensor;
}

/// Waits until the sessions that were dropped before are gone.
inline void WaitForReaper() {
  std::promise<void> reached;
  Reaper().Submit([&reached] { reached.set_value(); });
  reached.get_future().wait();
}

/// What `body` throws, or kInternal.
template <typename Body>
ErrorCode CodeOf(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

}  // namespace tensorrt_node
