// The table of builder settings: every row of src/engine/options/table.ts that this flavour has. A
// test compares both. A setting that the loaded library would take and then ignore is left out
// here, so that it is refused.
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"
#include "trt/flavor_settings.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

using nvinfer1::BuilderFlag;
using nvinfer1::IBuilderConfig;
using nvinfer1::MemoryPoolType;
using trt::Gate;
using trt::SettingChoice;
using trt::SettingInfo;
using trt::SettingKind;

// Enumerators that are younger than the oldest supported library. What is compiled out of a flavour
// below needs no gate.
constexpr Gate kAlways{"", 0, 0, 0};
constexpr Gate kSince10_6{"", 0, 6, 0};
[[maybe_unused]] constexpr Gate kSince10_8{"", 0, 8, 0};
[[maybe_unused]] constexpr Gate kSince10_9{"", 0, 9, 0};
constexpr Gate kSince10_10{"", 0, 10, 0};
[[maybe_unused]] constexpr Gate kSince10_11{"", 0, 11, 0};
constexpr Gate kSince10_12{"", 0, 12, 0};
constexpr Gate kSince10_15{"", 0, 15, 0};
[[maybe_unused]] constexpr Gate kSince10_16{"", 0, 16, 0};

#ifndef TRT_FLAVOR_RTX1
constexpr Gate kMaxTactics = trt::gates::kBuilderConfigSetMaxNbTactics;
static_assert(kMaxTactics.trt10 == trt::gates::kBuilderConfigGetMaxNbTactics.trt10, "");
constexpr Gate kTiling = trt::gates::kBuilderConfigSetTilingOptimizationLevel;
static_assert(kTiling.trt10 == trt::gates::kBuilderConfigGetTilingOptimizationLevel.trt10, "");
constexpr Gate kL2Limit = trt::gates::kBuilderConfigSetL2LimitForTiling;
static_assert(kL2Limit.trt10 == trt::gates::kBuilderConfigGetL2LimitForTiling.trt10, "");
#endif

template <typename Enum>
constexpr std::int32_t Number(Enum value) {
  return static_cast<std::int32_t>(value);
}

template <BuilderFlag flag>
bool ApplyFlag(const SettingTarget& target, const CheckedSetting& value, Step step) {
  if (step == Step::kSet && value.number != 0) target.config.setFlag(flag);
  if (step == Step::kSet && value.number == 0) target.config.clearFlag(flag);
  return target.config.getFlag(flag) == (value.number != 0);
}

/// Numbers and enumerators of the configuration. What a setter answers is not read: older libraries
/// answer nothing, and the getter tells.
template <auto set, auto get>
bool Apply(const SettingTarget& target, const CheckedSetting& value, Step step) {
  using Value = decltype((target.config.*get)());
  if (step == Step::kSet) (target.config.*set)(static_cast<Value>(value.number));
  return (target.config.*get)() == static_cast<Value>(value.number);
}

template <MemoryPoolType pool>
bool ApplyPool(const SettingTarget& target, const CheckedSetting& value, Step step) {
  const auto size = static_cast<std::size_t>(value.number);
  if (step == Step::kSet) target.config.setMemoryPoolLimit(pool, size);
  return target.config.getMemoryPoolLimit(pool) == size;
}

[[maybe_unused]] bool ApplyTacticSources(const SettingTarget& target, const CheckedSetting& value,
                                         Step step) {
  if (step == Step::kSet) target.config.setTacticSources(value.mask);
  return target.config.getTacticSources() == value.mask;
}

bool ApplyPreviewFeatures(const SettingTarget& target, const CheckedSetting& value, Step step) {
  bool taken = true;
  for (std::size_t i = 0; i < value.info.choice_count; ++i) {
    const SettingChoice& choice = value.info.choices[i];
    if (!target.library.Has(choice.since)) continue;
    const auto feature = static_cast<nvinfer1::PreviewFeature>(choice.number);
    const bool wanted = (value.mask & (1U << static_cast<std::uint32_t>(choice.number))) != 0;
    if (step == Step::kSet) target.config.setPreviewFeature(feature, wanted);
    taken = taken && target.config.getPreviewFeature(feature) == wanted;
  }
  return taken;
}

