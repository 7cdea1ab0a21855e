#include "bind/trt_timing_cache.h"

#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/task.h"
#include "bind/trt_build.h"
#include "trt/backend.h"
#include "trt/library.h"

namespace tensorrt_node::bind {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

std::string ToHex(const std::uint8_t* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

/// Exactly 2 * `size` digits. Throws kInvalidArgument.
std::vector<std::uint8_t> FromHex(const Napi::Value& value, const char* name, std::size_t size) {
  const std::string text = StringOf(value, name);
  const std::string digits = kDigits;
  const bool is_hex = text.find_first_not_of(digits) == std::string::npos;
  if (!is_hex || text.size() != 2 * size) {
    throw InvalidArgument(name, std::to_string(2 * size) + " hexadecimal digits",
                          "\"" + text + "\"");
  }
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t high = digits.find(text[2 * i]);
    const std::size_t low = digits.find(text[2 * i + 1]);
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return bytes;
}

std::vector<trt::TimingCacheEntry> EditsOf(const Napi::Value& value) {
  const Napi::Array array = ArrayOf(value, "edits");
  std::vector<trt::TimingCacheEntry> edits;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Object item = ObjectOf(array.Get(i), "edits");
    trt::TimingCacheEntry edit{};
    const auto key = FromHex(item.Get("key"), "key", edit.key.size());
    std::memcpy(edit.key.data(), key.data(), key.size());
    if (item.Get("timingMs").IsNull()) {
      edit.timing_ms = std::numeric_limits<float>::quiet_NaN();
    } else {
      edit.timing_ms =
          static_cast<float>(NumberOf(item.Get("timingMs"), "timingMs", 0.0,
                                      static_cast<double>(std::numeric_limits<float>::max())));
      for (const std::uint8_t byte : FromHex(item.Get("tacticHash"), "tacticHash", 8)) {
        edit.tactic_hash = edit.tactic_hash << 8 | byte;
      }
    }
    edits.push_back(edit);
  }
  return edits;
}

class TimingCacheTask final : public Task {
 public:
  TimingCacheTask(std::string library_path, trt::TimingCacheJob job)
      : library_path_(std::move(library_path)), job_(std::move(job)) {}

  void Execute() override {
    const auto library = trt::Library::Open(library_path_, "", trt::Purpose::kBuild);
    outcome_ = trt::RequireBackend(library->info().flavor).timing_cache(*library, job_);
  }
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("bytes", BytesArray(env, outcome_.bytes));
    Napi::Array entries = Napi::Array::New(env, outcome_.entries.size());
    for (std::size_t i = 0; i < outcome_.entries.size(); ++i) {
      const trt::TimingCacheEntry& entry = outcome_.entries[i];
      std::array<std::uint8_t, 8> hash{};
      for (std::size_t byte = 0; byte < hash.size(); ++byte) {
        hash[byte] = static_cast<std::uint8_t>(entry.tactic_hash >> (8 * (7 - byte)));
      }
      Napi::Object item = Napi::Object::New(env);
      item.Set("key", Napi::String::New(env, ToHex(entry.key.data(), entry.key.size())));
      item.Set("tacticHash", Napi::String::New(env, ToHex(hash.data(), hash.size())));
      item.Set("timingMs", Napi::Number::New(env, entry.timing_ms));
      entries.Set(static_cast<std::uint32_t>(i), item);
    }
    result.Set("entries", entries);
    return result;
  }

 private:
  std::string library_path_;
  trt::TimingCacheJob job_;
  trt::TimingCacheOutcome outcome_;
};

}  // namespace

std::vector<trt::TimingCacheBlob> TimingCachesOf(const Napi::Value& value) {
  const Napi::Array array = ArrayOf(value, "caches");
  std::vector<trt::TimingCacheBlob> blobs;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Object item = ObjectOf(array.Get(i), "caches");
    trt::TimingCacheBlob blob;
    blob.label = StringOf(item.Get("label"), "label");
    const ByteView bytes = BytesOf(item.Get("bytes"), "bytes");
    blob.bytes.assign(bytes.data, bytes.data + bytes.size);
    blobs.push_back(std::move(blob));
  }
  return blobs;
}

Napi::Value BytesArray(Napi::Env env, const std::vector<std::uint8_t>& bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

Napi::Value TrtTimingCache(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object request = ObjectOf(info[0], "request");
    trt::TimingCacheJob job;
    job.caches = TimingCachesOf(request.Get("caches"));
    job.ignore_mismatch = BooleanOf(request.Get("ignoreMismatch"), "ignoreMismatch");
    job.edits = EditsOf(request.Get("edits"));
    job.list_entries = BooleanOf(request.Get("listEntries"), "listEntries");
    auto task = std::make_unique<TimingCacheTask>(
        StringOf(request.Get("libraryPath"), "libraryPath"), std::move(job));
    return StartTask(info.Env(), std::move(task), BuildThread());
  });
}

}  // namespace tensorrt_node::bind
