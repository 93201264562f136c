// One thread per walk: they are few, and each runs for a millisecond or more.
#include "crew.h"

#include <memory>
#include <system_error>
#include <utility>

namespace checker {

void Crew::take_thread() {
  std::unique_lock lock(mutex_);
  given_.wait(lock, [this] { return free_ > 0; });
  --free_;
}

void Crew::give_thread() {
  const std::lock_guard lock(mutex_);
  ++free_;
  given_.notify_one();
}

bool Crew::start(std::function<Counts()> walk) {
  take_thread();
  auto run = [this, walk = std::move(walk)]() mutable {
    const auto give = [](Crew* crew) { crew->give_thread(); };
    const std::unique_ptr<Crew, decltype(give)> taken(this, give);
    const std::function<Counts()> own = std::move(walk);  // so that its memory is free before the thread is
    return own();
  };
  try {
    results_.push_back(std::async(std::launch::async, std::move(run)));
  } catch (const std::system_error&) {
    give_thread();
    return false;
  }
  return true;
}

Counts Crew::finish() {
  Counts sum;
  for (std::future<Counts>& result : results_) {
    const Counts counts = result.get();
    sum.nodes += counts.nodes;
    sum.leaves += counts.leaves;
  }
  return sum;
}

}  // namespace checker