bool ApplyParserFlags(const SettingTarget& target, const CheckedSetting& value, Step step) {
  if (step == Step::kSet) {
#ifndef TRT_FLAVOR_RTX1
    // That check reads the builder's configuration.
    constexpr auto report =
        static_cast<std::uint32_t>(nvonnxparser::OnnxParserFlag::kREPORT_CAPABILITY_DLA);
    if ((value.mask & (1U << report)) != 0) {
      target.library.Need(trt::gates::kParserSetBuilderConfig, "Checking a model for DLA");
      if (!target.parser.setBuilderConfig(&target.config)) return false;
    }
#endif
    target.parser.setFlags(value.mask);
  }
  return target.parser.getFlags() == value.mask;
}

bool ApplyPluginsToSerialize(const SettingTarget& target, const CheckedSetting& value, Step step) {
  std::vector<const char*> paths;
  for (const std::string& path : value.list) paths.push_back(path.c_str());
  if (step == Step::kSet)
    target.config.setPluginsToSerialize(paths.data(), static_cast<std::int32_t>(paths.size()));
  if (target.config.getNbPluginsToSerialize() != static_cast<std::int32_t>(paths.size()))
    return false;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const char* path = target.config.getPluginToSerialize(static_cast<std::int32_t>(i));
    if (path == nullptr || std::strcmp(path, paths[i]) != 0) return false;
  }
  return true;
}

/// Into the builder's own registry, which goes with the builder.
bool ApplyPluginLibraries(const SettingTarget& target, const CheckedSetting& value, Step step) {
  if (step != Step::kSet) return true;
  for (const std::string& path : value.list) {
    if (target.builder.getPluginRegistry().loadLibrary(path.c_str()) == nullptr) return false;
  }
  return true;
}

bool ApplyBuilderThreads(const SettingTarget& target, const CheckedSetting& value, Step step) {
  const auto count = static_cast<std::int32_t>(value.number);
  if (step == Step::kSet && !target.builder.setMaxThreads(count)) return false;
  return target.builder.getMaxThreads() == count;
}

[[maybe_unused]] bool SameText(const char* text, const std::string& wanted) {
  return text != nullptr && wanted == text;
}

#ifndef TRT_FLAVOR_RTX1
void RequireDla(const SettingTarget& target, const char* name) {
  const int cores = target.builder.getNbDLACores();
  if (cores == 0)
    throw InvalidArgument(name, "no value on this machine, which has no DLA core", "one");
}

bool ApplyDeviceType(const SettingTarget& target, const CheckedSetting& value, Step step) {
  const auto wanted = static_cast<nvinfer1::DeviceType>(value.number);
  if (wanted == nvinfer1::DeviceType::kDLA) RequireDla(target, "deviceType");
  if (step == Step::kSet) target.config.setDefaultDeviceType(wanted);
  return target.config.getDefaultDeviceType() == wanted;
}

bool ApplyDlaCore(const SettingTarget& target, const CheckedSetting& value, Step step) {
  RequireDla(target, "dlaCore");
  const auto core = static_cast<std::int32_t>(value.number);
  if (step == Step::kSet) target.config.setDLACore(core);
  return target.config.getDLACore() == core;
}

constexpr Gate kRemoteTuning = trt::gates::kBuilderConfigSetRemoteAutoTuningConfig;
static_assert(kRemoteTuning.trt10 == trt::gates::kBuilderConfigGetRemoteAutoTuningConfig.trt10, "");
bool ApplyRemoteAutoTuning(const SettingTarget& target, const CheckedSetting& value, Step step) {
  if (step == Step::kSet && !target.config.setRemoteAutoTuningConfig(value.text.c_str()))
    return false;
  return SameText(target.config.getRemoteAutoTuningConfig(), value.text);
}
#endif

