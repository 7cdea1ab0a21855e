// What a build asks for and what it reports, free of NVIDIA's types: the meeting point of the
// flavours with everything else. Its classes have no inline functions, so that no flavour emits a
// copy of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trt/timing_cache.h"

namespace tensorrt_node::trt {

/// Range of one input in one optimisation profile: of its shape, or, for an input whose values are
/// shapes themselves, of its values.
struct ShapeRange {
  ShapeRange();
  ShapeRange(const ShapeRange&);
  ShapeRange(ShapeRange&&) noexcept;
  ShapeRange& operator=(const ShapeRange&);
  ShapeRange& operator=(ShapeRange&&) noexcept;
  ~ShapeRange();

  std::string input;
  bool is_values = false;
  std::vector<std::int64_t> min;
  std::vector<std::int64_t> opt;
  std::vector<std::int64_t> max;
};

/// What is asked of one input or output of the network.
struct TensorRequest {
  TensorRequest();
  TensorRequest(const TensorRequest&);
  TensorRequest(TensorRequest&&) noexcept;
  TensorRequest& operator=(const TensorRequest&);
  TensorRequest& operator=(TensorRequest&&) noexcept;
  ~TensorRequest();

  std::string name;
  /// Memory layouts that TensorRT may choose from; empty: its own choice.
  std::vector<std::string> formats;
  /// Element type that the network has to have there; empty: any.
  std::string dtype;
};

/// One builder option. `form` says which of the values counts; booleans are 0 and 1.
struct SettingValue {
  enum class Form { kBoolean, kNumber, kText, kList };

  SettingValue();
  SettingValue(const SettingValue&);
  SettingValue(SettingValue&&) noexcept;
  SettingValue& operator=(const SettingValue&);
  SettingValue& operator=(SettingValue&&) noexcept;
  ~SettingValue();

  std::string name;
  Form form = Form::kNumber;
  std::int64_t number = 0;
  std::string text;
  std::vector<std::string> list;
};

struct BuildRequest {
  BuildRequest();
  BuildRequest(const BuildRequest&);
  BuildRequest(BuildRequest&&) noexcept;
  BuildRequest& operator=(const BuildRequest&) = delete;
  BuildRequest& operator=(BuildRequest&&) = delete;
  ~BuildRequest();

  /// An ONNX file; external data lies beside it.
  std::string model_path;
  std::vector<std::vector<ShapeRange>> profiles;
  /// One for each profile: how much more memory than needed TensorRT may use, 0 to 1. Empty: its
  /// default.
  std::vector<double> extra_memory_targets;
  std::vector<TensorRequest> tensors;
  /// 75 for 7.5. Empty: the GPU of this machine.
  std::vector<int> compute_capabilities;
  std::vector<SettingValue> settings;
  TimingCacheRequest timing_cache;
  /// TensorRT's severity of the quietest log lines wanted: 1 error … 4 verbose.
  int max_severity = 2;
};

/// One of the parser's complaints; strings live during the call and are never null.
struct ParserErrorView {
  int code;
  const char* code_name;
  const char* reason;
  /// Index of the node in the graph, -1 when the error is about no node.
  int node;
  const char* node_name;
  const char* node_operator;
  const char* function;
  const char* file;
  int line;
};

/// An input or output of the network; dims of -1 are dynamic.
struct TensorView {
  const char* name;
  bool is_input;
  const char* dtype;
  const std::int64_t* dims;
  int rank;
};

/// Parts of a build that follow one another.
enum class Stage { kLoad, kParse, kBuild, kDone };

/// Hears what happens during a build.
class BuildObserver {
 public:
  BuildObserver();
  virtual ~BuildObserver();
  BuildObserver(const BuildObserver&) = delete;
  BuildObserver& operator=(const BuildObserver&) = delete;

  // From any thread of the library, several at once.
  /// `severity` as TensorRT counts: 0 internal error, 1 error, 2 warning, 3 info, 4 verbose.
  virtual void OnLog(int severity, const char* message) noexcept = 0;
  /// The layers of the engine that was just built, as the library logs them: the only place that
  /// tells of them without a device.
  virtual void OnLayers(const char* text) noexcept;
  virtual void OnPhaseStart(const char* phase, const char* parent, int steps) noexcept = 0;
  /// A line of warning severity, whether or not OnLog hears it.
  virtual void OnWarning() noexcept = 0;
  /// False cancels the build.
  virtual bool OnStep(const char* phase, int step) noexcept = 0;
  virtual void OnPhaseFinish(const char* phase) noexcept = 0;

  // From the building thread.
  virtual void OnStage(Stage stage) = 0;
  virtual void OnParserError(const ParserErrorView& error) = 0;
  virtual void OnTensor(const TensorView& tensor) = 0;
  /// The timing cache after the build, when the request wants one; valid during the call.
  virtual void OnTimingCache(const std::uint8_t* data, std::size_t size);
  /// The finished plan, alive as long as `owner` is.
  virtual void OnPlan(std::shared_ptr<void> owner, const std::uint8_t* data, std::size_t size) = 0;
};

}  // namespace tensorrt_node::trt
