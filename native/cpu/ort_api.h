// The part of ONNX Runtime's C API that this package calls, written from the documented order of
// its table.
//
// `OrtGetApiBase()->GetApi(version)` answers with a table of function pointers that only ever grows
// at its end, so a function is known by its index for good. Each member below names its index; a
// call through a wrong one would crash or fail at once, and test/session/ort-api.test.ts goes
// through every one of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tensorrt_node::ort {

/// The oldest API version that holds every function used without a check: ONNX Runtime 1.17.
inline constexpr std::uint32_t kApiVersion = 17;
/// ONNX Runtime 1.22 added cancellation of a model that is being loaded.
inline constexpr int kMinorVersionOfLoadCancellation = 22;

struct Env;
struct Status;
struct Session;
struct SessionOptions;
struct RunOptions;
struct MemoryInfo;
struct Allocator;
struct Value;
struct TypeInfo;
struct TensorInfo;
struct ModelMetadata;

enum ErrorCode : int {
  kOk = 0,
  kFail = 1,
  kInvalidArgument = 2,
  kNoSuchFile = 3,
  kNoModel = 4,
  kEngineError = 5,
  kRuntimeException = 6,
  kInvalidProtobuf = 7,
  kModelLoaded = 8,
  kNotImplemented = 9,
  kInvalidGraph = 10,
  kEpFail = 11,
};

enum LoggingLevel : int { kVerbose = 0, kInfo = 1, kWarning = 2, kError = 3, kFatal = 4 };
enum ExecutionMode : int { kSequential = 0, kParallel = 1 };
enum AllocatorType : int { kDeviceAllocator = 0, kArenaAllocator = 1 };
enum MemType : int { kMemTypeDefault = 0 };

/// Called on any thread, also while another of our calls is on the stack. Must not throw.
using LoggingFunction = void (*)(void* param, LoggingLevel level, const char* category,
                                 const char* log_id, const char* location, const char* message);

struct ApiBase {
  const void* (*GetApi)(std::uint32_t version);
  const char* (*GetVersionString)();
};
using GetApiBaseFunction = const ApiBase* (*)();

/// Typed view of the table. Null statuses mean success; a status that is not null belongs to the
/// caller.
class Api {
  void* const* table_;
  struct Entry {
    void* address;
    template <typename Function>
    operator Function*()
        const noexcept {  // NOLINT(google-explicit-constructor): the member's type decides
      return reinterpret_cast<Function*>(address);
    }
  };
  [[nodiscard]] Entry At(std::size_t index) const noexcept { return {table_[index]}; }

 public:
  explicit Api(const void* table) noexcept : table_(static_cast<void* const*>(table)) {}
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  ~Api() = default;

  ErrorCode (*const GetErrorCode)(const Status*) = At(1);
  const char* (*const GetErrorMessage)(const Status*) = At(2);
  void (*const ReleaseStatus)(Status*) = At(93);

  Status* (*const CreateEnvWithCustomLogger)(LoggingFunction, void* param, LoggingLevel,
                                             const char* log_id, Env** out) = At(4);
  Status* (*const DisableTelemetryEvents)(const Env*) = At(6);

  Status* (*const CreateSessionOptions)(SessionOptions** out) = At(10);
  Status* (*const SetSessionExecutionMode)(SessionOptions*, ExecutionMode) = At(13);
  Status* (*const EnableMemPattern)(SessionOptions*) = At(16);
  Status* (*const DisableMemPattern)(SessionOptions*) = At(17);
  Status* (*const EnableCpuMemArena)(SessionOptions*) = At(18);
  Status* (*const DisableCpuMemArena)(SessionOptions*) = At(19);
  Status* (*const SetSessionGraphOptimizationLevel)(SessionOptions*, int level) = At(23);
  Status* (*const SetIntraOpNumThreads)(SessionOptions*, int) = At(24);
  Status* (*const SetInterOpNumThreads)(SessionOptions*, int) = At(25);
  Status* (*const AddSessionConfigEntry)(SessionOptions*, const char* key,
                                         const char* value) = At(130);
  void (*const ReleaseSessionOptions)(SessionOptions*) = At(100);

  Status* (*const CreateSession)(const Env*, const char* path, const SessionOptions*,
                                 Session** out) = At(7);
  Status* (*const CreateSessionFromArray)(const Env*, const void* data, std::size_t size,
                                          const SessionOptions*, Session** out) = At(8);
  void (*const ReleaseSession)(Session*) = At(95);

