// The pool: workers sleep until a loop is posted, then all threads take ranges from one atomic counter.
//
// One loop runs at a time; a second caller waits for its turn. Ranges are handed out in increasing order, so the work
// stays balanced without stealing.
#include "base/threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"

namespace axiom {
namespace {

thread_local bool inside_a_loop = false;

struct Loop {
  int64_t count, grain;
  const std::function<void(int64_t, int64_t)>& body;
  std::atomic<int64_t> next = 0;

  void run() {
    inside_a_loop = true;
    for (;;) {
      const int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count) break;
      body(begin, std::min(count, begin + grain));
    }
    inside_a_loop = false;
  }
};

}  // namespace

struct ThreadPool::State {
  std::mutex one_loop;  ///< Held by the thread whose loop is running.
  std::mutex mutex;     ///< Guards what follows.
  std::condition_variable posted, finished;
  Loop* loop = nullptr;
  uint64_t generation = 0;  ///< Number of loops posted; tells a worker whether it has seen this one.
  int working = 0;          ///< Workers inside the loop.
  bool stopping = false;
  std::vector<std::thread> workers;

  void work() {
    uint64_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      posted.wait(lock, [&] { return stopping || (loop != nullptr && generation != seen); });
      if (stopping) return;
      seen = generation;
      Loop* mine = loop;
      ++working;
      lock.unlock();
      mine->run();
      lock.lock();
      if (--working == 0) finished.notify_all();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  AXIOM_CHECK(threads >= 0);
  if (threads == 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int i = 1; i < threads; ++i) state_->workers.emplace_back([state = state_.get()] { state->work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->posted.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::size() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  AXIOM_CHECK(grain > 0);
  if (inside_a_loop || state_->workers.empty() || count <= grain) {
    for (int64_t begin = 0; begin < count; begin += grain) body(begin, std::min(count, begin + grain));
    return;
  }
  const std::lock_guard turn(state_->one_loop);
  Loop loop{.count = count, .grain = grain, .body = body};
  {
    const std::lock_guard lock(state_->mutex);
    state_->loop = &loop;
    ++state_->generation;
  }
  state_->posted.notify_all();
  loop.run();
  // A worker that has not begun by now finds no loop; those inside finish their range.
  std::unique_lock lock(state_->mutex);
  state_->loop = nullptr;
  state_->finished.wait(lock, [&] { return state_->working == 0; });
}

}  // namespace axiom
