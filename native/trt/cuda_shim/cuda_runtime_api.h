// NvInfer.h asks for the CUDA runtime's header, and of it uses two opaque handle types. With these
// two lines TensorRT support compiles on machines that have no CUDA toolkit; nothing here calls the
// CUDA runtime.
#pragma once

typedef struct CUevent_st* cudaEvent_t;    // NOLINT(modernize-use-using)
typedef struct CUstream_st* cudaStream_t;  // NOLINT(modernize-use-using)
