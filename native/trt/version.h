#pragma once

#include <string>

namespace tensorrt_node::trt {

/// The three products that share TensorRT's API; each is spoken to through its own headers only.
enum class Flavor { kRtx1, kTrt10, kTrt11 };

/// "rtx1", "trt10" or "trt11".
[[nodiscard]] const char* FlavorName(Flavor flavor) noexcept;
/// True and `*flavor` set when `name` is one of them.
[[nodiscard]] bool FlavorFromName(const std::string& name, Flavor* flavor) noexcept;

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  int build = 0;
};

/// major * 10000 + minor * 100 + patch: the form that the libraries' factories take.
[[nodiscard]] int PackedVersion(const Version& version) noexcept;
/// "10.3.0.26"; the build number only where it is known.
[[nodiscard]] std::string VersionText(const Version& version);

/// What this package makes of a library of one version.
struct VersionVerdict {
  Flavor flavor = Flavor::kRtx1;
  /// Why the library must not be used at all; empty when it may.
  std::string refusal;
  /// Why it must not build engines although it may run them; empty when it may.
  std::string build_refusal;
};

/// Floors and known bad releases. The libraries themselves accept every caller: a program with the
/// wrong tables of virtual functions is not refused by them, it crashes.
[[nodiscard]] VersionVerdict JudgeVersion(const Version& version);

}  // namespace tensorrt_node::trt
