// Read by AddressSanitizer's runtime when the tests are built with it.
extern "C" __attribute__((visibility("default"))) const char*
__asan_default_options();  // NOLINT(bugprone-reserved-identifier)

/// As without the sanitizer, an allocation that is too large answers null, so that the tests see
/// our error.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}

extern "C" __attribute__((visibility("default"))) const char*
__lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)

/// ONNX Runtime's environment is one per process and stays on purpose.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libonnxruntime.so";
}
