#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>
#include <vector>

namespace axiom {
namespace {

TEST(ThreadPool, VisitsEveryIndexOnce) {
  ThreadPool pool(4);
  EXPECT_EQ(pool.size(), 4);
  for (int64_t count : {0, 1, 2, 63, 64, 65, 10000}) {
    std::vector<int> visits(static_cast<size_t>(count), 0);
    pool.parallel_for(count, 7, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
    });
    EXPECT_EQ(visits, std::vector<int>(static_cast<size_t>(count), 1));
  }
}

TEST(ThreadPool, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto sum_with = [](int threads) {
    ThreadPool pool(threads);
    std::vector<double> partial(100);
    pool.parallel_for(10000, 100, [&](int64_t begin, int64_t end) {
      double sum = 0.0;
      for (int64_t i = begin; i < end; ++i) sum += std::sin(static_cast<double>(i));
      partial[static_cast<size_t>(begin / 100)] = sum;
    });
    return std::accumulate(partial.begin(), partial.end(), 0.0);
  };
  EXPECT_EQ(sum_with(1), sum_with(2));
  EXPECT_EQ(sum_with(1), sum_with(5));
}

TEST(ThreadPool, RunsALoopInsideALoopSerially) {
  ThreadPool pool(3);
  std::atomic<int64_t> visits = 0;
  pool.parallel_for(10, 1, [&](int64_t, int64_t) {
    pool.parallel_for(10, 3, [&](int64_t begin, int64_t end) { visits += end - begin; });
  });
  EXPECT_EQ(visits, 100);
}

TEST(ThreadPool, ServesSeveralCallersAndManyLoops) {
  ThreadPool pool(3);
  std::atomic<int64_t> visits = 0;
  const auto call = [&] {
    for (int loop = 0; loop < 500; ++loop) {
      pool.parallel_for(20, 1, [&](int64_t begin, int64_t end) { visits += end - begin; });
    }
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(visits, 2 * 500 * 20);
}

}  // namespace
}  // namespace axiom
