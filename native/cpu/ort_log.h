#pragma once

#include <string>
#include <vector>

#include "cpu/ort_api.h"

namespace tensorrt_node {

struct OrtLogLine {
  ort::LoggingLevel level;
  std::string text;
};

/// Receives ONNX Runtime's log on any of its threads; matches ort::LoggingFunction.
void CollectOrtLog(void* param, ort::LoggingLevel level, const char* category, const char* log_id,
                   const char* location, const char* message);

/// The lines collected since the last call, oldest first; at most 256 are kept, the newest are
/// dropped and counted in a last line. Thread-safe.
[[nodiscard]] std::vector<OrtLogLine> DrainOrtLog();

}  // namespace tensorrt_node
