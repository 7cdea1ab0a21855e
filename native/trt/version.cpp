#include "trt/version.h"

namespace tensorrt_node::trt {

const char* FlavorName(Flavor flavor) noexcept {
  switch (flavor) {
    case Flavor::kRtx1:
      return "rtx1";
    case Flavor::kTrt10:
      return "trt10";
    case Flavor::kTrt11:
      return "trt11";
  }
  return "unknown";
}

bool FlavorFromName(const std::string& name, Flavor* flavor) noexcept {
  for (const Flavor candidate : {Flavor::kRtx1, Flavor::kTrt10, Flavor::kTrt11}) {
    if (name == FlavorName(candidate)) {
      *flavor = candidate;
      return true;
    }
  }
  return false;
}

int PackedVersion(const Version& version) noexcept {
  return version.major * 10000 + version.minor * 100 + version.patch;
}

std::string VersionText(const Version& version) {
  std::string text = std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
                     std::to_string(version.patch);
  if (version.build != 0) text += "." + std::to_string(version.build);
  return text;
}

VersionVerdict JudgeVersion(const Version& version) {
  VersionVerdict verdict;
  switch (version.major) {
    case 1:
      verdict.flavor = Flavor::kRtx1;
      if (version.minor < 5) {
        verdict.refusal =
            "TensorRT-RTX before 1.5 lays out its interfaces differently under the same file name";
      }
      return verdict;
    case 10:
      verdict.flavor = Flavor::kTrt10;
      if (version.minor < 3) verdict.refusal = "the oldest supported TensorRT 10 is 10.3";
      if (version.minor == 8) {
        verdict.build_refusal =
            "TensorRT 10.8 lays out its network interface differently from every other release; "
            "build with 10.9 or later (engines of 10.8 can be run)";
      }
      return verdict;
    case 11:
      verdict.flavor = Flavor::kTrt11;
      return verdict;
    default:
      verdict.refusal =
          "supported are TensorRT-RTX 1.5 and later 1.x, TensorRT 10.3 and later 10.x, "
          "TensorRT 11.x";
      return verdict;
  }
}

}  // namespace tensorrt_node::trt
