#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/handle.h"
#include "bind/task.h"
#include "core/host_buffer.h"
#include "core/thread_pool.h"
#include "vision/letterbox.h"
#include "vision/parallel.h"
#include "vision/yolov8.h"

namespace tensorrt_node::bind {
namespace {

using BufferHandle = Handle<HostBuffer>;

constexpr std::size_t kMaxBatch = 65536;

/// Bytes that a task reads off the JS thread, with whatever keeps them there.
struct TaskInput {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  HostBuffer buffer;  ///< Of a buffer handle, or of the copy of a typed array.
  Napi::ObjectReference
      view;  ///< A typed array that the caller lends. JS thread only (task.h, rule 2).
};

/// `value` is a buffer handle or a view of bytes. A view is copied, since JS may change or detach
/// it at any time, unless `lent` says that the caller keeps it untouched until the task is done.
TaskInput InputOf(const Napi::Value& value, bool lent, const char* name) {
  TaskInput input;
  if (BufferHandle::Is(value)) {
    input.buffer = *BufferHandle::Get(value, name);
    input.data = input.buffer.data;
    input.size = input.buffer.size;
    return input;
  }
  const ByteView bytes = BytesOf(value, name);
  input.size = bytes.size;
  if (lent) {
    input.data = bytes.data;
    input.view = Napi::Persistent(value.As<Napi::Object>());
  } else {
    input.buffer = AllocateHostBuffer(bytes.size);
    if (bytes.size != 0) std::copy_n(bytes.data, bytes.size, input.buffer.data);
    input.data = input.buffer.data;
  }
  return input;
}

bool FlagOf(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return !value.IsUndefined() && BooleanOf(value, name);
}

std::size_t SizeOr(const Napi::Object& object, const char* name, std::size_t fallback) {
  const Napi::Value value = object.Get(name);
  return value.IsUndefined() ? fallback : SizeOf(value, name);
}

/// The array under `name`, of at most kMaxBatch items.
Napi::Array ArrayOf(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) throw InvalidArgument(name, "an array", "something else");
  auto array = value.As<Napi::Array>();
  if (array.Length() > kMaxBatch) {
    throw InvalidArgument(name, "at most " + std::to_string(kMaxBatch) + " items",
                          std::to_string(array.Length()));
  }
  return array;
}

InputFormat FormatOf(const Napi::Value& value) {
  const std::string format = StringOf(value, "format");
  if (format == "u8-nhwc") return InputFormat::kUint8Nhwc;
  if (format == "u8-nchw") return InputFormat::kUint8Nchw;
  if (format == "f32-nchw") return InputFormat::kFloat32Nchw;
  if (format == "f16-nchw") return InputFormat::kFloat16Nchw;
  throw InvalidArgument("format", R"(one of "u8-nhwc", "u8-nchw", "f32-nchw", "f16-nchw")",
                        '"' + format + '"');
}

PixelLayout PixelLayoutOf(const Napi::Value& value) {
  const std::string layout = value.IsUndefined() ? "rgb" : StringOf(value, "layout");
  if (layout == "rgb") return PixelLayout::kRgb;
  if (layout == "bgr") return PixelLayout::kBgr;
  if (layout == "rgba") return PixelLayout::kRgba;
  if (layout == "bgra") return PixelLayout::kBgra;
  if (layout == "gray") return PixelLayout::kGray;
  throw InvalidArgument("layout", R"(one of "rgb", "bgr", "rgba", "bgra", "gray")",
                        '"' + layout + '"');
}

class LetterboxTask final : public Task {
 public:
  LetterboxTask(HostBuffer target, InputFormat format, std::uint8_t fill)
      : target_(std::move(target)), format_(format), fill_(fill) {}

  void AddImage(const Napi::Object& object, std::size_t canvas_width, std::size_t canvas_height) {
    Item item;
    item.plan = {canvas_width,
                 canvas_height,
                 SizeOf(object.Get("resizedWidth"), "resizedWidth"),
                 SizeOf(object.Get("resizedHeight"), "resizedHeight"),
                 SizeOf(object.Get("padLeft"), "padLeft"),
                 SizeOf(object.Get("padTop"), "padTop")};
    item.plan.Check();
    item.image.width = SizeOf(object.Get("width"), "width");
    item.image.height = SizeOf(object.Get("height"), "height");
    item.image.layout = PixelLayoutOf(object.Get("layout"));
    item.image.stride_bytes =
        SizeOr(object, "strideBytes", item.image.width * ChannelsOf(item.image.layout));
    const std::size_t needed = item.image.ByteSize();
    item.offset = SizeOr(object, "targetOffset", 0);
    CheckTarget(item.plan, item.offset);
    item.pixels = InputOf(object.Get("data"), FlagOf(object, "lent"), "data");
    if (item.pixels.size < needed) {
      throw InvalidArgument("data", "at least " + std::to_string(needed) + " bytes of pixels",
                            std::to_string(item.pixels.size));
    }
    item.image.data = item.pixels.data;
    items_.push_back(std::move(item));
  }

  /// Throws when two images would be written over each other.
  void CheckDisjoint() const {
    std::vector<std::size_t> offsets;
    for (const Item& item : items_) offsets.push_back(item.offset);
    std::sort(offsets.begin(), offsets.end());
    for (std::size_t i = 1; i < offsets.size(); ++i) {
      if (offsets[i] - offsets[i - 1] < CanvasBytes(items_[0].plan, format_)) {
        throw InvalidArgument(
            "targetOffset", "places that do not overlap",
            std::to_string(offsets[i - 1]) + " and " + std::to_string(offsets[i]));
      }
    }
  }

