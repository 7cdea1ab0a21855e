#include "trt/flavor_profiles.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "trt/flavor_logger.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

using Selector = nvinfer1::OptProfileSelector;

/// A text of the library may be null.
const char* OrEmpty(const char* text) noexcept { return text != nullptr ? text : ""; }

std::string Join(const std::int64_t* values, std::size_t count, const char* separator) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += (i > 0 ? separator : "") + std::to_string(values[i]);
  return text;
}

std::string ShapeText(const nvinfer1::Dims& dims) {
  if (dims.nbDims <= 0) return "a scalar";
  return Join(dims.d, static_cast<std::size_t>(dims.nbDims), "x");
}

std::string ShapeText(const std::vector<std::int64_t>& dims) {
  return dims.empty() ? "a scalar" : Join(dims.data(), dims.size(), "x");
}

std::string RangeText(const trt::ShapeRange& range) {
  const auto text = [&range](const std::vector<std::int64_t>& values) {
    return range.is_values ? "[" + Join(values.data(), values.size(), ", ") + "]"
                           : ShapeText(values);
  };
  return text(range.min) + ":" + text(range.opt) + ":" + text(range.max);
}

bool IsDynamic(const nvinfer1::Dims& dims) {
  for (int i = 0; i < dims.nbDims; ++i) {
    if (dims.d[i] < 0) return true;
  }
  return false;
}

void CheckOrder(const trt::ShapeRange& range, const std::string& name) {
  for (std::size_t i = 0; i < range.min.size(); ++i) {
    if (range.min[i] > range.opt[i] || range.opt[i] > range.max[i])
      throw InvalidArgument(name, "min <= opt <= max", RangeText(range));
  }
}

void CheckShapes(const trt::ShapeRange& range, const nvinfer1::Dims& dims) {
  const std::string name = "shapes of input \"" + range.input + "\"";
  const auto rank = static_cast<std::size_t>(dims.nbDims);
  for (const std::vector<std::int64_t>* shape : {&range.min, &range.opt, &range.max}) {
    bool fits = shape->size() == rank;
    for (std::size_t i = 0; fits && i < rank; ++i) {
      fits = (*shape)[i] >= 0 && (dims.d[i] < 0 || dims.d[i] == (*shape)[i]);
    }
    if (!fits) {
      throw InvalidArgument(name, "a shape that fits " + ShapeText(dims) + " (-1 is free)",
                            ShapeText(*shape));
    }
  }
  CheckOrder(range, name);
}

void CheckValues(const trt::ShapeRange& range, const nvinfer1::ITensor& input) {
  const std::string name = "values of input \"" + range.input + "\"";
  const nvinfer1::Dims dims = input.getDimensions();
  if (!input.isShapeTensor() || IsDynamic(dims)) {
    throw InvalidArgument(name, "a range for an input that the graph uses as a shape",
                          "a range for one of shape " + ShapeText(dims) + " that it does not");
  }
  std::size_t volume = 1;
  for (int i = 0; i < dims.nbDims; ++i) volume *= static_cast<std::size_t>(dims.d[i]);
  for (const std::vector<std::int64_t>* values : {&range.min, &range.opt, &range.max}) {
    if (values->size() != volume) {
      throw InvalidArgument(name, std::to_string(volume) + " values",
                            std::to_string(values->size()));
    }
  }
  CheckOrder(range, name);
}

nvinfer1::Dims ToDims(const std::vector<std::int64_t>& shape) {
  nvinfer1::Dims dims{};
  dims.nbDims = static_cast<std::int32_t>(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) dims.d[i] = shape[i];
  return dims;
}

bool SetValues(nvinfer1::IOptimizationProfile& profile, const char* name, Selector selector,
               const std::vector<std::int64_t>& values, const trt::Library& library) {
  const auto count = static_cast<std::int32_t>(values.size());
  if (library.Has(trt::gates::kOptimizationProfileSetShapeValuesV2)) {
    if (!profile.setShapeValuesV2(name, selector, values.data(), count)) return false;
    const std::int64_t* held = library.Has(trt::gates::kOptimizationProfileGetShapeValuesV2)
                                   ? profile.getShapeValuesV2(name, selector)
                                   : nullptr;
    for (std::int32_t i = 0; held != nullptr && i < count; ++i) {
      if (held[i] != values[static_cast<std::size_t>(i)]) return false;
    }
    return held != nullptr;
  }
#ifdef TRT_FLAVOR_TRT10
  // Before 10.11 values had 32 bits.
  std::vector<std::int32_t> narrow;
  for (const std::int64_t value : values) {
    if (value < std::numeric_limits<std::int32_t>::min() ||
        value > std::numeric_limits<std::int32_t>::max()) {
      library.Need(trt::gates::kOptimizationProfileSetShapeValuesV2,
                   "A shape value of more than 32 bits");
    }
    narrow.push_back(static_cast<std::int32_t>(value));
  }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  if (!profile.setShapeValues(name, selector, narrow.data(), count)) return false;
  const std::int32_t* held = profile.getShapeValues(name, selector);
#pragma GCC diagnostic pop
  return held != nullptr && std::equal(narrow.begin(), narrow.end(), held);
#else
  return false;
#endif
}

bool SetShape(nvinfer1::IOptimizationProfile& profile, const char* name, Selector selector,
              const std::vector<std::int64_t>& shape) {
  if (!profile.setDimensions(name, selector, ToDims(shape))) return false;
  const nvinfer1::Dims held = profile.getDimensions(name, selector);
  if (held.nbDims != static_cast<std::int32_t>(shape.size())) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (held.d[i] != shape[i]) return false;
  }
  return true;
}

