// Certificates cut at every length, and with every byte replaced by every other,
// removed or doubled: each is accepted, rejected in one line or an error, within
// bounded memory.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "tests/claims.h"
#include "tests/test.h"

namespace {
std::atomic<uint64_t> bytes_asked_for = 0;
}  // namespace

// Counts what is asked for, which bounds what is held. Both forms are replaced,
// since a sanitizer's own would not agree with the delete below. Not inlined, as gcc
// takes a pair of which it sees through one only for a mismatch.
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  bytes_asked_for += size;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void* operator new(size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace {

using build::Bytes;
using build::Claim;
using checker::Outcome;

constexpr int kFewestCases = 100'000;
constexpr uint64_t kMostMemory = 1'000'000;  // for networks of a dozen elements
constexpr size_t kSemanticsAt = 8;

// Visits every variant of the bytes and returns how many there were.
template <class Visit>
int for_each_variant(const Bytes& good, const Visit& visit) {
  int cases = 0;
  const auto part = [&](size_t begin, size_t end) {
    return Bytes(good.begin() + std::ptrdiff_t(begin), good.begin() + std::ptrdiff_t(end));
  };
  for (size_t size = 0; size < good.size(); ++size, ++cases) visit(part(0, size));
  for (size_t at = 0; at < good.size(); ++at) {
    Bytes variant = good;
    for (int value = 0; value < 256; ++value, ++cases) {
      variant[at] = uint8_t(value);
      visit(variant);
    }
    visit(build::join({part(0, at), part(at + 1, good.size())}));
    visit(build::join({part(0, at + 1), part(at, good.size())}));
    cases += 2;
  }
  return cases;
}

// Accepted means proved, whatever the bytes: so a variant that is accepted states
// the same claim, up to the semantics, and proves it by its own tree.
void expect_same_claim(const Claim& claim, const Bytes& good, const Bytes& variant, const Outcome& outcome) {
  const size_t stated = good.size() - claim.tree.size() - 1;  // the header up to the length of the tree
  EXPECT(variant.size() > stated && outcome.reason.empty() && outcome.leaves > 0);
  for (size_t at = 0; at < stated; ++at) EXPECT(at == kSemanticsAt || variant[at] == good[at]);
}

void expect_one_line(const Outcome& outcome) {
  EXPECT(!outcome.reason.empty() && outcome.reason.size() < 1000);
  for (const char c : outcome.reason) EXPECT(c >= ' ' && c <= '~');
}

}  // namespace

void malformed_tests() {
  test("certificates that are cut or have any byte changed end in an outcome, in one line, within bounded memory", [] {
    int cases = 0, accepted = 0, errors = 0;
    unsigned visited = 0;  // of four variants, one with several threads too, as threads are slow to start
    const auto threads = [&]() -> std::vector<unsigned> {
      if (visited++ % 4 != 0) return {};
      return {2 + visited / 4 % 2};
    };
    uint64_t most_memory = 0;
    for (const Claim& claim : build::accepted_claims()) {
      const Bytes good = build::certificate(claim);
      const Outcome original = build::check(claim, good);
      EXPECT_NOTE(original.result == Outcome::accepted, original.reason);
      cases += for_each_variant(good, [&](const Bytes& variant) {
        bytes_asked_for = 0;
        const Outcome outcome = build::check(claim, variant, threads());
        most_memory = std::max(most_memory, bytes_asked_for.load());
        accepted += outcome.result == Outcome::accepted;
        errors += outcome.result == Outcome::error;
        if (outcome.result == Outcome::accepted) {
          expect_same_claim(claim, good, variant, outcome);
        } else {
          expect_one_line(outcome);
        }
      });
    }
    EXPECT(cases >= kFewestCases);
    EXPECT_NOTE(most_memory < kMostMemory, std::to_string(most_memory));
    EXPECT(errors == 0);  // model and property are whole
    std::printf("%d malformed certificates, %d of them certificates after all, at most %d bytes asked for\n", cases,
                accepted, int(most_memory));
  });
}