#ifdef TRT_FLAVOR_TRT11
constexpr Gate kBuildRoute = trt::gates::kBuilderConfigSetBuildRoute;
static_assert(kBuildRoute.trt11 == trt::gates::kBuilderConfigGetBuildRoute.trt11, "");
bool ApplyBuildRoute(const SettingTarget& target, const CheckedSetting& value, Step step) {
  if (step == Step::kSet && !target.config.setBuildRoute(value.text.c_str())) return false;
  return SameText(target.config.getBuildRoute(), value.text);
}
#endif

// Some values are deprecated and still work.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
[[maybe_unused]] constexpr SettingChoice kHardwareLevels[] = {
    {"none", Number(nvinfer1::HardwareCompatibilityLevel::kNONE), kAlways},
    {"ampere+", Number(nvinfer1::HardwareCompatibilityLevel::kAMPERE_PLUS), kAlways},
    {"same-compute-capability",
     Number(nvinfer1::HardwareCompatibilityLevel::kSAME_COMPUTE_CAPABILITY), kSince10_9},
};
constexpr SettingChoice kVerbosities[] = {
    {"none", Number(nvinfer1::ProfilingVerbosity::kNONE), kAlways},
    {"layer-names", Number(nvinfer1::ProfilingVerbosity::kLAYER_NAMES_ONLY), kAlways},
    {"detailed", Number(nvinfer1::ProfilingVerbosity::kDETAILED), kAlways},
};
constexpr SettingChoice kPlatforms[] = {
    {"same-as-build", Number(nvinfer1::RuntimePlatform::kSAME_AS_BUILD), kAlways},
    {"windows-x64", Number(nvinfer1::RuntimePlatform::kWINDOWS_AMD64), kAlways},
};
constexpr SettingChoice kCapabilities[] = {
    {"standard", Number(nvinfer1::EngineCapability::kSTANDARD), kAlways},
#ifndef TRT_FLAVOR_RTX1
    {"safety", Number(nvinfer1::EngineCapability::kSAFETY), kAlways},
    {"dla-standalone", Number(nvinfer1::EngineCapability::kDLA_STANDALONE), kAlways},
#endif
};
[[maybe_unused]] constexpr SettingChoice kTilingLevels[] = {
    {"none", Number(nvinfer1::TilingOptimizationLevel::kNONE), kAlways},
    {"fast", Number(nvinfer1::TilingOptimizationLevel::kFAST), kAlways},
    {"moderate", Number(nvinfer1::TilingOptimizationLevel::kMODERATE), kAlways},
    {"full", Number(nvinfer1::TilingOptimizationLevel::kFULL), kAlways},
};
[[maybe_unused]] constexpr SettingChoice kDevices[] = {
    {"gpu", Number(nvinfer1::DeviceType::kGPU), kAlways},
    {"dla", Number(nvinfer1::DeviceType::kDLA), kAlways},
};
[[maybe_unused]] constexpr SettingChoice kTacticSources[] = {
    {"edge-mask-convolutions", Number(nvinfer1::TacticSource::kEDGE_MASK_CONVOLUTIONS), kAlways},
    {"jit-convolutions", Number(nvinfer1::TacticSource::kJIT_CONVOLUTIONS), kAlways},
#ifdef TRT_FLAVOR_TRT10
    {"cublas", Number(nvinfer1::TacticSource::kCUBLAS), kAlways},
    {"cublas-lt", Number(nvinfer1::TacticSource::kCUBLAS_LT), kAlways},
    {"cudnn", Number(nvinfer1::TacticSource::kCUDNN), kAlways},
#endif
};
constexpr SettingChoice kPreviewFeatures[] = {
    {"aliased-plugin-io", Number(nvinfer1::PreviewFeature::kALIASED_PLUGIN_IO_10_03), kAlways},
    {"runtime-activation-resize",
     Number(nvinfer1::PreviewFeature::kRUNTIME_ACTIVATION_RESIZE_10_10), kSince10_10},
#ifdef TRT_FLAVOR_TRT10
    {"profile-sharing", Number(nvinfer1::PreviewFeature::kPROFILE_SHARING_0806), kAlways},
    {"multi-device-runtime", Number(nvinfer1::PreviewFeature::kMULTIDEVICE_RUNTIME_10_16),
     kSince10_16},
#endif
};
constexpr SettingChoice kParserFlags[] = {
    {"native-instance-norm", Number(nvonnxparser::OnnxParserFlag::kNATIVE_INSTANCENORM), kAlways},
#ifndef TRT_FLAVOR_RTX1
    {"uint8-asymmetric-quantization-dla",
     Number(nvonnxparser::OnnxParserFlag::kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA),
     kSince10_11},
    {"report-capability-dla", Number(nvonnxparser::OnnxParserFlag::kREPORT_CAPABILITY_DLA),
     kSince10_15},
    {"adjust-for-dla", Number(nvonnxparser::OnnxParserFlag::kADJUST_FOR_DLA), kSince10_16},
#endif
    {"plugin-override", Number(nvonnxparser::OnnxParserFlag::kENABLE_PLUGIN_OVERRIDE), kSince10_15},
};
#ifdef TRT_FLAVOR_TRT10
constexpr SettingChoice kQuantizationFlags[] = {
    {"calibrate-before-fusion", Number(nvinfer1::QuantizationFlag::kCALIBRATE_BEFORE_FUSION),
     kAlways},
};
bool ApplyQuantizationFlags(const SettingTarget& target, const CheckedSetting& value, Step step) {
  if (step == Step::kSet) target.config.setQuantizationFlags(value.mask);
  return target.config.getQuantizationFlags() == value.mask;
}
#endif

