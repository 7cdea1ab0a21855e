#pragma once

#include <string>

namespace tensorrt_node {

/// A library opened at run time. Move only; closed on destruction unless Leak() was called.
class DynamicLibrary {
 public:
  DynamicLibrary() = default;
  ~DynamicLibrary();
  DynamicLibrary(DynamicLibrary&& other) noexcept;
  DynamicLibrary& operator=(DynamicLibrary&& other) noexcept;
  DynamicLibrary(const DynamicLibrary&) = delete;
  DynamicLibrary& operator=(const DynamicLibrary&) = delete;

  /// Opens `path` with RTLD_NOW | RTLD_LOCAL. On failure the result is empty and `*why` holds
  /// dlerror's text.
  [[nodiscard]] static DynamicLibrary Open(const std::string& path, std::string* why) noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

  /// Address of an exported symbol, or null.
  template <typename Function>
  [[nodiscard]] Function Symbol(const char* name) const noexcept {
    return reinterpret_cast<Function>(RawSymbol(name));
  }

  /// Keeps the library loaded for the life of the process: for libraries with threads or exit
  /// handlers.
  void Leak() noexcept { handle_ = nullptr; }
  /// The file that the loader really mapped, or the path asked for.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  [[nodiscard]] void* RawSymbol(const char* name) const noexcept;
  void* handle_ = nullptr;
  std::string path_;
};

}  // namespace tensorrt_node
