// Read by the sanitizers' runtimes when the tests are built with one. As without a sanitizer, an
// allocation that is too large answers null, so that the tests see our error.
#define TENSORRT_NODE_SANITIZER_HOOK extern "C" __attribute__((visibility("default"))) const char*

// NOLINTBEGIN(bugprone-reserved-identifier): the runtimes ask for these names.
TENSORRT_NODE_SANITIZER_HOOK __asan_default_options();
TENSORRT_NODE_SANITIZER_HOOK __asan_default_options() { return "allocator_may_return_null=1"; }

TENSORRT_NODE_SANITIZER_HOOK __tsan_default_options();
TENSORRT_NODE_SANITIZER_HOOK __tsan_default_options() { return "allocator_may_return_null=1"; }
// NOLINTEND(bugprone-reserved-identifier)