#pragma GCC diagnostic pop

[[maybe_unused]] constexpr std::int64_t kMaxInt = INT32_MAX;
constexpr std::int64_t kMaxBytes = 9007199254740991;
[[maybe_unused]] constexpr std::int64_t kMaxPool = 1LL << 40;

template <BuilderFlag flag>
constexpr Setting Flag(const char* name, const Gate& since) {
  return {{name, SettingKind::kBoolean, since, 0, 0, nullptr, 0}, ApplyFlag<flag>};
}

template <MemoryPoolType pool>
constexpr Setting Pool(const char* name, std::int64_t min, std::int64_t max) {
  return {{name, SettingKind::kInteger, kAlways, min, max, nullptr, 0},
          ApplyPool<pool>,
          static_cast<std::int32_t>(pool)};
}

template <auto set, auto get>
constexpr Setting Integer(const char* name, std::int64_t min, std::int64_t max,
                          const Gate& since = kAlways) {
  return {{name, SettingKind::kInteger, since, min, max, nullptr, 0}, Apply<set, get>};
}

template <auto set, auto get, std::size_t count>
constexpr Setting Choice(const char* name, const SettingChoice (&choices)[count],
                         const Gate& since = kAlways) {
  return {{name, SettingKind::kChoice, since, 0, 0, choices, count}, Apply<set, get>};
}

template <std::size_t count>
constexpr Setting Set(const char* name, const SettingChoice (&choices)[count],
                      bool (*apply)(const SettingTarget&, const CheckedSetting&, Step)) {
  return {{name, SettingKind::kSet, kAlways, 0, 0, choices, count}, apply};
}

constexpr Setting Plain(const char* name, SettingKind kind,
                        bool (*apply)(const SettingTarget&, const CheckedSetting&, Step),
                        const Gate& since = kAlways) {
  return {{name, kind, since, 0, 0, nullptr, 0}, apply};
}

using Config = IBuilderConfig;

