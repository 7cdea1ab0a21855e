#include "trt/flavor_timing_cache.h"

#include <cmath>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>

#include "core/error.h"
#include "trt/device_check.h"
#include "trt/flavor_logger.h"
#include "trt/flavor_objects.h"

// See the header.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

using Cache = nvinfer1::ITimingCache;

[[noreturn]] void Refuse(const std::string& message, std::size_t complaints_before) {
  const std::vector<std::string> lines = Logger::Get().ComplaintsSince(complaints_before);
  throw Error(ErrorCode::kTimingCache,
              message + (lines.empty() ? std::string() : ": " + lines.front()), lines);
}

/// From bytes; without any, an empty cache.
std::unique_ptr<Cache> Create(const nvinfer1::IBuilderConfig& config,
                              const trt::TimingCacheBlob* blob) {
  const std::size_t before = Logger::Get().ComplaintCount();
  std::unique_ptr<Cache> cache(
      blob == nullptr ? config.createTimingCache(nullptr, 0)
                      : config.createTimingCache(blob->bytes.data(), blob->bytes.size()));
  // For bytes that it cannot read TensorRT answers with an empty cache and a warning: a build would
  // go on and time everything anew, without a word to the caller.
  if (cache == nullptr || (blob != nullptr && Logger::Get().ComplaintCount() > before)) {
    Refuse(blob == nullptr ? "TensorRT could not create a timing cache"
                           : "TensorRT could not read the timing cache " + blob->label,
           before);
  }
  return cache;
}

/// The caches combined into the first of the result; the others only have to live on.
std::vector<std::unique_ptr<Cache>> Combine(const nvinfer1::IBuilderConfig& config,
                                            const std::vector<trt::TimingCacheBlob>& blobs,
                                            bool ignore_mismatch) {
  std::vector<std::unique_ptr<Cache>> caches;
  for (const trt::TimingCacheBlob& blob : blobs) {
    // TensorRT takes no bytes for "an empty cache", which an empty file is not meant to be.
    if (blob.bytes.empty()) {
      Refuse("The timing cache " + blob.label + " is empty", Logger::Get().ComplaintCount());
    }
    std::unique_ptr<Cache> cache = Create(config, &blob);
    const std::size_t before = Logger::Get().ComplaintCount();
    if (!caches.empty() && !caches.front()->combine(*cache, ignore_mismatch)) {
      Refuse("The timing cache " + blob.label +
                 " cannot be combined with the ones before it: it is of another TensorRT version" +
                 (ignore_mismatch ? "" : " or another device"),
             before);
    }
    caches.push_back(std::move(cache));
  }
  if (caches.empty()) caches.push_back(Create(config, nullptr));
  return caches;
}

std::unique_ptr<nvinfer1::IHostMemory> Serialize(const Cache& cache) {
  const std::size_t before = Logger::Get().ComplaintCount();
  std::unique_ptr<nvinfer1::IHostMemory> memory(cache.serialize());
  if (memory == nullptr || memory->data() == nullptr) {
    Refuse("TensorRT could not serialise the timing cache", before);
  }
  return memory;
}

std::string Hex(const std::array<std::uint8_t, 16>& key) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : key) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

void Edit(Cache& cache, const trt::TimingCacheEntry& edit) {
  nvinfer1::TimingCacheKey key{};
  std::memcpy(key.data, edit.key.data(), sizeof key.data);
  nvinfer1::TimingCacheValue value{};
  value.tacticHash = edit.tactic_hash;
  value.timingMSec = edit.timing_ms;
  // Asked first, since TensorRT-RTX says yes to the update of a key that is not there.
  const bool is_there =
      cache.query(key).tacticHash != nvinfer1::TimingCacheValue::kINVALID_TACTIC_HASH;
  if (!is_there || !cache.update(key, value)) {
    throw InvalidArgument("an edit of the timing cache",
                          "the key of an entry that is there and a valid tactic", Hex(edit.key));
  }
  const bool deletes = std::isnan(edit.timing_ms);
  const nvinfer1::TimingCacheValue after = cache.query(key);
  if (deletes ? after.tacticHash != nvinfer1::TimingCacheValue::kINVALID_TACTIC_HASH
              : after.tacticHash != edit.tactic_hash) {
    throw Error(ErrorCode::kTimingCache,
                "TensorRT took an edit of the timing cache and did not do it: " + Hex(edit.key));
  }
}

