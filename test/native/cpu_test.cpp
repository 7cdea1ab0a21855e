#include <gtest/gtest.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cpu/cpu_run.h"
#include "cpu/cpu_session.h"
#include "cpu/element_type.h"
#include "cpu/exit_guard.h"
#include "cpu/ort_log.h"
#include "cpu/reaper.h"
#include "engine_fixture.h"

namespace tensorrt_node {
namespace {

/// Where CMake found the library of the package onnxruntime-node, or what the environment says.
std::string Library() {
  const char* given = std::getenv("TENSORRT_NODE_ONNXRUNTIME");
  return given != nullptr ? given : TENSORRT_NODE_TEST_ONNXRUNTIME;
}

HostBuffer BytesOf(const std::string& hex) {
  HostBuffer buffer = AllocateHostBuffer(hex.size() / 2);
  for (std::size_t i = 0; i < buffer.size; ++i) {
    buffer.data[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  return buffer;
}

/// y = x + 1 on float32 [1, 4], as addOneModel() of test/helpers/onnx-writer.ts writes it.
HostBuffer AddOneModel() {
  return BytesOf(
      "0808121374656e736f7272742d6e6f64652074657374733a590a150a01780a036f6e651201791a03616464220341"
      "6464120567726170682a0f0801100142036f6e654a040000803f5a130a0178120e0a0c080112080a0208010a0208"
      "0462130a0179120e0a0c080112080a0208010a02080442040a001011");
}

/// y = x on string [n], metadata k = v, producer p.
HostBuffer StringModel() {
  return BytesOf(
      "08081201703a3d0a100a017812017922084964656e74697479120567726170685a100a0178120b0a09080812050a"
      "0312016e62100a0179120b0a09080812050a0312016e42040a00101172060a016b120176");
}

std::shared_ptr<CpuSession> Load(HostBuffer model) {
  auto session = CpuSession::New({});
  session->Load(Library(), {"", std::move(model)});
  return session;
}

/// Under AddressSanitizer every session must be gone at the end, so nothing of the library is let
/// off but what it makes at its first use and keeps.
class CpuSessions : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
#ifdef __SANITIZE_ADDRESS__
    const __lsan::ScopedDisabler first_use;
#endif
    Load(AddOneModel());
    WaitForReaper();
  }

  /// Dropped sessions are freed on a thread of their own, which the end of the process outruns.
  void TearDown() override { WaitForReaper(); }
};

TEST(ElementType, CountsElementsAndCatchesOverflow) {
  EXPECT_EQ(ElementCount({}), 1U);
  EXPECT_EQ(ElementCount({2, 3, 4}), 24U);
  EXPECT_EQ(ElementCount({1LL << 62, 1LL << 62, 0}), 0U);
  EXPECT_EQ(ElementCount({1LL << 40, 1LL << 40}), std::nullopt);
  EXPECT_EQ(ElementCount({0, -1}), std::nullopt);
  EXPECT_EQ(ElementBytes(1, 3), 12U);
  EXPECT_EQ(ElementBytes(22, 3), 2U);
  EXPECT_EQ(ElementBytes(15, 2), 32U);
  EXPECT_EQ(ElementBits(kElementString), 0U);
  EXPECT_EQ(ElementBits(0), 0U);
  EXPECT_EQ(ElementBits(99), 0U);
}

TEST_F(CpuSessions, DescribesAndRunsAModel) {
  const auto session = Load(AddOneModel());
  ASSERT_EQ(session->description().inputs.size(), 1U);
  EXPECT_EQ(session->description().inputs[0].name, "x");
  EXPECT_EQ(session->description().inputs[0].dims, (std::vector<std::int64_t>{1, 4}));
  CpuRun run(session, {"x"}, {FloatTensor({1, 2, 3, 4}, {1, 4})}, {"y"});
  const std::vector<CpuTensor> outputs = run.Execute();
  ASSERT_EQ(outputs.size(), 1U);
  ASSERT_EQ(outputs[0].data.size, 16U);
  EXPECT_EQ(reinterpret_cast<const float*>(outputs[0].data.data)[3], 5.0F);
}

TEST_F(CpuSessions, OutputsOutliveTheSession) {
  auto session = Load(AddOneModel());
  auto run = std::make_unique<CpuRun>(session, std::vector<std::string>{"x"},
                                      std::vector<CpuTensor>{FloatTensor({1, 2, 3, 4}, {1, 4})},
                                      std::vector<std::string>{"y"});
  std::vector<CpuTensor> outputs = run->Execute();
  run.reset();
  session.reset();
  WaitForReaper();
  EXPECT_EQ(reinterpret_cast<const float*>(outputs[0].data.data)[0], 2.0F);
}

TEST_F(CpuSessions, CarriesStringsAndMetadata) {
  const auto session = Load(StringModel());
  const ModelDescription& description = session->description();
  EXPECT_EQ(description.producer, "p");
  EXPECT_EQ(description.graph_name, "graph");
  ASSERT_EQ(description.metadata.size(), 1U);
  EXPECT_EQ(description.metadata[0], std::make_pair(std::string("k"), std::string("v")));
  EXPECT_EQ(description.inputs[0].dims, (std::vector<std::int64_t>{-1}));
  EXPECT_EQ(description.inputs[0].symbols, (std::vector<std::string>{"n"}));
  CpuTensor feed;
  feed.element_type = kElementString;
  feed.dims = {3};
  feed.strings = {std::string("a\0b", 3), "", "long enough to leave the small string buffer"};
  CpuRun run(session, {"x"}, {feed}, {"y"});
  EXPECT_EQ(run.Execute().at(0).strings, feed.strings);
}

TEST_F(CpuSessions, RefusesWhatWouldReadBeyondMemory) {
  const auto session = Load(AddOneModel());
  const auto make = [&](CpuTensor feed) {
    return CodeOf([&] { const CpuRun run(session, {"x"}, {std::move(feed)}, {"y"}); });
  };
  EXPECT_EQ(make(FloatTensor({1, 2, 3}, {1, 4})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(make(FloatTensor({1}, {1LL << 40, 1LL << 40})), ErrorCode::kInvalidArgument);
  CpuTensor odd = FloatTensor({1}, {1});
  odd.element_type = 0;
  EXPECT_EQ(make(odd), ErrorCode::kInvalidArgument);
  CpuTensor strings;
  strings.element_type = kElementString;
  strings.dims = {2};
  strings.strings = {"one"};
  EXPECT_EQ(make(strings), ErrorCode::kInvalidArgument);
}

TEST_F(CpuSessions, TellsFailuresApart) {
  const auto session = Load(AddOneModel());
  const auto run = [&](CpuTensor feed, const std::string& input, const std::string& output) {
    CpuRun call(session, {input}, {std::move(feed)}, {output});
    return CodeOf([&] { static_cast<void>(call.Execute()); });
  };
  EXPECT_EQ(run(FloatTensor({1, 2}, {1, 2}), "x", "y"), ErrorCode::kShapeMismatch);
  EXPECT_EQ(run(FloatTensor({1, 2, 3, 4}, {1, 4}), "z", "y"), ErrorCode::kShapeMismatch);
  EXPECT_EQ(run(FloatTensor({1, 2, 3, 4}, {1, 4}), "x", "z"), ErrorCode::kShapeMismatch);
  EXPECT_EQ(CodeOf([] { Load(BytesOf("0102030405")); }), ErrorCode::kInvalidModel);
  EXPECT_EQ(CodeOf([] { CpuSession::New({})->Load(Library(), {"/no/such/model.onnx", {}}); }),
            ErrorCode::kIo);
  EXPECT_EQ(CodeOf([] { CpuSession::New({})->Load("/no/such/library.so", {}); }),
            ErrorCode::kCpuBackendUnavailable);
}

TEST_F(CpuSessions, ObeysCancellation) {
  const auto session = CpuSession::New({});
  session->CancelLoad();
  EXPECT_EQ(CodeOf([&] { session->Load(Library(), {"", AddOneModel()}); }), ErrorCode::kDisposed);
  CpuRun run(Load(AddOneModel()), {"x"}, {FloatTensor({1, 2, 3, 4}, {1, 4})}, {"y"});
  run.Cancel();
  EXPECT_EQ(CodeOf([&] { static_cast<void>(run.Execute()); }), ErrorCode::kDisposed);
}

TEST_F(CpuSessions, RunsInParallelWhileOthersComeAndGo) {
  const auto session = Load(AddOneModel());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&session, t] {
      for (int i = 0; i < 50; ++i) {
        const auto value = static_cast<float>(100 * t + i);
        CpuRun run(session, {"x"}, {FloatTensor({value, 0, 0, 0}, {1, 4})}, {"y"});
        const auto outputs = run.Execute();
        EXPECT_EQ(reinterpret_cast<const float*>(outputs[0].data.data)[0], value + 1);
        if (i % 10 == 0) Load(AddOneModel());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  WaitForReaper();
}

TEST(OrtLog, KeepsTheOldestLinesAndCountsTheRest) {
  static_cast<void>(DrainOrtLog());
  for (int i = 0; i < 300; ++i) {
    CollectOrtLog(nullptr, ort::kWarning, "", "", "", std::to_string(i).c_str());
  }
  const std::vector<OrtLogLine> lines = DrainOrtLog();
  ASSERT_EQ(lines.size(), 257U);
  EXPECT_EQ(lines[0].text, "0");
  EXPECT_EQ(lines[256].text, "44 more lines were dropped");
  EXPECT_TRUE(DrainOrtLog().empty());
}

/// The end of a process: what is inside is cancelled and waited for, what comes later is kept out.
TEST(EngineStayDeathTest, ExitCancelsAndWaits) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto end = [] {
    static std::atomic<bool> cancelled{false};
    static std::promise<void> inside;
    std::thread([] {
      {
        const EngineStay stay([] { cancelled.store(true); });
        inside.set_value();
        while (!cancelled.load()) std::this_thread::yield();
        std::fputs("left after the cancellation\n", stderr);
      }
      if (!EngineStay()) std::fputs("none enters any more\n", stderr);
    }).detach();
    inside.get_future().wait();
    // Runs after the wait, for handlers run last-in first-out.
    std::atexit([] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); });
    EngineStay::Arm();
    std::exit(7);
  };
  EXPECT_EXIT(end(), testing::ExitedWithCode(7),
              "left after the cancellation\n.*none enters any more");
}

}  // namespace
}  // namespace tensorrt_node
