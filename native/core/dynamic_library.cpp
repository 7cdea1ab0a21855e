#include "core/dynamic_library.h"

#include <dlfcn.h>
#include <link.h>

#include <utility>

namespace tensorrt_node {

DynamicLibrary::~DynamicLibrary() {
  if (handle_ != nullptr) dlclose(handle_);
}

DynamicLibrary::DynamicLibrary(DynamicLibrary&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)) {}

DynamicLibrary& DynamicLibrary::operator=(DynamicLibrary&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(path_, other.path_);
  return *this;
}

DynamicLibrary DynamicLibrary::Open(const std::string& path, std::string* why) noexcept {
  DynamicLibrary library;
  library.handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  library.path_ = path;
  if (library.handle_ == nullptr) {
    const char* text = dlerror();
    if (why != nullptr) *why = text != nullptr ? text : "unknown error of the dynamic loader";
    return library;
  }
  link_map* map = nullptr;
  if (dlinfo(library.handle_, RTLD_DI_LINKMAP, static_cast<void*>(&map)) == 0 && map != nullptr &&
      map->l_name != nullptr && map->l_name[0] != '\0') {
    library.path_ = map->l_name;
  }
  return library;
}

void* DynamicLibrary::RawSymbol(const char* name) const noexcept {
  return handle_ != nullptr ? dlsym(handle_, name) : nullptr;
}

}  // namespace tensorrt_node