  void Execute() override {
    ThreadPool& pool = ThreadPool::Shared();
    const Isa isa = BestIsa();
    ParallelFor(
        items_.size(),
        [&](std::size_t i) {
          const Item& item = items_[i];
          Letterbox(item.image, item.plan, format_, fill_, target_.data + item.offset, isa);
        },
        pool, pool.size() - 1);
  }

  Napi::Value Result(Napi::Env env) override { return env.Undefined(); }

 private:
  struct Item {
    TaskInput pixels;
    ImageView image;
    LetterboxPlan plan;
    std::size_t offset = 0;
  };

  void CheckTarget(const LetterboxPlan& plan, std::size_t offset) const {
    const std::size_t bytes = CanvasBytes(plan, format_);
    if (offset > target_.size || bytes > target_.size - offset) {
      throw InvalidArgument("targetOffset",
                            "room for " + std::to_string(bytes) + " bytes in the target of " +
                                std::to_string(target_.size),
                            std::to_string(offset));
    }
    if (offset % 4 != 0 && format_ != InputFormat::kUint8Nhwc &&
        format_ != InputFormat::kUint8Nchw) {
      throw InvalidArgument("targetOffset", "a multiple of 4", std::to_string(offset));
    }
  }

  HostBuffer target_;
  InputFormat format_;
  std::uint8_t fill_;
  std::vector<Item> items_;
};

Napi::Value RunLetterbox(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    const Napi::Object canvas = ObjectOf(info[1], "canvas");
    const Napi::Array images = ArrayOf(info[2], "images");
    const std::size_t width = SizeOf(canvas.Get("width"), "canvas width");
    const std::size_t height = SizeOf(canvas.Get("height"), "canvas height");
    const Napi::Value fill = canvas.Get("fill");
    auto task = std::make_unique<LetterboxTask>(
        *BufferHandle::Get(info[0], "target"), FormatOf(canvas.Get("format")),
        static_cast<std::uint8_t>(fill.IsUndefined() ? 114 : Int32Of(fill, "fill", 0, 255)));
    for (std::uint32_t i = 0; i < images.Length(); ++i) {
      const Napi::HandleScope scope(env);
      task->AddImage(ObjectOf(images.Get(i), "image"), width, height);
    }
    task->CheckDisjoint();
    return StartTask(env, std::move(task), ThreadPool::Shared());
  });
}

template <typename Array, typename Element>
Array CopyOf(Napi::Env env, const std::vector<Element>& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

class Yolov8Task final : public Task {
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
    options_.confidence =
        static_cast<float>(NumberOf(options.Get("confidence"), "confidence", 0, 1));
    options_.iou = NumberOf(options.Get("iou"), "iou", 0, 1);
    options_.max_detections = SizeOf(options.Get("maxDetections"), "maxDetections");
    options_.max_candidates = SizeOr(options, "maxCandidates", options_.max_candidates);
    options_.agnostic = FlagOf(options, "agnostic");
    ReadClasses(options.Get("classes"));
    ReadImages(ArrayOf(options.Get("images"), "images"));
    const std::size_t offset = SizeOr(options, "byteOffset", 0);
    const std::size_t item = output_.ByteSize();
    if (offset > input_.size || (item != 0 && images_.size() > (input_.size - offset) / item)) {
      throw InvalidArgument("output",
                            std::to_string(images_.size()) + " x " + std::to_string(item) +
                                " bytes at " + std::to_string(offset),
                            std::to_string(input_.size) + " bytes");
    }
    data_ = input_.data + offset;
    if (reinterpret_cast<std::uintptr_t>(data_) % (output_.half ? 2 : 4) != 0) {
      throw InvalidArgument("output", "data aligned for its elements", "an odd address");
    }
  }

  void Execute() override {
    ThreadPool& pool = ThreadPool::Shared();
    const Isa isa = BestIsa();
    found_.resize(images_.size());
    native_ms_.resize(images_.size());
    ParallelFor(
        images_.size(),
        [&](std::size_t i) {
          Yolov8Output output = output_;
          output.data = data_ + i * output.ByteSize();
          const auto start = std::chrono::steady_clock::now();
          found_[i] = DecodeYolov8(output, options_, images_[i], isa);
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
      item.Set("nativeMs", Napi::Number::New(env, native_ms_[i]));
      result.Set(static_cast<std::uint32_t>(i), item);
    }
    return result;
  }

 private:
  void ReadClasses(const Napi::Value& value) {
    if (value.IsUndefined()) return;
    const Napi::Array classes = ArrayOf(value, "classes");
    options_.allowed.assign(output_.classes, 0);
    for (std::uint32_t i = 0; i < classes.Length(); ++i) {
      const auto last = static_cast<std::int32_t>(output_.classes - 1);
      options_.allowed[static_cast<std::size_t>(Int32Of(classes.Get(i), "classes", 0, last))] = 1;
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

  TaskInput input_;
  const std::uint8_t* data_ = nullptr;
  Yolov8Output output_;
  DetectionOptions options_;
  std::vector<BoxMapping> images_;
  std::vector<Detections> found_;
  std::vector<double> native_ms_;
};

Napi::Value RunDecodeYolov8(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Object options = ObjectOf(info[1], "options");
    TaskInput input = InputOf(info[0], FlagOf(options, "lent"), "output");
    auto task = std::make_unique<Yolov8Task>(std::move(input), options);
    return StartTask(info.Env(), std::move(task), ThreadPool::Shared());
  });
}

}  // namespace

void ExportVision(Napi::Env env, Napi::Object exports) {
  exports.Set("letterbox", Napi::Function::New(env, RunLetterbox));
  exports.Set("decodeYolov8", Napi::Function::New(env, RunDecodeYolov8));
}

}  // namespace tensorrt_node::bind