constexpr Setting kSettings[] = {
    // How hard the builder looks.
    Integer<&Config::setBuilderOptimizationLevel, &Config::getBuilderOptimizationLevel>(
        "optimizationLevel", 0, 5),
#ifndef TRT_FLAVOR_RTX1
    Integer<&Config::setAvgTimingIterations, &Config::getAvgTimingIterations>(
        "averageTimingIterations", 1, 1000),
    Integer<&Config::setMaxNbTactics, &Config::getMaxNbTactics>("maxTactics", 1, kMaxInt - 1,
                                                                kMaxTactics),
    Set("tacticSources", kTacticSources, ApplyTacticSources),
    Choice<&Config::setTilingOptimizationLevel, &Config::getTilingOptimizationLevel>(
        "tilingOptimizationLevel", kTilingLevels, kTiling),
    Integer<&Config::setL2LimitForTiling, &Config::getL2LimitForTiling>("l2LimitForTilingBytes", 0,
                                                                        kMaxBytes, kL2Limit),
#endif
    Integer<&Config::setMaxAuxStreams, &Config::getMaxAuxStreams>("maxAuxStreams", 0, 128),
    {{"builderThreads", SettingKind::kInteger, kAlways, 1, 1024, nullptr, 0}, ApplyBuilderThreads},
    // Memory.
    Pool<MemoryPoolType::kWORKSPACE>("workspaceBytes", 0, kMaxBytes),
#ifndef TRT_FLAVOR_RTX1
    Pool<MemoryPoolType::kTACTIC_DRAM>("tacticDramBytes", 4096, kMaxPool),
#endif
    Pool<MemoryPoolType::kTACTIC_SHARED_MEMORY>("tacticSharedMemoryBytes", 0, (1LL << 30) - 1),
    Flag<BuilderFlag::kMONITOR_MEMORY>("monitorMemory", kSince10_6),
#ifdef TRT_FLAVOR_RTX1
    Flag<BuilderFlag::kREQUIRE_USER_ALLOCATION>("requireUserAllocation", kAlways),
#endif
    // Arithmetic.
    Flag<BuilderFlag::kTF32>("tf32", kAlways),
    Flag<BuilderFlag::kSPARSE_WEIGHTS>("sparseWeights", kAlways),
    Flag<BuilderFlag::kSTRICT_NANS>("strictNans", kSince10_6),
    Flag<BuilderFlag::kDISTRIBUTIVE_INDEPENDENCE>("distributiveIndependence", kSince10_12),
#ifdef TRT_FLAVOR_TRT10
    Set("quantizationFlags", kQuantizationFlags, ApplyQuantizationFlags),
#endif
    // Weights.
    Flag<BuilderFlag::kREFIT>("refittable", kAlways),
    Flag<BuilderFlag::kREFIT_IDENTICAL>("refitIdentical", kAlways),
    Flag<BuilderFlag::kREFIT_INDIVIDUAL>("refitIndividual", kAlways),
    Flag<BuilderFlag::kSTRIP_PLAN>("stripWeights", kAlways),
    Flag<BuilderFlag::kWEIGHT_STREAMING>("weightStreaming", kAlways),
// Where the plan may run.
#ifndef TRT_FLAVOR_RTX1
    Choice<&Config::setHardwareCompatibilityLevel, &Config::getHardwareCompatibilityLevel>(
        "hardwareCompatibility", kHardwareLevels),
#endif
    Choice<&Config::setRuntimePlatform, &Config::getRuntimePlatform>("runtimePlatform", kPlatforms),
    Choice<&Config::setEngineCapability, &Config::getEngineCapability>("engineCapability",
                                                                       kCapabilities),
    Flag<BuilderFlag::kVERSION_COMPATIBLE>("versionCompatible", kAlways),
    Flag<BuilderFlag::kEXCLUDE_LEAN_RUNTIME>("excludeLeanRuntime", kAlways),
#ifndef TRT_FLAVOR_RTX1
    // DLA.
    {{"deviceType", SettingKind::kChoice, kAlways, 0, 0, kDevices, 2}, ApplyDeviceType},
    {{"dlaCore", SettingKind::kInteger, kAlways, 0, 15, nullptr, 0}, ApplyDlaCore},
    Flag<BuilderFlag::kGPU_FALLBACK>("gpuFallback", kAlways),
    Pool<MemoryPoolType::kDLA_MANAGED_SRAM>("dlaManagedSramBytes", 4096, kMaxPool),
    Pool<MemoryPoolType::kDLA_LOCAL_DRAM>("dlaLocalDramBytes", 4096, kMaxPool),
    Pool<MemoryPoolType::kDLA_GLOBAL_DRAM>("dlaGlobalDramBytes", 4096, kMaxPool),
    // Timing cache.
    Flag<BuilderFlag::kDISABLE_TIMING_CACHE>("disableTimingCache", kAlways),
    Flag<BuilderFlag::kEDITABLE_TIMING_CACHE>("editableTimingCache", kSince10_8),
    Flag<BuilderFlag::kERROR_ON_TIMING_CACHE_MISS>("errorOnTimingCacheMiss", kAlways),
    Flag<BuilderFlag::kDISABLE_COMPILATION_CACHE>("disableCompilationCache", kAlways),
#endif
    // Reports.
    Choice<&Config::setProfilingVerbosity, &Config::getProfilingVerbosity>("profilingVerbosity",
                                                                           kVerbosities),
    Flag<BuilderFlag::kDEBUG>("debugSync", kAlways),
    // Parser, plug-ins, the rest.
    Set("parserFlags", kParserFlags, ApplyParserFlags),
    Set("previewFeatures", kPreviewFeatures, ApplyPreviewFeatures),
    Plain("pluginLibraries", SettingKind::kList, ApplyPluginLibraries),
    Plain("pluginsToSerialize", SettingKind::kList, ApplyPluginsToSerialize),
#ifndef TRT_FLAVOR_RTX1
    Plain("remoteAutoTuningConfig", SettingKind::kText, ApplyRemoteAutoTuning, kRemoteTuning),
#endif
#ifdef TRT_FLAVOR_TRT11
    Plain("buildRoute", SettingKind::kText, ApplyBuildRoute, kBuildRoute),
#endif
};

