#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/cpu_features.h"
#include "core/error.h"
#include "core/host_buffer.h"
#include "core/thread_pool.h"
#include "vision/isa.h"
#include "vision/parallel.h"

namespace tensorrt_node {
namespace {

TEST(HostBuffer, IsAlignedWritableAndReused) {
  TrimHostPool();
  EXPECT_EQ(HostPoolBytes(), 0U);
  const std::uint8_t* first = nullptr;
  {
    const HostBuffer buffer = AllocateHostBuffer(100000);
    first = buffer.data;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data) % 64, 0U);
    std::fill_n(buffer.data, buffer.size, std::uint8_t{7});
    const HostBuffer copy = buffer;
    EXPECT_EQ(copy.data, buffer.data);
    EXPECT_EQ(HostPoolBytes(), 0U);
  }
  EXPECT_GE(HostPoolBytes(), 100000U);
  EXPECT_EQ(AllocateHostBuffer(99999).data, first);
  TrimHostPool();
  EXPECT_EQ(HostPoolBytes(), 0U);
}

TEST(HostBuffer, OutlivesTheFirstOwner) {
  HostBuffer copy;
  {
    const HostBuffer buffer = AllocateHostBuffer(64);
    buffer.data[63] = 42;
    copy = buffer;
  }
  EXPECT_EQ(copy.data[63], 42);
}

TEST(HostBuffer, EmptyIsValidAndHugeIsAnError) {
  const HostBuffer empty = AllocateHostBuffer(0);
  EXPECT_TRUE(static_cast<bool>(empty));
  EXPECT_EQ(empty.size, 0U);
  for (const std::size_t size : {~std::size_t{0}, std::size_t{1} << 60}) {
    try {
      const HostBuffer buffer = AllocateHostBuffer(size);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    }
  }
}

TEST(HostBuffer, PoolKeepsToItsLimit) {
  TrimHostPool();
  {
    std::vector<HostBuffer> buffers;
    for (int i = 0; i < 30; ++i) buffers.push_back(AllocateHostBuffer(std::size_t{8} << 20));
  }
  EXPECT_LE(HostPoolBytes(), HostPoolLimitBytes());
  EXPECT_GT(HostPoolBytes(), 0U);
  TrimHostPool();
}

TEST(HostBuffer, IsSafeFromManyThreads) {
  std::vector<std::thread> threads;
  for (std::uint8_t t = 0; t < 8; ++t) {
    threads.emplace_back([t] {
      for (std::size_t i = 0; i < 300; ++i) {
        const HostBuffer buffer = AllocateHostBuffer(1 + i % 7 * 5000);
        std::fill_n(buffer.data, buffer.size, t);
        for (std::size_t k = 0; k < buffer.size; ++k) ASSERT_EQ(buffer.data[k], t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ThreadPool, RunsEveryJobBeforeItStops) {
  std::atomic<int> done{0};
  {
    ThreadPool pool(3);
    for (int i = 0; i < 1000; ++i) pool.Submit([&done] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

TEST(ThreadPool, RefusesJobsWhenFullOrStopped) {
  ThreadPool pool(1, 2);
  std::mutex gate;
  gate.lock();
  std::atomic<bool> started{false};
  pool.Submit([&] {
    started = true;
    const std::lock_guard<std::mutex> wait(gate);
  });
  while (!started) std::this_thread::yield();
  pool.Submit([] {});
  pool.Submit([] {});
  const auto code_of_submit = [&pool] {
    try {
      pool.Submit([] {});
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of_submit(), ErrorCode::kQueueFull);
  gate.unlock();
  pool.Stop();
  pool.Stop();
  EXPECT_EQ(code_of_submit(), ErrorCode::kDisposed);
}

TEST(ParallelFor, VisitsEveryIndexOnce) {
  ThreadPool pool(3);
  for (const std::size_t count : {0U, 1U, 2U, 7U, 500U}) {
    for (const std::size_t helpers : {0U, 1U, 3U, 100U}) {
      std::vector<std::atomic<int>> visits(count);
      ParallelFor(count, [&](std::size_t i) { ++visits[i]; }, pool, helpers);
      for (const auto& visit : visits) ASSERT_EQ(visit, 1);
    }
  }
}

TEST(ParallelFor, CannotDeadlockOnThePoolThatCallsIt) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  std::mutex mutex;
  std::condition_variable all;
  int finished = 0;
  for (int job = 0; job < 8; ++job) {
    pool.Submit([&] {
      ParallelFor(20, [&](std::size_t) { ++done; }, pool, 2);
      const std::lock_guard<std::mutex> lock(mutex);
      ++finished;
      all.notify_all();
    });
  }
  std::unique_lock<std::mutex> lock(mutex);
  all.wait(lock, [&] { return finished == 8; });
  EXPECT_EQ(done, 160);
}

TEST(ParallelFor, RethrowsAfterTheOtherItemsRan) {
  ThreadPool pool(2);
  for (const std::size_t helpers : {0U, 2U}) {
    std::atomic<int> done{0};
    const auto body = [&](std::size_t i) {
      if (i == 3) throw std::runtime_error("item 3");
      ++done;
    };
    EXPECT_THROW(ParallelFor(10, body, pool, helpers), std::runtime_error);
    EXPECT_EQ(done, 9);
  }
}

TEST(ParallelFor, GoesOnAloneWhenTheExecutorHasStopped) {
  ThreadPool pool(2);
  pool.Stop();
  std::atomic<int> done{0};
  ParallelFor(10, [&](std::size_t) { ++done; }, pool, 2);
  EXPECT_EQ(done, 10);
}

TEST(ErrorNames, AreDistinctAndOfOneForm) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const std::string name = ErrorCodeName(static_cast<ErrorCode>(code));
    EXPECT_EQ(name.rfind("ERR_", 0), 0U) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_STREQ(ErrorCodeName(ErrorCode::kInternal), "ERR_INTERNAL");
  EXPECT_STREQ(ErrorCodeName(ErrorCode::kTensorRtVersion), "ERR_TENSORRT_VERSION");
}

TEST(Isa, ListIsOrderedAndFitsTheReportedFeatures) {
  const std::vector<Isa>& isas = SupportedIsas();
  ASSERT_FALSE(isas.empty());
  EXPECT_EQ(isas.front(), Isa::kScalar);
  EXPECT_EQ(BestIsa(), isas.back());
  const std::vector<std::string> features = CpuFeatures();
  for (const Isa isa : isas) {
    if (isa == Isa::kScalar) continue;
    EXPECT_NE(std::find(features.begin(), features.end(), IsaName(isa)), features.end())
        << IsaName(isa);
  }
}

}  // namespace
}  // namespace tensorrt_node
