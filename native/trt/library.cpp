#include "trt/library.h"

#include <map>
#include <mutex>
#include <utility>

#include "core/error.h"

namespace tensorrt_node::trt {
namespace {

using VersionFunction = int (*)();

DynamicLibrary OpenOrThrow(const std::string& path, const char* what) {
  std::string why;
  DynamicLibrary library = DynamicLibrary::Open(path, &why);
  if (!library) {
    throw Error(ErrorCode::kTensorRtUnavailable,
                std::string("The ") + what + " " + path + " could not be opened: " + why);
  }
  return library;
}

Version ReadVersion(const DynamicLibrary& library) {
  const auto read = [&library](const char* name) {
    const auto function = library.Symbol<VersionFunction>(name);
    return function != nullptr ? function() : -1;
  };
  Version version;
  version.major = read("getInferLibMajorVersion");
  version.minor = read("getInferLibMinorVersion");
  version.patch = read("getInferLibPatchVersion");
  version.build = read("getInferLibBuildVersion");
  if (version.major < 0 || version.minor < 0 || version.patch < 0) {
    // Libraries before 8.6 export the packed number alone; they are refused, but by their right
    // name.
    const int packed = read("getInferLibVersion");
    if (packed < 0) {
      throw Error(ErrorCode::kTensorRtUnavailable,
                  library.path() + " is not a TensorRT library: it exports no version");
    }
    version = packed >= 10000 ? Version{packed / 10000, packed / 100 % 100, packed % 100, 0}
                              : Version{packed / 1000, packed / 100 % 10, packed % 100, 0};
  }
  if (version.build < 0) version.build = 0;
  return version;
}

LibraryInfo Describe(const DynamicLibrary& library) {
  LibraryInfo info;
  info.version = ReadVersion(library);
  info.path = library.path();
  const VersionVerdict verdict = JudgeVersion(info.version);
  if (!verdict.refusal.empty()) {
    throw Error(ErrorCode::kTensorRtVersion, "TensorRT " + VersionText(info.version) + " at " +
                                                 info.path + " is refused: " + verdict.refusal);
  }
  info.flavor = verdict.flavor;
  info.build_refusal = verdict.build_refusal;
  return info;
}

template <typename Function>
Function Require(const DynamicLibrary& library, const char* symbol) {
  const auto function = library.Symbol<Function>(symbol);
  if (function == nullptr) {
    throw Error(ErrorCode::kTensorRtUnavailable,
                (library.path().empty() ? std::string("The ONNX parser library") : library.path()) +
                    " exports no " + symbol);
  }
  return function;
}

}  // namespace

int SinceMinor(const Gate& gate, Flavor flavor) noexcept {
  switch (flavor) {
    case Flavor::kRtx1:
      return gate.rtx1;
    case Flavor::kTrt10:
      return gate.trt10;
    case Flavor::kTrt11:
      return gate.trt11;
  }
  return gates::kNever;
}

LibraryInfo InspectLibrary(const std::string& path) {
  const DynamicLibrary library = OpenOrThrow(path, "TensorRT library");
  return Describe(library);
}

std::shared_ptr<const Library> Library::Open(const std::string& path,
                                             const std::string& parser_path, Purpose purpose) {
  static std::mutex mutex;
  // Never destroyed: the libraries stay loaded until the process ends.
  static auto* opened =
      new std::map<std::pair<std::string, std::string>, std::shared_ptr<const Library>>();

  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<const Library>& entry = (*opened)[{path, parser_path}];
  if (!entry) {
    auto library = std::shared_ptr<Library>(new Library());
    library->library_ = OpenOrThrow(path, "TensorRT library");
    library->info_ = Describe(library->library_);
    if (!parser_path.empty()) library->parser_ = OpenOrThrow(parser_path, "ONNX parser library");
    entry = std::move(library);
  }
  if (purpose == Purpose::kBuild && !entry->info_.build_refusal.empty()) {
    throw Error(ErrorCode::kTensorRtVersion, entry->info_.build_refusal);
  }
  return entry;
}

const LibraryInfo& Library::info() const noexcept { return info_; }

bool Library::Has(const Gate& gate) const noexcept {
  return info_.version.minor >= SinceMinor(gate, info_.flavor);
}

void Library::Need(const Gate& gate, const char* feature) const {
  if (Has(gate)) return;
  const int since = SinceMinor(gate, info_.flavor);
  const std::string major = std::to_string(info_.version.major) + ".";
  throw Error(ErrorCode::kTensorRtVersion,
              std::string(feature) + " needs " +
                  (since == gates::kNever ? std::string("another TensorRT product")
                                          : "TensorRT " + major + std::to_string(since)) +
                  "; loaded is " + VersionText(info_.version) + " (" + FlavorName(info_.flavor) +
                  ")");
}

Library::CreateWithLogger Library::create_builder() const {
  return Require<CreateWithLogger>(library_, "createInferBuilder_INTERNAL");
}

Library::CreateWithLogger Library::create_runtime() const {
  return Require<CreateWithLogger>(library_, "createInferRuntime_INTERNAL");
}

Library::CreateParser Library::create_parser() const {
  return Require<CreateParser>(parser_, "createNvOnnxParser_INTERNAL");
}

Library::CreateParser Library::create_refitter() const {
  return Require<CreateParser>(library_, "createInferRefitter_INTERNAL");
}

Library::CreateParser Library::create_parser_refitter() const {
  return Require<CreateParser>(parser_, "createNvOnnxParserRefitter_INTERNAL");
}

int Library::parser_version() const {
  return Require<VersionFunction>(parser_, "getNvOnnxParserVersion")();
}

}  // namespace tensorrt_node::trt