constexpr std::size_t kSettingCount = sizeof(kSettings) / sizeof(kSettings[0]);

// Every enumerator of the headers is offered above or left out, by name, below; a header that
// brings another one does not compile until it has its place. `unused` counts numbers without
// enumerator.
constexpr std::int32_t CountKind(SettingKind kind) {
  std::int32_t count = 0;
  for (const Setting& setting : kSettings) count += setting.info.kind == kind ? 1 : 0;
  return count;
}

/// Pools that have a row, each counted once. Numbers, since addresses of functions are no constants
/// to a compiler that adds sanitizers.
constexpr std::int32_t CountPools() {
  std::int32_t count = 0;
  for (std::int32_t pool = 0; pool < nvinfer1::EnumMax<MemoryPoolType>(); ++pool) {
    bool has = false;
    for (const Setting& setting : kSettings) has = has || setting.pool == pool;
    count += has ? 1 : 0;
  }
  return count;
}
constexpr std::int32_t kPools = CountPools();

template <typename Enum>
constexpr trt::EnumInfo Account(const char* name, std::int32_t offered, const char* left_out = "",
                                std::int32_t left_out_count = 0, std::int32_t unused = 0) {
  return {name, nvinfer1::EnumMax<Enum>(), offered, left_out, left_out_count, unused};
}
template <typename Enum, std::size_t count>
constexpr trt::EnumInfo Account(const char* name, const SettingChoice (&)[count]) {
  return Account<Enum>(name, static_cast<std::int32_t>(count));
}

// The parser's EnumMax gives the greatest number, not one more; that of 10.16 forgets
// kADJUST_FOR_DLA.
constexpr std::int32_t kParserFlagMax =
    static_cast<std::int32_t>(nvonnxparser::OnnxParserFlag::kADJUST_FOR_DLA) + 1;
static_assert(nvonnxparser::EnumMax<nvonnxparser::OnnxParserFlag>() < kParserFlagMax,
              "the parser's headers have a flag without a place in the table");

