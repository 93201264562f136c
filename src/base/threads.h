// A small pool of threads for loops whose results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace axiom {

/// Runs loops on a fixed number of threads. The caller's thread is one of them, so ThreadPool(1) starts none.
class ThreadPool {
 public:
  /// 0 means as many threads as the machine has processors.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;

  /// Calls body(begin, end) for [0, grain), [grain, 2 grain), ... up to `count`, each range once, in any order and at
  /// the same time, and returns when all are done. The ranges depend on count and grain alone: a body that writes only
  /// what belongs to its range, and a reduction over ranges in order, give the same bits for any number of threads.
  /// The body must not throw. Called from inside a body it runs serially; several threads may call it.
  void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace axiom
