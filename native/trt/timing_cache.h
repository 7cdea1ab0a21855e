// What is asked of timing caches, free of NVIDIA's types. Its classes have no inline functions, so
// that no flavour emits a copy of one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tensorrt_node::trt {

/// A serialised timing cache as TensorRT writes it.
struct TimingCacheBlob {
  TimingCacheBlob();
  TimingCacheBlob(const TimingCacheBlob&);
  TimingCacheBlob(TimingCacheBlob&&) noexcept;
  TimingCacheBlob& operator=(const TimingCacheBlob&);
  TimingCacheBlob& operator=(TimingCacheBlob&&) noexcept;
  ~TimingCacheBlob();

  /// Where it came from, for messages.
  std::string label;
  std::vector<std::uint8_t> bytes;
};

/// The caches that a build starts with, combined into one.
struct TimingCacheRequest {
  TimingCacheRequest();
  TimingCacheRequest(const TimingCacheRequest&);
  TimingCacheRequest(TimingCacheRequest&&) noexcept;
  TimingCacheRequest& operator=(const TimingCacheRequest&) = delete;
  TimingCacheRequest& operator=(TimingCacheRequest&&) = delete;
  ~TimingCacheRequest();

  /// False: the build makes a cache of its own and forgets it.
  bool is_wanted = false;
  std::vector<TimingCacheBlob> caches;
  /// Takes caches of devices with other properties.
  bool ignore_mismatch = false;
};

/// An entry of an editable cache.
struct TimingCacheEntry {
  std::array<std::uint8_t, 16> key;
  std::uint64_t tactic_hash;
  /// Milliseconds. In an edit, NaN deletes the entry.
  float timing_ms;
};

struct TimingCacheJob {
  TimingCacheJob();
  TimingCacheJob(TimingCacheJob&&) noexcept;
  TimingCacheJob& operator=(TimingCacheJob&&) = delete;
  ~TimingCacheJob();

  std::vector<TimingCacheBlob> caches;
  bool ignore_mismatch = false;
  /// Applied after combining.
  std::vector<TimingCacheEntry> edits;
  bool list_entries = false;
};

struct TimingCacheOutcome {
  TimingCacheOutcome();
  TimingCacheOutcome(TimingCacheOutcome&&) noexcept;
  TimingCacheOutcome& operator=(TimingCacheOutcome&&) noexcept;
  ~TimingCacheOutcome();

  std::vector<std::uint8_t> bytes;
  std::vector<TimingCacheEntry> entries;
};

}  // namespace tensorrt_node::trt
