#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/task.h"
#include "bind/vision_arguments.h"
#include "core/thread_pool.h"
#include "vision/parallel.h"
#include "vision/top_k.h"
#include "vision/yolov8.h"

namespace tensorrt_node::bind {
namespace {

/// The highest class index that is taken.
constexpr std::int32_t kMaxClass = 1 << 20;

template <typename Array, typename Element>
Array CopyOf(Napi::Env env, const std::vector<Element>& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

/// Where `count` pictures' outputs of `item` bytes each start, `offset` bytes into `input`. Throws
/// kInvalidArgument where they do not fit or lie askew.
const std::uint8_t* DataOf(const TaskInput& input, std::size_t offset, std::size_t item,
                           std::size_t count, std::size_t alignment, const char* name) {
  if (offset > input.size || (item != 0 && count > (input.size - offset) / item)) {
    throw InvalidArgument(name,
                          std::to_string(count) + " x " + std::to_string(item) + " bytes at " +
                              std::to_string(offset),
                          std::to_string(input.size) + " bytes");
  }
  const std::uint8_t* data = input.data + offset;
  if (reinterpret_cast<std::uintptr_t>(data) % alignment != 0) {
    throw InvalidArgument(name, "data aligned for its elements", "an odd address");
  }
  return data;
}

/// Decodes the output of one picture after the other.
class DecodeTask : public Task {
 public:
  void Execute() override {
    ThreadPool& pool = ThreadPool::Shared();
    const Isa isa = BestIsa();
    found_.resize(images_.size());
    native_ms_.resize(images_.size());
    ParallelFor(
        images_.size(),
        [&](std::size_t i) {
          const auto start = std::chrono::steady_clock::now();
          found_[i] = Decode(i, options_, images_[i], isa);
          const std::chrono::duration<double, std::milli> elapsed =
              std::chrono::steady_clock::now() - start;
          native_ms_[i] = elapsed.count();
        },
        pool, pool.size() - 1);
  }

  Napi::Value Result(Napi::Env env) override {
    Napi::Array result = Napi::Array::New(env, found_.size());
    for (std::size_t i = 0; i < found_.size(); ++i) {
      const Napi::HandleScope scope(env);
      const Detections& found = found_[i];
      Napi::Object item = Napi::Object::New(env);
      item.Set("boxes", CopyOf<Napi::Float32Array>(env, found.boxes));
      item.Set("scores", CopyOf<Napi::Float32Array>(env, found.scores));
      item.Set("classes", CopyOf<Napi::Int32Array>(env, found.classes));
      item.Set("anchors", CopyOf<Napi::Int32Array>(env, found.anchors));
      item.Set("candidates", Napi::Number::New(env, static_cast<double>(found.candidates)));
      item.Set("truncated", Napi::Boolean::New(env, found.truncated));
      item.Set("nativeMs", Napi::Number::New(env, native_ms_[i]));
      result.Set(static_cast<std::uint32_t>(i), item);
    }
    return result;
  }

 protected:
  /// `class_count` 0: any class index up to kMaxClass is taken.
  void ReadOptions(const Napi::Object& options, std::size_t class_count) {
    options_.confidence =
        static_cast<float>(NumberOf(options.Get("confidence"), "confidence", 0, 1));
    options_.iou = NumberOf(options.Get("iou"), "iou", 0, 1);
    options_.max_detections = SizeOf(options.Get("maxDetections"), "maxDetections");
    options_.max_candidates = SizeOr(options, "maxCandidates", options_.max_candidates);
    options_.agnostic = FlagOf(options, "agnostic");
    ReadClasses(options.Get("classes"), class_count);
    ReadImages(BatchOf(options.Get("images"), "images"));
  }

  [[nodiscard]] std::size_t image_count() const noexcept { return images_.size(); }

 private:
  /// On any thread, for the picture `index`.
  [[nodiscard]] virtual Detections Decode(std::size_t index, const DetectionOptions& options,
                                          const BoxMapping& mapping, Isa isa) const = 0;

  void ReadClasses(const Napi::Value& value, std::size_t class_count) {
    if (value.IsUndefined()) return;
    const Napi::Array classes = BatchOf(value, "classes");
    const auto last = class_count == 0 ? kMaxClass : static_cast<std::int32_t>(class_count - 1);
    // Not empty even where no class is allowed: empty would allow all.
    options_.allowed.assign(std::max<std::size_t>(class_count, 1), 0);
    for (std::uint32_t i = 0; i < classes.Length(); ++i) {
      const auto index = static_cast<std::size_t>(Int32Of(classes.Get(i), "classes", 0, last));
      if (index >= options_.allowed.size()) options_.allowed.resize(index + 1, 0);
      options_.allowed[index] = 1;
    }
  }

  void ReadImages(const Napi::Array& images) {
    constexpr double kFar = 1e9;
    for (std::uint32_t i = 0; i < images.Length(); ++i) {
      const Napi::HandleScope scope(images.Env());
      const Napi::Object image = ObjectOf(images.Get(i), "image");
      const auto number = [&](const char* name, double min) {
        return static_cast<float>(NumberOf(image.Get(name), name, min, kFar));
      };
      images_.push_back({number("padX", -kFar), number("padY", -kFar), number("gainX", 1e-9),
                         number("gainY", 1e-9), number("width", 0), number("height", 0)});
    }
  }

  DetectionOptions options_;
  std::vector<BoxMapping> images_;
  std::vector<Detections> found_;
  std::vector<double> native_ms_;
};

class Yolov8Task final : public DecodeTask {
 public:
  Yolov8Task(TaskInput input, const Napi::Object& options) : input_(std::move(input)) {
    const std::string dtype = StringOf(options.Get("dtype"), "dtype");
    if (dtype != "float32" && dtype != "float16") {
      throw InvalidArgument("dtype", R"(one of "float32", "float16")", '"' + dtype + '"');
    }
    output_.half = dtype == "float16";
    output_.channels = SizeOf(options.Get("channels"), "channels");
    output_.anchors = SizeOf(options.Get("anchors"), "anchors");
    output_.classes = SizeOf(options.Get("classCount"), "classCount");
    output_.Check();
    ReadOptions(options, output_.classes);
    data_ = DataOf(input_, SizeOr(options, "byteOffset", 0), output_.ByteSize(), image_count(),
                   output_.half ? 2 : 4, "output");
  }

 private:
  [[nodiscard]] Detections Decode(std::size_t index, const DetectionOptions& options,
                                  const BoxMapping& mapping, Isa isa) const override {
    Yolov8Output output = output_;
    output.data = data_ + index * output.ByteSize();
    return DecodeYolov8(output, options, mapping, isa);
  }

  TaskInput input_;
  const std::uint8_t* data_ = nullptr;
  Yolov8Output output_;
};

class TopKTask final : public DecodeTask {
 public:
  TopKTask(const Napi::Object& outputs, const Napi::Object& options) {
    constexpr std::size_t kMaxCount = 1U << 20;
    output_.count = SizeOf(options.Get("count"), "count");
    if (output_.count > kMaxCount) {
      throw InvalidArgument("count", "at most 2^20", std::to_string(output_.count));
    }
    const std::string labels = StringOf(options.Get("labelType"), "labelType");
    if (labels != "int32" && labels != "int64") {
      throw InvalidArgument("labelType", R"(one of "int32", "int64")", '"' + labels + '"');
    }
    output_.wide_labels = labels == "int64";
    ReadOptions(options, 0);
    const bool lent = FlagOf(options, "lent");
    label_bytes_ = output_.wide_labels ? 8 : 4;
    boxes_ = Read(outputs, "boxes", lent, 16, 4, boxes_input_);
    scores_ = Read(outputs, "scores", lent, 4, 4, scores_input_);
    labels_ = Read(outputs, "labels", lent, label_bytes_, label_bytes_, labels_input_);
  }

 private:
  const std::uint8_t* Read(const Napi::Object& outputs, const char* name, bool lent,
                           std::size_t row_bytes, std::size_t alignment, TaskInput& input) {
    input = InputOf(outputs.Get(name), lent, name);
    return DataOf(input, 0, output_.count * row_bytes, image_count(), alignment, name);
  }

  [[nodiscard]] Detections Decode(std::size_t index, const DetectionOptions& options,
                                  const BoxMapping& mapping, Isa isa) const override {
    TopKOutput output = output_;
    const std::size_t first = index * output.count;
    output.boxes = reinterpret_cast<const float*>(boxes_) + first * 4;
    output.scores = reinterpret_cast<const float*>(scores_) + first;
    output.labels = labels_ + first * label_bytes_;
    return DecodeTopK(output, options, mapping, isa);
  }

  TaskInput boxes_input_;
  TaskInput scores_input_;
  TaskInput labels_input_;
  const std::uint8_t* boxes_ = nullptr;
  const std::uint8_t* scores_ = nullptr;
  const std::uint8_t* labels_ = nullptr;
  std::size_t label_bytes_ = 4;
  TopKOutput output_;
};

Napi::Value RunDecodeYolov8(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object options = ObjectOf(info[1], "options");
    TaskInput input = InputOf(info[0], FlagOf(options, "lent"), "output");
    auto task = std::make_unique<Yolov8Task>(std::move(input), options);
    return StartTask(info.Env(), std::move(task), ThreadPool::Shared());
  });
}

Napi::Value RunDecodeTopK(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    auto task =
        std::make_unique<TopKTask>(ObjectOf(info[0], "outputs"), ObjectOf(info[1], "options"));
    return StartTask(info.Env(), std::move(task), ThreadPool::Shared());
  });
}

}  // namespace

void ExportDecoding(Napi::Env env, Napi::Object exports) {
  exports.Set("decodeYolov8", Napi::Function::New(env, RunDecodeYolov8));
  exports.Set("decodeTopK", Napi::Function::New(env, RunDecodeTopK));
}

}  // namespace tensorrt_node::bind
