// The bytes of a certificate depend on the question only: not on threads, not on the run.
#include <gtest/gtest.h>

#include "generator.h"
#include "workbench.h"

namespace axiom::soundness {
namespace {

TEST(Determinism, CertificatesAreTheSameForOneTwoAndFourThreads) {
  const int cases = case_count(60);
  int compared = 0;
  uint64_t leaves = 0;
  for (int seed = 0; seed < cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<uint64_t>(seed) + 5000);
    const Network network = tiny_network(random);
    const Meaning meaning = meaning_of(network);
    const Question question = seed % 2 == 0 ? near_question(meaning, random) : mixed_question(meaning, random);
    const Workbench bench(network.onnx_bytes(), question.text());
    const Workbench::Answer first = bench.decide(Semantics::kReal, 0.2);
    if (first.decision.verdict != Verdict::kVerified) continue;
    ++compared;
    leaves = std::max(leaves, first.decision.leaves);
    for (const int threads : {1, 2, 4}) {
      const Workbench::Answer again = bench.decide(Semantics::kReal, 20, threads);
      EXPECT_EQ(again.decision.verdict, Verdict::kVerified);
      EXPECT_TRUE(again.certificate == first.certificate) << threads << " threads";
    }
  }
  std::printf("%d certificates compared, the largest with %d leaves\n", compared, static_cast<int>(leaves));
  EXPECT_GT(compared, cases / 4);
  EXPECT_GE(leaves, 3u);
}

}  // namespace
}  // namespace axiom::soundness
