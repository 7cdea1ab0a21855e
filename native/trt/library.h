// Opens TensorRT's libraries at run time. Knows no header of NVIDIA's: versions are read from
// exported C functions and judged before any factory is called.
#pragma once

#include <memory>
#include <string>

#include "core/dynamic_library.h"
#include "trt/gates.h"
#include "trt/version.h"

namespace tensorrt_node::trt {

enum class Purpose { kBuild, kRun };

struct LibraryInfo {
  Flavor flavor = Flavor::kRtx1;
  Version version;
  /// The file that the loader mapped.
  std::string path;
  /// Why this version must not build engines; empty when it may.
  std::string build_refusal;
};

/// Opens the library, reads its version and closes it again. Throws Error(kTensorRtUnavailable)
/// when it cannot be opened or is not TensorRT, Error(kTensorRtVersion) when its version is
/// refused.
[[nodiscard]] LibraryInfo InspectLibrary(const std::string& path);

/// The minor version of a flavour that brought the function; gates::kNever when none did.
[[nodiscard]] int SinceMinor(const Gate& gate, Flavor flavor) noexcept;

/// A TensorRT library, with its ONNX parser where one is given, held open for the rest of the
/// process: unloading code that has started threads of its own is not safe.
class Library {
 public:
  /// Throws as InspectLibrary does, and Error(kTensorRtVersion) for a version that must not serve
  /// `purpose`. `parser_path` may be empty. One object a pair of paths is made in a process.
  [[nodiscard]] static std::shared_ptr<const Library> Open(const std::string& path,
                                                           const std::string& parser_path,
                                                           Purpose purpose);

  [[nodiscard]] const LibraryInfo& info() const noexcept;
  /// Does this library have the function? Guards every virtual function that younger libraries
  /// added.
  [[nodiscard]] bool Has(const Gate& gate) const noexcept;
  /// Throws Error(kTensorRtVersion) saying what `feature` needs unless Has(gate).
  void Need(const Gate& gate, const char* feature) const;

  using CreateWithLogger = void* (*)(void* logger, int version);
  using CreateParser = void* (*)(void* target, void* logger, int version);

  // Factories of the library; each throws Error(kTensorRtUnavailable) when the symbol is missing.
  [[nodiscard]] CreateWithLogger create_builder() const;
  [[nodiscard]] CreateWithLogger create_runtime() const;
  [[nodiscard]] CreateParser create_parser() const;
  /// Takes an engine, a logger and the library's version.
  [[nodiscard]] CreateParser create_refitter() const;
  /// Takes a refitter, a logger and the parser's version.
  [[nodiscard]] CreateParser create_parser_refitter() const;
  /// The version that the parser library states for itself.
  [[nodiscard]] int parser_version() const;

 private:
  Library() = default;
  DynamicLibrary library_;
  DynamicLibrary parser_;
  LibraryInfo info_;
};

}  // namespace tensorrt_node::trt
