#include <gtest/gtest.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include <cstdlib>
#include <cstring>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "cpu/openvino_session.h"
#include "cpu/reaper.h"
#include "engine_fixture.h"

namespace tensorrt_node {
namespace {

/// Where CMake found the library that set-up fetched for tests, or what the environment says.
std::string Library() {
  const char* given = std::getenv("TENSORRT_NODE_OPENVINO");
  return given != nullptr ? given : TENSORRT_NODE_TEST_OPENVINO;
}

/// y = exp(x) on float32 [n, 4], in OpenVINO's own format.
ModelSource ExpModel() {
  const std::string port = R"(precision="FP32"><dim>-1</dim><dim>4</dim></port>)";
  const std::string names[2] = {R"(" names="x" )", R"(" names="y" )"};
  const std::string text =
      R"(<?xml version="1.0"?><net name="n" version="11"><layers>)"
      R"(<layer id="0" name="x" type="Parameter" version="opset1">)"
      R"(<data element_type="f32" shape="?,4"/><output><port id="0)" +
      names[0] + port + "</output></layer>" +
      R"(<layer id="1" name="e" type="Exp" version="opset1"><input><port id="0" )" + port +
      R"(</input><output><port id="1)" + names[1] + port + "</output></layer>" +
      R"(<layer id="2" name="r" type="Result" version="opset1"><input><port id="0" )" + port +
      R"(</input></layer></layers><edges><edge from-layer="0" from-port="0" to-layer="1" )"
      R"(to-port="0"/><edge from-layer="1" from-port="1" to-layer="2" to-port="0"/></edges></net>)";
  ModelSource model;
  model.bytes = AllocateHostBuffer(text.size());
  std::memcpy(model.bytes.data, text.data(), text.size());
  return model;
}

OpenVinoOptions Options() {
  OpenVinoOptions options;
  options.concurrency = 2;
  options.threads_per_run = 1;
  options.inputs = {"x"};
  options.outputs = {"y"};
  return options;
}

std::shared_ptr<OpenVinoSession> Load() {
  auto session = OpenVinoSession::New(Options());
  session->Load(Library(), ExpModel());
  return session;
}

class OpenVinoSessions : public ::testing::Test {
 protected:
  void SetUp() override {
    if (Library().empty()) GTEST_SKIP() << "needs OpenVINO: npm run setup -- --tests";
#ifdef __SANITIZE_ADDRESS__
    // Else TBB opens a library in a way that AddressSanitizer ends the process for.
    setenv("TBB_ENABLE_SANITIZERS", "1", 0);
    // What the library makes at its first use and keeps.
    const __lsan::ScopedDisabler first_use;
#endif
    Load();
    WaitForReaper();
  }
  /// Dropped sessions are freed on a thread of their own, which the end of the process outruns.
  void TearDown() override { WaitForReaper(); }
};

TEST_F(OpenVinoSessions, DescribesAndRunsAModel) {
  const auto session = Load();
  EXPECT_EQ(session->precision(), "f32");
  EXPECT_EQ(session->description().inputs[0].dims, (std::vector<std::int64_t>{-1, 4}));
  EXPECT_EQ(session->description().outputs[0].element_type, 1);
  for (const std::int64_t rows : {1, 3, 0}) {
    const auto count = static_cast<std::size_t>(4 * rows);
    auto run =
        session->NewRun({"x"}, {FloatTensor(std::vector<float>(count, 0), {rows, 4})}, {"y"});
    const std::vector<CpuTensor> outputs = run->Execute();
    ASSERT_EQ(outputs.size(), 1U);
    EXPECT_EQ(outputs[0].dims, (std::vector<std::int64_t>{rows, 4}));
    ASSERT_EQ(outputs[0].data.size, count * sizeof(float));
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_EQ(reinterpret_cast<const float*>(outputs[0].data.data)[i], 1.0F);
  }
}

TEST_F(OpenVinoSessions, OutputsOutliveTheSession) {
  auto session = Load();
  std::vector<CpuTensor> outputs =
      session->NewRun({"x"}, {FloatTensor({0, 0, 0, 0}, {1, 4})}, {"y"})->Execute();
  session.reset();
  WaitForReaper();
  EXPECT_EQ(reinterpret_cast<const float*>(outputs[0].data.data)[3], 1.0F);
}

TEST_F(OpenVinoSessions, RefusesFeedsAndFetchesThatAreNotTheModels) {
  const auto session = Load();
  const auto make = [&](std::vector<std::string> feeds, std::vector<CpuTensor> tensors,
                        std::vector<std::string> fetches) {
    return CodeOf([&] {
      static_cast<void>(session->NewRun(std::move(feeds), std::move(tensors), std::move(fetches)));
    });
  };
  const CpuTensor good = FloatTensor({1, 2, 3, 4}, {1, 4});
  const CpuTensor short_of_data = FloatTensor({1, 2, 3}, {1, 4});
  EXPECT_EQ(make({}, {}, {"y"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make({"x", "x"}, {good, good}, {"y"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make({"x", "z"}, {good, good}, {"y"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make({"x"}, {good}, {"z"}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make({"x"}, {short_of_data}, {"y"}), ErrorCode::kInvalidArgument);
  auto wrong_shape = session->NewRun({"x"}, {FloatTensor({1, 2, 3}, {1, 3})}, {"y"});
  EXPECT_EQ(CodeOf([&] { static_cast<void>(wrong_shape->Execute()); }), ErrorCode::kShapeMismatch);
}

TEST_F(OpenVinoSessions, WhatIsCancelledSaysSo) {
  auto loading = OpenVinoSession::New(Options());
  loading->CancelLoad();
  EXPECT_EQ(CodeOf([&] { loading->Load(Library(), ExpModel()); }), ErrorCode::kDisposed);
  const auto session = Load();
  auto run = session->NewRun({"x"}, {FloatTensor({1, 2, 3, 4}, {1, 4})}, {"y"});
  run->Cancel();
  EXPECT_EQ(CodeOf([&] { static_cast<void>(run->Execute()); }), ErrorCode::kDisposed);
}

TEST_F(OpenVinoSessions, RefusesLibrariesModelsAndPropertiesThatAreNone) {
  const auto load = [](OpenVinoOptions options, const std::string& library, ModelSource model) {
    return CodeOf([&] { OpenVinoSession::New(std::move(options))->Load(library, model); });
  };
  EXPECT_EQ(load(Options(), "/nowhere/libopenvino_c.so", ExpModel()),
            ErrorCode::kCpuBackendUnavailable);
  EXPECT_EQ(load(Options(), "libm.so.6", ExpModel()), ErrorCode::kCpuBackendUnavailable);
  EXPECT_EQ(load(Options(), Library(), {"/nowhere.onnx", {}}), ErrorCode::kUnsupportedModel);
  OpenVinoOptions many = Options();
  many.properties.resize(13, {"A", "B"});
  EXPECT_EQ(load(many, Library(), ExpModel()), ErrorCode::kInvalidArgument);
  OpenVinoOptions two_inputs = Options();
  two_inputs.inputs = {"x", "z"};
  EXPECT_EQ(load(two_inputs, Library(), ExpModel()), ErrorCode::kUnsupportedModel);
}

}  // namespace
}  // namespace tensorrt_node
