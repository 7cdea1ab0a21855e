// The table of builder options. A new option is one row here and one in
// src/engine/build-options.ts.
#include "trt/flavor_settings.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "trt/flavor_logger.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

struct Target {
  nvinfer1::IBuilderConfig& config;
  const trt::Library& library;
};

void SetFlag(const Target& target, nvinfer1::BuilderFlag flag, const trt::SettingValue& value) {
  if (value.number != 0) {
    target.config.setFlag(flag);
  } else {
    target.config.clearFlag(flag);
  }
}

/// For options whose enumerator, not whose function, is younger than the floor.
[[maybe_unused]] void NeedVersion(const Target& target, const trt::SettingValue& value, int major,
                                  int minor) {
  const trt::Version& own = target.library.info().version;
  // Only a floor of the same product line counts: rtx1's versions run on their own.
  if (own.major == major && own.minor < minor) {
    throw Error(ErrorCode::kTensorRtVersion,
                "The build option " + value.name + " needs TensorRT " + std::to_string(major) +
                    "." + std::to_string(minor) + " or later; loaded is " + trt::VersionText(own));
  }
}

template <typename Enum>
struct Choice {
  const char* text;
  Enum value;
};

template <typename Enum, std::size_t count>
Enum Choose(const Choice<Enum> (&choices)[count], const trt::SettingValue& value) {
  std::string known;
  for (const Choice<Enum>& choice : choices) {
    if (value.text == choice.text) return choice.value;
    known += std::string(known.empty() ? "" : ", ") + choice.text;
  }
  throw InvalidArgument(value.name, "one of " + known, "\"" + value.text + "\"");
}

std::int32_t AsInt32(const trt::SettingValue& value, std::int32_t min, std::int32_t max) {
  if (value.number < min || value.number > max) {
    throw InvalidArgument(value.name,
                          "an integer from " + std::to_string(min) + " to " + std::to_string(max),
                          std::to_string(value.number));
  }
  return static_cast<std::int32_t>(value.number);
}

void SetHardwareCompatibility(const Target& target, const trt::SettingValue& value) {
  using Level = nvinfer1::HardwareCompatibilityLevel;
  static constexpr Choice<Level> choices[] = {
      {"none", Level::kNONE},
      {"ampere+", Level::kAMPERE_PLUS},
      {"same-compute-capability", Level::kSAME_COMPUTE_CAPABILITY}};
  const Level level = Choose(choices, value);
#ifdef TRT_FLAVOR_RTX1
  static_cast<void>(target);
  // The library only warns and goes on, which would leave the caller with another engine than asked
  // for.
  if (level != Level::kNONE) {
    throw InvalidArgument(value.name, "no value with rtx1, which takes computeCapabilities instead",
                          "\"" + value.text + "\"");
  }
#else
  if (level == Level::kSAME_COMPUTE_CAPABILITY) NeedVersion(target, value, 10, 9);
  target.config.setHardwareCompatibilityLevel(level);
#endif
}

void SetProfilingVerbosity(const Target& target, const trt::SettingValue& value) {
  using Verbosity = nvinfer1::ProfilingVerbosity;
  static constexpr Choice<Verbosity> choices[] = {{"none", Verbosity::kNONE},
                                                  {"layer-names", Verbosity::kLAYER_NAMES_ONLY},
                                                  {"detailed", Verbosity::kDETAILED}};
  target.config.setProfilingVerbosity(Choose(choices, value));
}

void SetWorkspace(const Target& target, const trt::SettingValue& value) {
  if (value.number < 0) throw InvalidArgument(value.name, "a size", std::to_string(value.number));
  target.config.setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE,
                                   static_cast<std::size_t>(value.number));
}

struct Setting {
  const char* name;
  void (*apply)(const Target& target, const trt::SettingValue& value);
};

using Flag = nvinfer1::BuilderFlag;

template <nvinfer1::BuilderFlag flag>
void ApplyFlag(const Target& target, const trt::SettingValue& value) {
  SetFlag(target, flag, value);
}

