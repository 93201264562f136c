// Walks that run side by side, and one result of all.
#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <vector>

#include "tree.h"

namespace checker {

class Crew {
 public:
  explicit Crew(unsigned threads) : free_(threads) {}

  // Runs `walk` in a thread of its own, as soon as fewer than `threads` are at work. False if there can be no other
  // thread: then it is not run.
  bool start(std::function<Counts()> walk);

  // Waits for all and sums up. Throws what the first of them, in the order of start(), has thrown.
  Counts finish();

 private:
  void take_thread();
  void give_thread();

  std::mutex mutex_;
  std::condition_variable given_;
  unsigned free_;
  std::vector<std::future<Counts>> results_;  // last, as its end waits for threads that use the others
};

}  // namespace checker
