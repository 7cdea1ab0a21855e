// The one include of napi.h, so that these switches are the same in every translation unit.
#pragma once

#define NODE_ADDON_API_DISABLE_DEPRECATED
#define NODE_ADDON_API_CPP_EXCEPTIONS
// Finalizers must not run JS or block; the type system checks it.
#define NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS
// Electron and V8-sandbox builds refuse external buffers, so memory crosses to JS by copy.
#define NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED
// A throw while a worker is terminating cannot reach JS; without this it would abort the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS

#include <napi.h>