constexpr Setting kSettings[] = {
    {"optimizationLevel",
     [](const Target& target, const trt::SettingValue& value) {
       target.config.setBuilderOptimizationLevel(AsInt32(value, 0, 5));
     }},
    {"workspaceBytes", SetWorkspace},
    {"maxAuxStreams",
     // Since 11.0 the function answers whether it took the value; older ones answer nothing, so the
     // answer is never read: a refusal shows in the log.
     [](const Target& target, const trt::SettingValue& value) {
       target.config.setMaxAuxStreams(AsInt32(value, 0, 128));
     }},
    {"averageTimingIterations",
     [](const Target& target, const trt::SettingValue& value) {
       target.config.setAvgTimingIterations(AsInt32(value, 1, 1000));
     }},
    {"hardwareCompatibility", SetHardwareCompatibility},
    {"profilingVerbosity", SetProfilingVerbosity},
    {"versionCompatible", ApplyFlag<Flag::kVERSION_COMPATIBLE>},
    {"excludeLeanRuntime", ApplyFlag<Flag::kEXCLUDE_LEAN_RUNTIME>},
    {"tf32", ApplyFlag<Flag::kTF32>},
    {"sparseWeights", ApplyFlag<Flag::kSPARSE_WEIGHTS>},
    {"refittable", ApplyFlag<Flag::kREFIT>},
    {"stripWeights", ApplyFlag<Flag::kSTRIP_PLAN>},
    {"weightStreaming", ApplyFlag<Flag::kWEIGHT_STREAMING>},
};

}  // namespace

void ApplySettings(nvinfer1::IBuilderConfig& config, const trt::Library& library,
                   const std::vector<trt::SettingValue>& settings) {
  const Target target{config, library};
  Logger& logger = Logger::Get();
  for (const trt::SettingValue& value : settings) {
    const Setting* found = nullptr;
    for (const Setting& setting : kSettings) {
      if (value.name == setting.name) found = &setting;
    }
    if (found == nullptr) {
      throw InvalidArgument("a build option", "a name that this flavour has",
                            "\"" + value.name + "\"");
    }
    const std::size_t before = logger.ErrorCount();
    found->apply(target, value);
    const std::vector<std::string> errors = logger.Errors();
    if (errors.size() > before) {
      throw Error(ErrorCode::kEngineBuild,
                  "TensorRT refused the build option " + value.name + ": " + errors[before],
                  errors);
    }
  }
}

void ApplyComputeCapabilities(nvinfer1::IBuilderConfig& config,
                              const std::vector<int>& capabilities) {
  if (capabilities.empty()) return;
#ifdef TRT_FLAVOR_RTX1
  using Capability = nvinfer1::ComputeCapability;
  static constexpr Capability known[] = {Capability::kSM75, Capability::kSM80,  Capability::kSM86,
                                         Capability::kSM89, Capability::kSM120, Capability::kSM121};
  bool accepted = config.setNbComputeCapabilities(static_cast<std::int32_t>(capabilities.size()));
  for (std::size_t i = 0; i < capabilities.size(); ++i) {
    const auto* match =
        std::find(std::begin(known), std::end(known), static_cast<Capability>(capabilities[i]));
    if (match == std::end(known)) {
      throw InvalidArgument(
          "computeCapabilities", "any of 7.5, 8.0, 8.6, 8.9, 12.0, 12.1",
          std::to_string(capabilities[i] / 10) + "." + std::to_string(capabilities[i] % 10));
    }
    accepted = config.setComputeCapability(*match, static_cast<std::int32_t>(i)) && accepted;
  }
  if (!accepted) {
    const std::vector<std::string> errors = Logger::Get().Errors();
    throw Error(ErrorCode::kEngineBuild,
                "TensorRT refused the compute capabilities" +
                    (errors.empty() ? std::string() : ": " + errors.front()),
                errors);
  }
#else
  static_cast<void>(config);
  throw InvalidArgument("computeCapabilities",
                        "no value with this flavour, which builds for the GPU "
                        "of this machine only",
                        std::to_string(capabilities.size()) + " values");
#endif
}

}  // namespace tensorrt_node::TRT_FLAVOR
