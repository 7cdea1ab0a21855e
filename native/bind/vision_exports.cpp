#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bind/arguments.h"
#include "bind/error_bridge.h"
#include "bind/exports.h"
#include "bind/handle.h"
#include "bind/task.h"
#include "bind/vision_arguments.h"
#include "core/host_buffer.h"
#include "core/thread_pool.h"
#include "vision/letterbox.h"
#include "vision/parallel.h"

namespace tensorrt_node::bind {
namespace {

using BufferHandle = Handle<HostBuffer>;

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
    offsets.reserve(items_.size());
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
    const Napi::Array images = BatchOf(info[2], "images");
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

}  // namespace

void ExportVision(Napi::Env env, Napi::Object exports) {
  exports.Set("letterbox", Napi::Function::New(env, RunLetterbox));
}

}  // namespace tensorrt_node::bind