const trt::ShapeRange* Find(const std::vector<trt::ShapeRange>& ranges, const char* input,
                            bool is_values) {
  for (const trt::ShapeRange& range : ranges) {
    if (range.input == input && range.is_values == is_values) return &range;
  }
  return nullptr;
}

std::string InputNames(const nvinfer1::INetworkDefinition& network) {
  std::string names;
  for (int i = 0; i < network.getNbInputs(); ++i) {
    names += std::string(i > 0 ? ", " : "") + OrEmpty(network.getInput(i)->getName());
  }
  return names.empty() ? "none" : names;
}

void CheckNames(const std::vector<trt::ShapeRange>& ranges,
                const nvinfer1::INetworkDefinition& network) {
  for (const trt::ShapeRange& range : ranges) {
    bool known = false;
    for (int i = 0; i < network.getNbInputs(); ++i) {
      known = known || range.input == OrEmpty(network.getInput(i)->getName());
    }
    if (!known) {
      throw InvalidArgument("shapes", "names of inputs (" + InputNames(network) + ")",
                            "\"" + range.input + "\"");
    }
  }
}

/// Says what an input lacks without which TensorRT cannot build.
void RequireRange(const nvinfer1::ITensor& input, const trt::ShapeRange* shapes,
                  const trt::ShapeRange* values, const char* where) {
  const nvinfer1::Dims dims = input.getDimensions();
  const std::string name = std::string("\"") + OrEmpty(input.getName()) + "\"";
  if (IsDynamic(dims) && shapes == nullptr) {
    throw InvalidArgument(
        "shapes", "a range for the dynamic input " + name + " of shape " + ShapeText(dims) + where,
        "none");
  }
  if (input.isShapeTensor() && values == nullptr) {
    throw InvalidArgument("shapes",
                          "{ values: { min, opt, max } } for the input " + name +
                              ", whose values the graph uses as a shape" + where,
                          "none");
  }
}

void FillInput(nvinfer1::IOptimizationProfile& profile, const nvinfer1::ITensor& input,
               const std::vector<trt::ShapeRange>& ranges, const trt::Library& library) {
  const char* name = OrEmpty(input.getName());
  const trt::ShapeRange* shapes = Find(ranges, name, false);
  const trt::ShapeRange* values = Find(ranges, name, true);
  RequireRange(input, shapes, values, " in every profile");
  bool set = true;
  if (shapes != nullptr) {
    CheckShapes(*shapes, input.getDimensions());
    set = SetShape(profile, name, Selector::kMIN, shapes->min) &&
          SetShape(profile, name, Selector::kOPT, shapes->opt) &&
          SetShape(profile, name, Selector::kMAX, shapes->max);
  }
  if (values != nullptr) {
    CheckValues(*values, input);
    set = set && SetValues(profile, name, Selector::kMIN, values->min, library) &&
          SetValues(profile, name, Selector::kOPT, values->opt, library) &&
          SetValues(profile, name, Selector::kMAX, values->max, library);
  }
  if (!set) {
    throw Error(ErrorCode::kEngineBuild,
                std::string("TensorRT refused the shapes of input \"") + name + "\"",
                Logger::Get().Errors());
  }
}

void SetMemoryTarget(nvinfer1::IOptimizationProfile& profile, double target) {
  if (!(target >= 0 && target <= 1))
    throw InvalidArgument("extraMemoryTarget", "a number from 0 to 1", "another one");
  const auto wanted = static_cast<float>(target);
  if (!profile.setExtraMemoryTarget(wanted) || profile.getExtraMemoryTarget() != wanted) {
    throw Error(ErrorCode::kEngineBuild, "TensorRT refused the extra memory target",
                Logger::Get().Errors());
  }
}

}  // namespace

void AddProfiles(nvinfer1::IBuilder& builder, nvinfer1::IBuilderConfig& config,
                 const nvinfer1::INetworkDefinition& network, const trt::Library& library,
                 const trt::BuildRequest& request) {
  const auto& targets = request.extra_memory_targets;
  if (!targets.empty() && targets.size() != request.profiles.size()) {
    throw InvalidArgument("extraMemoryTarget", "one value for each profile",
                          std::to_string(targets.size()) + " values for " +
                              std::to_string(request.profiles.size()) + " profiles");
  }
  for (int i = 0; request.profiles.empty() && i < network.getNbInputs(); ++i) {
    RequireRange(*network.getInput(i), nullptr, nullptr, "");
  }
  for (std::size_t index = 0; index < request.profiles.size(); ++index) {
    const std::vector<trt::ShapeRange>& ranges = request.profiles[index];
    CheckNames(ranges, network);
    // Owned by the builder.
    nvinfer1::IOptimizationProfile* profile = builder.createOptimizationProfile();
    if (profile == nullptr) {
      throw Error(ErrorCode::kEngineBuild, "TensorRT could not create an optimisation profile");
    }
    for (int i = 0; i < network.getNbInputs(); ++i) {
      FillInput(*profile, *network.getInput(i), ranges, library);
    }
    if (!targets.empty()) SetMemoryTarget(*profile, targets[index]);
    if (!profile->isValid() ||
        config.addOptimizationProfile(profile) != static_cast<std::int32_t>(index)) {
      throw Error(ErrorCode::kEngineBuild, "TensorRT refused an optimisation profile",
                  Logger::Get().Errors());
    }
  }
}

}  // namespace tensorrt_node::TRT_FLAVOR
