#include "cpu/openvino_runtime.h"

#include <mutex>
#include <sstream>
#include <utility>

#include "core/dynamic_library.h"
#include "cpu/exit_guard.h"

namespace tensorrt_node {
namespace {

Error Unavailable(const std::string& path, const std::string& why) {
  return {ErrorCode::kCpuBackendUnavailable,
          "Expected a usable OpenVINO library but " + path + " is none: " + why};
}

struct ElementName {
  int onnx;
  const char* element;    ///< As an operator's attribute names it.
  const char* precision;  ///< As a port names it.
};

constexpr ElementName kElementNames[] = {
    {1, "f32", "FP32"},   {2, "u8", "U8"},          {3, "i8", "I8"},
    {4, "u16", "U16"},    {5, "i16", "I16"},        {6, "i32", "I32"},
    {7, "i64", "I64"},    {9, "boolean", "BOOL"},   {10, "f16", "FP16"},
    {11, "f64", "FP64"},  {12, "u32", "U32"},       {13, "u64", "U64"},
    {16, "bf16", "BF16"}, {17, "f8e4m3", "F8E4M3"}, {19, "f8e5m2", "F8E5M2"},
    {21, "u4", "U4"},     {22, "i4", "I4"},         {23, "f4e2m1", "F4E2M1"},
};

/// A model in OpenVINO's own format whose one input has the element type.
std::string ModelOf(const ElementName& name) {
  const std::string port =
      std::string("<port id=\"0\" precision=\"") + name.precision + "\"><dim>1</dim></port>";
  return std::string("<?xml version=\"1.0\"?><net name=\"type\" version=\"11\"><layers>") +
         "<layer id=\"0\" name=\"x\" type=\"Parameter\" version=\"opset1\"><data element_type=\"" +
         name.element + "\" shape=\"1\"/><output>" + port + "</output></layer>" +
         "<layer id=\"1\" name=\"y\" type=\"Result\" version=\"opset1\"><input>" + port +
         "</input></layer></layers><edges>" +
         "<edge from-layer=\"0\" from-port=\"0\" to-layer=\"1\" to-port=\"0\"/></edges></net>";
}

bool StartsWith(const std::string& text, const char* start) { return text.rfind(start, 0) == 0; }

}  // namespace

const OpenVinoRuntime& OpenVinoRuntime::Load(const std::string& path) {
  // Both leaked: sessions that outlive static destructors still use them.
  static auto* mutex = new std::mutex;
  static auto* runtimes = new std::map<std::string, std::unique_ptr<const OpenVinoRuntime>>;
  const EngineStay stay;
  if (!stay) throw Error(ErrorCode::kDisposed, "The process is ending");
  const std::lock_guard<std::mutex> lock(*mutex);
  std::unique_ptr<const OpenVinoRuntime>& runtime = (*runtimes)[path];
  if (!runtime) runtime.reset(new OpenVinoRuntime(path));
  return *runtime;
}

OpenVinoRuntime::OpenVinoRuntime(const std::string& path) {
  std::string why;
  DynamicLibrary library = DynamicLibrary::Open(path, &why);
  if (!library) throw Unavailable(path, why);
#define TN_OPENVINO_FIND(result, name, parameters)              \
  api_.name = library.Symbol<decltype(api_.name)>("ov_" #name); \
  if (api_.name == nullptr) throw Unavailable(path, "it does not export ov_" #name);
  TN_OPENVINO_FUNCTIONS(TN_OPENVINO_FIND)
#undef TN_OPENVINO_FIND
  api_.get_last_err_msg = library.Symbol<decltype(api_.get_last_err_msg)>("ov_get_last_err_msg");
  library.Leak();
  EngineStay::Arm();

  openvino::Version version{};
  Check(api_.get_openvino_version(&version), ErrorCode::kCpuBackendUnavailable, "its version");
  version_ = version.build_number != nullptr ? version.build_number : "";
  version_ = version_.substr(0, version_.find('-'));
  api_.version_free(&version);
  // Never freed: it is one per process.
  Check(api_.core_create(&core_), ErrorCode::kCpuBackendUnavailable, "its core");
  LearnTypes();
  if (TypeOfOnnx(1) < 0) throw Unavailable(path, "it cannot read models of its own format");
}

void OpenVinoRuntime::LearnTypes() {
  for (const ElementName& name : kElementNames) {
    const std::string text = ModelOf(name);
    openvino::Model* raw = nullptr;
    if (api_.core_read_model_from_memory_buffer(core_, text.c_str(), text.size(), nullptr, &raw) !=
        openvino::kOk)
      continue;
    const OpenVinoOwner<openvino::Model> model(raw, api_.model_free);
    openvino::Port* raw_port = nullptr;
    if (api_.model_const_input_by_index(raw, 0, &raw_port) != openvino::kOk) continue;
    const OpenVinoOwner<openvino::Port> port(raw_port, api_.output_const_port_free);
    int type = -1;
    if (api_.port_get_element_type(raw_port, &type) == openvino::kOk)
      type_of_onnx_[name.onnx] = type;
  }
}

int OpenVinoRuntime::TypeOfOnnx(int onnx) const noexcept {
  const auto found = type_of_onnx_.find(onnx);
  return found == type_of_onnx_.end() ? -1 : found->second;
}

int OpenVinoRuntime::OnnxOfType(int type) const noexcept {
  for (const auto& [onnx, known] : type_of_onnx_) {
    if (known == type) return onnx;
  }
  return -1;
}

void OpenVinoRuntime::Check(openvino::Status status, ErrorCode code, const char* what) const {
  if (status == openvino::kOk) return;
  const std::string message = LastMessage();
  // Where in its source an exception was thrown says nothing to people.
  std::string sentence;
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos) continue;
    line = line.substr(start);
    if (StartsWith(line, "Exception from ") || StartsWith(line, "Check '")) continue;
    sentence += (sentence.empty() ? "" : " ") + line;
  }
  if (sentence.empty()) sentence = "status " + std::to_string(status);
  const bool memory = message.find("bad_alloc") != std::string::npos;
  throw Error(memory ? ErrorCode::kOutOfMemory : code,
              std::string("OpenVINO failed at ") + what + ": " + sentence,
              message.empty() ? std::vector<std::string>{} : std::vector<std::string>{message});
}

std::string OpenVinoRuntime::LastMessage() const {
  if (api_.get_last_err_msg == nullptr) return {};
  const char* text = api_.get_last_err_msg();
  if (text == nullptr) return {};
  std::string message = text;
  api_.free(text);
  return message;
}

}  // namespace tensorrt_node
