#pragma once

#include <NvInfer.h>

#include <memory>
#include <vector>

#include "trt/build.h"
#include "trt/library.h"
#include "trt/timing_cache.h"

namespace tensorrt_node::TRT_FLAVOR {

// TensorRT-RTX marks timing caches as deprecated: it takes them and keeps no timings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/// The timing caches of one build. TensorRT wants them to outlive the builder: make this first.
class TimingCaches {
 public:
  TimingCaches();
  ~TimingCaches();
  TimingCaches(const TimingCaches&) = delete;
  TimingCaches& operator=(const TimingCaches&) = delete;

  /// Loads the request's caches into one and gives it to the configuration; does nothing when the
  /// build wants none. Throws Error: kTimingCache when a cache is corrupt or was made by another
  /// version, or on another device while the request does not allow that.
  void Load(nvinfer1::IBuilderConfig& config, const trt::TimingCacheRequest& request);

  /// The cache as it is after the build, for the observer; nothing when the build wants none.
  void Report(trt::BuildObserver& observer) const;

 private:
  std::vector<std::unique_ptr<nvinfer1::ITimingCache>> caches_;
};

#pragma GCC diagnostic pop

/// Combines caches, applies edits, lists entries; see TimingCacheJob. Needs what a build needs.
/// Throws as TimingCaches does, and kTensorRtVersion where entries are asked of a library older
/// than 10.8, kInvalidArgument for an edit of an entry that is not there.
trt::TimingCacheOutcome RunTimingCacheJob(const trt::Library& library,
                                          const trt::TimingCacheJob& job);

}  // namespace tensorrt_node::TRT_FLAVOR
