#include "trt/flavor_settings.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "core/error.h"
#include "trt/flavor_logger.h"

namespace tensorrt_node::TRT_FLAVOR {
namespace {

std::string ChoiceNames(const trt::SettingInfo& info, const trt::Library& library) {
  std::string names;
  for (std::size_t i = 0; i < info.choice_count; ++i) {
    if (!library.Has(info.choices[i].since)) continue;
    names += std::string(names.empty() ? "" : ", ") + info.choices[i].text;
  }
  return names;
}

/// The number of a choice that the loaded library has.
std::int32_t Choose(const trt::SettingInfo& info, const trt::Library& library,
                    const std::string& text) {
  for (std::size_t i = 0; i < info.choice_count; ++i) {
    if (text != info.choices[i].text) continue;
    const std::string feature = std::string("The value ") + text + " of " + info.name;
    library.Need(info.choices[i].since, feature.c_str());
    return info.choices[i].number;
  }
  throw InvalidArgument(info.name, "one of " + ChoiceNames(info, library), "\"" + text + "\"");
}

CheckedSetting Check(const trt::SettingInfo& info, const trt::Library& library,
                     const trt::SettingValue& value) {
  using Kind = trt::SettingKind;
  using Form = trt::SettingValue::Form;
  const std::string feature = std::string("The build option ") + info.name;
  library.Need(info.since, feature.c_str());
  CheckedSetting checked{info, 0, 0, value.text, value.list};
  Form form = Form::kNumber;
  if (info.kind == Kind::kBoolean) form = Form::kBoolean;
  if (info.kind == Kind::kChoice || info.kind == Kind::kText) form = Form::kText;
  if (info.kind == Kind::kSet || info.kind == Kind::kList) form = Form::kList;
  if (value.form != form) {
    throw InvalidArgument(info.name, "a value of its kind", "a value of another kind");
  }
  switch (info.kind) {
    case Kind::kBoolean:
      checked.number = value.number != 0 ? 1 : 0;
      break;
    case Kind::kInteger:
      if (value.number < info.min || value.number > info.max) {
        throw InvalidArgument(
            info.name,
            "an integer from " + std::to_string(info.min) + " to " + std::to_string(info.max),
            std::to_string(value.number));
      }
      checked.number = value.number;
      break;
    case Kind::kChoice:
      checked.number = Choose(info, library, value.text);
      break;
    case Kind::kSet:
      for (const std::string& text : value.list) {
        checked.mask |= 1U << static_cast<std::uint32_t>(Choose(info, library, text));
      }
      break;
    case Kind::kText:
    case Kind::kList:
      // The library takes C strings: what stands behind a zero byte would be lost.
      for (const std::string& text : value.list) {
        if (text.find('\0') != std::string::npos)
          throw InvalidArgument(info.name, "texts without a zero byte", "one with a zero byte");
      }
      if (value.text.find('\0') != std::string::npos)
        throw InvalidArgument(info.name, "a text without a zero byte", "one with a zero byte");
      break;
  }
  return checked;
}

const Setting* Find(const std::string& name) {
  for (std::size_t i = 0;; ++i) {
    const Setting* setting = SettingAt(i);
    if (setting == nullptr || name == setting->info.name) return setting;
  }
}

}  // namespace

const trt::SettingInfo* SettingInfoAt(std::size_t index) noexcept {
  const Setting* setting = SettingAt(index);
  return setting == nullptr ? nullptr : &setting->info;
}

void ApplySettings(const SettingTarget& target, const std::vector<trt::SettingValue>& settings) {
  Logger& logger = Logger::Get();
  for (const trt::SettingValue& value : settings) {
    const Setting* setting = Find(value.name);
    if (setting == nullptr) {
      throw InvalidArgument("a build option", "a name that this flavour has",
                            "\"" + value.name + "\"");
    }
    const CheckedSetting checked = Check(setting->info, target.library, value);
    const std::size_t before = logger.ErrorCount();
    const bool taken = setting->apply(target, checked, Step::kSet);
    const std::vector<std::string> errors = logger.Errors();
    if (errors.size() > before) {
      throw Error(ErrorCode::kEngineBuild,
                  "TensorRT refused the build option " + value.name + ": " + errors[before],
                  errors);
    }
    if (!taken) {
      throw Error(ErrorCode::kEngineBuild, "TensorRT did not take the build option " + value.name +
                                               ": it kept another value and gave no reason");
    }
  }
  // Some options clear others, for which TensorRT only warns.
  for (const trt::SettingValue& value : settings) {
    const Setting& setting = *Find(value.name);
    if (!setting.apply(target, Check(setting.info, target.library, value), Step::kCheck)) {
      throw Error(ErrorCode::kEngineBuild, "TensorRT gave the build option " + value.name +
                                               " up for another one: the two exclude each other");
    }
  }
}

void ApplyComputeCapabilities(nvinfer1::IBuilderConfig& config,
                              const std::vector<int>& capabilities) {
  if (capabilities.empty()) return;
#ifdef TRT_FLAVOR_RTX1
  using Capability = nvinfer1::ComputeCapability;
  static constexpr Capability known[] = {
      Capability::kCURRENT, Capability::kSM75,  Capability::kSM80, Capability::kSM86,
      Capability::kSM89,    Capability::kSM120, Capability::kSM121};
  bool accepted = config.setNbComputeCapabilities(static_cast<std::int32_t>(capabilities.size()));
  for (std::size_t i = 0; i < capabilities.size(); ++i) {
    const auto* match =
        std::find(std::begin(known), std::end(known), static_cast<Capability>(capabilities[i]));
    if (match == std::end(known) || (*match == Capability::kCURRENT && capabilities.size() != 1)) {
      throw InvalidArgument(
          "computeCapabilities", "any of 7.5, 8.0, 8.6, 8.9, 12.0, 12.1, or \"current\" alone",
          std::to_string(capabilities[i] / 10) + "." + std::to_string(capabilities[i] % 10));
    }
    const auto index = static_cast<std::int32_t>(i);
    accepted = config.setComputeCapability(*match, index) && accepted &&
               config.getComputeCapability(index) == *match;
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
