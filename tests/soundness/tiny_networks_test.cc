// Tiny networks, decided exactly in rationals: no verdict may be wrong, in either semantics.
#include <gtest/gtest.h>

#include "generator.h"
#include "workbench.h"

namespace axiom::soundness {
namespace {

constexpr int kSamples = 1000;

struct Tally {
  int verified = 0, violated = 0, unknown = 0;
  void count(Verdict verdict) {
    ++(verdict == Verdict::kVerified ? verified : verdict == Verdict::kViolated ? violated : unknown);
  }
};

// The point that a witness stands for: a coordinate outside its exact interval means the nearest end.
std::vector<Rational> exact_point(const UnsafeCase& unsafe, const std::vector<double>& point) {
  const ExactBox box = exact_box(unsafe.box);
  std::vector<Rational> x = as_rationals(point);
  for (size_t j = 0; j < x.size(); ++j) x[j] = std::min(std::max(x[j], box.lower[j]), box.upper[j]);
  return x;
}

// Samples of the boxes through the reference executor and through random covered evaluations.
void expect_no_sample_is_unsafe(const Meaning& meaning, const Question& question, const Executor& execute,
                                Random& random) {
  for (int s = 0; s < kSamples; ++s) {
    const UnsafeCase& unsafe = question.cases[static_cast<size_t>(s) % question.cases.size()];
    std::vector<float> x;
    for (const double v : random_point(float_box(unsafe.box), random)) x.push_back(static_cast<float>(v));
    const std::vector<Rational> exact_x = as_rationals(x);
    std::vector<float> y = s % 4 == 0 ? execute(x) : outputs_of(meaning, evaluate_somehow(meaning, x, random));
    for (const float v : y) ASSERT_TRUE(std::isfinite(v));
    ASSERT_FALSE(is_unsafe(question, exact_x, as_rationals(y), true)) << "a covered evaluation is unsafe";
  }
}

void expect_witness_is_real(const Meaning& meaning, const Question& question, const Witness& witness,
                            Semantics semantics, const Executor& execute) {
  const UnsafeCase& unsafe = question.cases[witness.disjunct];
  if (semantics == Semantics::kReal) {
    const std::vector<Rational> x = exact_point(unsafe, witness.input);
    EXPECT_TRUE(is_unsafe(question, x, outputs_of(meaning, evaluate_exactly(meaning, x)), false));
    return;
  }
  const std::vector<float> x(witness.input.begin(), witness.input.end());
  EXPECT_EQ(execute(x), witness.output);
  EXPECT_TRUE(is_unsafe(question, as_rationals(x), as_rationals(witness.output), true));
}

TEST(TinyNetworks, NoVerdictIsWrong) {
  const int networks = case_count(200);
  Tally tally[2];
  int undecided = 0;
  for (int seed = 0; seed < networks; ++seed) {
    Random random(static_cast<uint64_t>(seed));
    const Network network = tiny_network(random);
    const Meaning meaning = meaning_of(network);
    const Question question = seed % 3 == 2 ? mixed_question(meaning, random) : near_question(meaning, random);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + question.text());
    const std::string model = network.onnx_bytes();
    const Workbench bench(model, question.text());
    const Executor execute(model);
    for (const Semantics semantics : {Semantics::kReal, Semantics::kFloat32}) {
      const bool floats = semantics == Semantics::kFloat32;
      SCOPED_TRACE(semantics_name(semantics));
      const Decision decision = bench.decide(semantics, 0.15).decision;
      tally[floats].count(decision.verdict);
      EXPECT_NE(decision.reason, UnknownReason::kCertificateRejected) << decision.explanation;
      EXPECT_NE(decision.reason, UnknownReason::kNoCertifiedMeaning) << decision.explanation;
      const std::optional<Truth> truth = decide_exactly(meaning, question, floats);
      undecided += !truth;
      if (decision.verdict == Verdict::kVerified) {
        // The float32 relation holds for exact evaluation too, so that the claim includes the real network on the
        // rounded box.
        EXPECT_TRUE(!truth || truth->safe) << "verified, but unsafe";
        if (floats) expect_no_sample_is_unsafe(meaning, question, execute, random);
      }
      if (decision.verdict == Verdict::kViolated) {
        EXPECT_TRUE(floats || !truth || !truth->safe) << "violated, but safe";
        expect_witness_is_real(meaning, question, *decision.witness, semantics, execute);
      }
    }
  }
  for (const Semantics semantics : {Semantics::kReal, Semantics::kFloat32}) {
    const Tally& t = tally[semantics == Semantics::kFloat32];
    std::printf("%s: %d verified, %d violated, %d unknown\n", std::string(semantics_name(semantics)).c_str(),
                t.verified, t.violated, t.unknown);
    EXPECT_GT(t.verified, networks / 5);
    EXPECT_GT(t.violated, networks / 5);
    EXPECT_LT(t.unknown, networks / 3);
  }
  std::printf("%d of %d questions were too large for enumeration\n", undecided, 2 * networks);
  EXPECT_LT(undecided, networks / 10);
}

}  // namespace
}  // namespace axiom::soundness