constexpr trt::EnumInfo kEnums[] = {
#ifdef TRT_FLAVOR_TRT10
    // Precision is what the graph says: those flags have no effect on typed networks.
    Account<BuilderFlag>("BuilderFlag", CountKind(SettingKind::kBoolean),
                         "kFP16 kINT8 kFP8 kBF16 kINT4 kFP4 kOBEY_PRECISION_CONSTRAINTS "
                         "kPREFER_PRECISION_CONSTRAINTS kREJECT_EMPTY_ALGORITHMS kSAFETY_SCOPE "
                         "kDIRECT_IO",
                         11),
    Account<nvinfer1::QuantizationFlag>("QuantizationFlag", kQuantizationFlags),
#elif defined(TRT_FLAVOR_TRT11)
    Account<BuilderFlag>("BuilderFlag", CountKind(SettingKind::kBoolean),
                         "kSAFETY_SCOPE kDIRECT_IO", 2, 8),
#else
    // TensorRT-RTX times nothing and has no DLA.
    Account<BuilderFlag>("BuilderFlag", CountKind(SettingKind::kBoolean),
                         "kSAFETY_SCOPE kDIRECT_IO kGPU_FALLBACK kDISABLE_TIMING_CACHE "
                         "kEDITABLE_TIMING_CACHE kERROR_ON_TIMING_CACHE_MISS "
                         "kDISABLE_COMPILATION_CACHE",
                         7, 8),
#endif
#ifdef TRT_FLAVOR_RTX1
    Account<MemoryPoolType>("MemoryPoolType", kPools,
                            "kDLA_MANAGED_SRAM kDLA_LOCAL_DRAM kDLA_GLOBAL_DRAM kTACTIC_DRAM", 4),
    Account<nvinfer1::TacticSource>("TacticSource", 0, "kEDGE_MASK_CONVOLUTIONS kJIT_CONVOLUTIONS",
                                    2),
    Account<nvinfer1::TilingOptimizationLevel>("TilingOptimizationLevel", 0,
                                               "kNONE kFAST kMODERATE kFULL", 4),
    Account<nvinfer1::HardwareCompatibilityLevel>("HardwareCompatibilityLevel", 0,
                                                  "kNONE kAMPERE_PLUS kSAME_COMPUTE_CAPABILITY", 3),
    Account<nvinfer1::DeviceType>("DeviceType", 0, "kGPU kDLA", 2),
    Account<nvinfer1::EngineCapability>("EngineCapability", 1, "kSAFETY kDLA_STANDALONE", 2),
    {"OnnxParserFlag", kParserFlagMax, static_cast<std::int32_t>(std::size(kParserFlags)),
     "kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA kREPORT_CAPABILITY_DLA kADJUST_FOR_DLA", 3, 0},
#else
    Account<MemoryPoolType>("MemoryPoolType", kPools),
    Account<nvinfer1::TacticSource>("TacticSource", kTacticSources),
    Account<nvinfer1::TilingOptimizationLevel>("TilingOptimizationLevel", kTilingLevels),
    Account<nvinfer1::HardwareCompatibilityLevel>("HardwareCompatibilityLevel", kHardwareLevels),
    Account<nvinfer1::DeviceType>("DeviceType", kDevices),
    Account<nvinfer1::EngineCapability>("EngineCapability", kCapabilities),
    {"OnnxParserFlag", kParserFlagMax, static_cast<std::int32_t>(std::size(kParserFlags)), "", 0,
     0},
#endif
    Account<nvinfer1::ProfilingVerbosity>("ProfilingVerbosity", kVerbosities),
    Account<nvinfer1::RuntimePlatform>("RuntimePlatform", kPlatforms),
    Account<nvinfer1::PreviewFeature>("PreviewFeature", kPreviewFeatures),
};
constexpr std::size_t kEnumCount = sizeof(kEnums) / sizeof(kEnums[0]);

constexpr bool Complete() {
  for (const trt::EnumInfo& info : kEnums) {
    if (info.offered + info.left_out_count + info.unused != info.enum_max) return false;
  }
  return true;
}
static_assert(Complete(), "an enumerator of TensorRT's headers has no place in the table");

}  // namespace

const trt::EnumInfo* EnumAt(std::size_t index) noexcept {
  return index < kEnumCount ? &kEnums[index] : nullptr;
}

const Setting* SettingAt(std::size_t index) noexcept {
  return index < kSettingCount ? &kSettings[index] : nullptr;
}

}  // namespace tensorrt_node::TRT_FLAVOR