  Status* (*const SessionGetInputCount)(const Session*, std::size_t* out) = At(30);
  Status* (*const SessionGetOutputCount)(const Session*, std::size_t* out) = At(31);
  Status* (*const SessionGetInputTypeInfo)(const Session*, std::size_t index,
                                           TypeInfo** out) = At(33);
  Status* (*const SessionGetOutputTypeInfo)(const Session*, std::size_t index,
                                            TypeInfo** out) = At(34);
  Status* (*const SessionGetInputName)(const Session*, std::size_t, Allocator*,
                                       char** out) = At(36);
  Status* (*const SessionGetOutputName)(const Session*, std::size_t, Allocator*,
                                        char** out) = At(37);
  /// `*out` is null when the type is no tensor, and borrowed from the TypeInfo else.
  Status* (*const CastTypeInfoToTensorInfo)(const TypeInfo*, const TensorInfo** out) = At(55);
  void (*const ReleaseTypeInfo)(TypeInfo*) = At(98);

  Status* (*const GetTensorElementType)(const TensorInfo*, int* out) = At(60);
  Status* (*const GetDimensionsCount)(const TensorInfo*, std::size_t* out) = At(61);
  Status* (*const GetDimensions)(const TensorInfo*, std::int64_t* out, std::size_t count) = At(62);
  /// The names live as long as the TensorInfo; an empty one marks a dimension without a name.
  Status* (*const GetSymbolicDimensions)(const TensorInfo*, const char** out,
                                         std::size_t count) = At(63);
  Status* (*const GetTensorTypeAndShape)(const Value*, TensorInfo** out) = At(65);
  void (*const ReleaseTensorInfo)(TensorInfo*) = At(99);

  Status* (*const SessionGetModelMetadata)(const Session*, ModelMetadata** out) = At(111);
  Status* (*const ModelMetadataGetProducerName)(const ModelMetadata*, Allocator*,
                                                char** out) = At(112);
  Status* (*const ModelMetadataGetGraphName)(const ModelMetadata*, Allocator*,
                                             char** out) = At(113);
  /// `*out` is null when there is no such key.
  Status* (*const ModelMetadataLookupCustomMetadataMap)(const ModelMetadata*, Allocator*,
                                                        const char* key, char** out) = At(116);
  /// The array and each of its strings come from the allocator. `*keys` is null when there are
  /// none.
  Status* (*const ModelMetadataGetCustomMetadataMapKeys)(const ModelMetadata*, Allocator*,
                                                         char*** keys,
                                                         std::int64_t* count) = At(123);
  void (*const ReleaseModelMetadata)(ModelMetadata*) = At(118);

  Status* (*const CreateRunOptions)(RunOptions** out) = At(39);
  /// Thread-safe: may be called while a run uses the options.
  Status* (*const RunOptionsSetTerminate)(RunOptions*) = At(46);
  void (*const ReleaseRunOptions)(RunOptions*) = At(97);
  /// Outputs that are null on entry are created.
  Status* (*const Run)(Session*, const RunOptions*, const char* const* input_names,
                       const Value* const* inputs, std::size_t input_count,
                       const char* const* output_names, std::size_t output_count,
                       Value** outputs) = At(9);

  Status* (*const CreateCpuMemoryInfo)(AllocatorType, MemType, MemoryInfo** out) = At(69);
  void (*const ReleaseMemoryInfo)(MemoryInfo*) = At(94);
  /// Borrowed; lives as long as the library.
  Status* (*const GetAllocatorWithDefaultOptions)(Allocator** out) = At(78);
  Status* (*const AllocatorFree)(Allocator*, void*) = At(76);

  Status* (*const CreateTensorAsOrtValue)(Allocator*, const std::int64_t* shape, std::size_t rank,
                                          int type, Value** out) = At(48);
  /// The value borrows `data`.
  Status* (*const CreateTensorWithDataAsOrtValue)(const MemoryInfo*, void* data, std::size_t size,
                                                  const std::int64_t* shape, std::size_t rank,
                                                  int type, Value** out) = At(49);
  Status* (*const IsTensor)(const Value*, int* out) = At(50);
  Status* (*const HasValue)(const Value*, int* out) = At(192);
  Status* (*const GetTensorMutableData)(Value*, void** out) = At(51);
  Status* (*const GetStringTensorDataLength)(const Value*, std::size_t* out) = At(53);
  Status* (*const GetStringTensorContent)(const Value*, void* bytes, std::size_t size,
                                          std::size_t* offsets, std::size_t count) = At(54);
  /// Sets the length of one string and gives its memory, which the value owns.
  Status* (*const GetResizedStringTensorElementBuffer)(Value*, std::size_t index, std::size_t size,
                                                       char** out) = At(252);
  void (*const ReleaseValue)(Value*) = At(96);

  /// Only from kMinorVersionOfLoadCancellation on: older tables end before it. Thread-safe.
  [[nodiscard]] Status* SetLoadCancellation(SessionOptions* options) const noexcept {
    Status* (*function)(SessionOptions*, bool) = At(293);
    return function(options, true);
  }
};

}  // namespace tensorrt_node::ort