std::vector<trt::TimingCacheEntry> List(const Cache& cache) {
  const std::int64_t count = cache.queryKeys(nullptr, 0);
  if (count < 0) {
    throw Error(ErrorCode::kTimingCache, "TensorRT could not list the timing cache",
                Logger::Get().ComplaintsSince(0));
  }
  std::vector<nvinfer1::TimingCacheKey> keys(static_cast<std::size_t>(count));
  if (count > 0 && cache.queryKeys(keys.data(), count) != count) {
    throw Error(ErrorCode::kTimingCache, "The timing cache changed while it was listed");
  }
  std::vector<trt::TimingCacheEntry> entries;
  entries.reserve(keys.size());
  for (const nvinfer1::TimingCacheKey& key : keys) {
    const nvinfer1::TimingCacheValue value = cache.query(key);
    trt::TimingCacheEntry entry{};
    std::memcpy(entry.key.data(), key.data, sizeof key.data);
    entry.tactic_hash = value.tacticHash;
    entry.timing_ms = value.timingMSec;
    entries.push_back(entry);
  }
  return entries;
}

/// Hears a job that is no build.
class Silent final : public trt::BuildObserver {
 public:
  void OnLog(int, const char*) noexcept override {}
  void OnWarning() noexcept override {}
  void OnPhaseStart(const char*, const char*, int) noexcept override {}
  bool OnStep(const char*, int) noexcept override { return true; }
  void OnPhaseFinish(const char*) noexcept override {}
  void OnStage(trt::Stage) override {}
  void OnParserError(const trt::ParserErrorView&) override {}
  void OnTensor(const trt::TensorView&) override {}
  void OnPlan(std::shared_ptr<void>, const std::uint8_t*, std::size_t) override {}
};

}  // namespace

TimingCaches::TimingCaches() = default;
TimingCaches::~TimingCaches() = default;

void TimingCaches::Load(nvinfer1::IBuilderConfig& config, const trt::TimingCacheRequest& request) {
  if (!request.is_wanted) return;
  caches_ = Combine(config, request.caches, request.ignore_mismatch);
  const std::size_t before = Logger::Get().ComplaintCount();
  if (!config.setTimingCache(*caches_.front(), request.ignore_mismatch)) {
    Refuse(std::string("TensorRT refused the timing cache: it is of another TensorRT version") +
               (request.ignore_mismatch ? "" : " or another device"),
           before);
  }
  if (config.getTimingCache() == nullptr) {
    Refuse("TensorRT took the timing cache and does not use it", before);
  }
}

void TimingCaches::Report(trt::BuildObserver& observer) const {
  if (caches_.empty()) return;
  const auto memory = Serialize(*caches_.front());
  observer.OnTimingCache(static_cast<const std::uint8_t*>(memory->data()), memory->size());
}

trt::TimingCacheOutcome RunTimingCacheJob(const trt::Library& library,
                                          const trt::TimingCacheJob& job) {
  const std::lock_guard<std::mutex> lock(OneAtATime());
#ifndef TRT_FLAVOR_RTX1
  trt::RequireDevice();
#endif
  Silent observer;
  const Logger::Listen listen(observer, 2);
  if (job.list_entries || !job.edits.empty()) {
    library.Need(trt::gates::kTimingCacheQueryKeys, "Looking into timing caches");
    library.Need(trt::gates::kTimingCacheQuery, "Looking into timing caches");
    library.Need(trt::gates::kTimingCacheUpdate, "Editing timing caches");
  }
  std::vector<std::unique_ptr<Cache>> caches;
  const auto builder = CreateBuilder(library);
  const auto config = RequireObject(builder->createBuilderConfig(), "a builder configuration",
                                    ErrorCode::kEngineBuild);
  caches = Combine(*config, job.caches, job.ignore_mismatch);
  Cache& cache = *caches.front();
  for (const trt::TimingCacheEntry& edit : job.edits) Edit(cache, edit);
  trt::TimingCacheOutcome outcome;
  if (job.list_entries) outcome.entries = List(cache);
  const auto memory = Serialize(cache);
  const auto* data = static_cast<const std::uint8_t*>(memory->data());
  outcome.bytes.assign(data, data + memory->size());
  return outcome;
}

}  // namespace tensorrt_node::TRT_FLAVOR
