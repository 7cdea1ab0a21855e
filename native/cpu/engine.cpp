#include "cpu/engine.h"

#include <malloc.h>

#include <optional>

#include "core/error.h"
#include "cpu/element_type.h"
#include "cpu/reaper.h"

namespace tensorrt_node {
namespace {

std::string DimsText(const std::vector<std::int64_t>& dims) {
  std::string text = "[";
  for (const std::int64_t dim : dims) text += (text.size() > 1 ? "," : "") + std::to_string(dim);
  return text + "]";
}

}  // namespace

void CheckFeed(const std::string& name, const CpuTensor& feed) {
  const std::optional<std::size_t> count = ElementCount(feed.dims);
  if (!count)
    throw InvalidArgument("dims of " + name, "dims whose product fits memory", DimsText(feed.dims));
  if (feed.element_type == kElementString) {
    if (feed.strings.size() == *count) return;
    throw InvalidArgument("data of " + name, std::to_string(*count) + " strings",
                          std::to_string(feed.strings.size()));
  }
  if (ElementBits(feed.element_type) == 0) {
    throw InvalidArgument("dtype of " + name, "an ONNX element type",
                          std::to_string(feed.element_type));
  }
  const std::size_t needed = ElementBytes(feed.element_type, *count);
  if (feed.data.size < needed) {
    throw InvalidArgument(
        "data of " + name,
        "at least " + std::to_string(needed) + " bytes for dims " + DimsText(feed.dims),
        std::to_string(feed.data.size) + " bytes");
  }
}

void EndInBackground(EngineSession* dead) noexcept {
  try {
    Reaper().Submit([dead] { delete dead; });
  } catch (...) {
    // No memory to queue the job: leak rather than block this thread.
  }
}

void ReturnFreeMemory() noexcept {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace tensorrt_node
