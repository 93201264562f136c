// Networks of all operators: planted counterexamples are never missed by a proof, and every certificate of ours is
// accepted.
#include <gtest/gtest.h>

#include "generator.h"
#include "graph/infer.h"
#include "graph/lowering.h"
#include "verify/evaluator.h"
#include "workbench.h"

namespace axiom::soundness {
namespace {

std::vector<float> floats(const std::vector<double>& point) { return {point.begin(), point.end()}; }

// One random linear form over the outputs.
Inequality random_form(int outputs, Draw& draw) {
  Inequality form;
  for (int k = 0; k < outputs; ++k) form.terms.push_back({true, k, short_decimal(draw.uniform(-1, 1), 4)});
  return form;
}

double value_of(const Inequality& form, const std::vector<float>& y) {
  double sum = 0;
  for (const Inequality::Term& term : form.terms) sum += term.exact().get_d() * y[static_cast<size_t>(term.index)];
  return sum;
}

TEST(Planted, AKnownUnsafePointIsNeverInsideAProof) {
  const int cases = case_count(150);
  int found = 0;
  for (int seed = 0; seed < cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<uint64_t>(seed));
    Draw draw{random};
    const Network network = varied_network(random);
    const Meaning meaning = meaning_of(network);
    const std::string model = network.onnx_bytes();
    const Executor execute(model);
    Question question{
        meaning.input_count, static_cast<int>(meaning.outputs.size()), {{random_box(meaning.input_count, random), {}}}};
    const std::vector<float> x = floats(random_point(float_box(question.cases[0].box), random));
    Inequality form = random_form(question.outputs, draw);
    // The reference executor is unsafe at x by a hair, as a rational; over the reals the point may be safe.
    const std::vector<float> output = execute(x);
    form.bound = "0";
    if (!std::all_of(output.begin(), output.end(), [](float v) { return std::isfinite(v); })) {
      question.cases[0].inequalities = {form};  // Whatever is asked: a claim includes freedom from NaN and infinity.
      EXPECT_NE(Workbench(model, question.text()).decide(Semantics::kFloat32, 0.1).decision.verdict,
                Verdict::kVerified);
      continue;
    }
    const std::vector<Rational> y = as_rationals(output);
    Rational value = -form.slack(as_rationals(x), y);
    double bound = value.get_d();
    while (Rational(bound) < value) bound = std::nextafter(bound, INFINITY);
    form.bound = decimal_of(bound);
    if (parse_decimal(form.bound) < value) continue;  // 17 digits round to the double, not to the decimal.
    question.cases[0].inequalities = {form};
    const Verdict verdict = Workbench(model, question.text()).decide(Semantics::kFloat32, 0.1).decision.verdict;
    EXPECT_NE(verdict, Verdict::kVerified);
    found += verdict == Verdict::kViolated;
  }
  std::printf("%d of %d planted points led to a witness\n", found, cases);
}

TEST(Planted, CertificatesOfEveryOperatorAreAcceptedAndHoldOnSamples) {
  const int cases = case_count(120);
  int verified = 0;
  for (int seed = 0; seed < cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<uint64_t>(seed) + 1000000);
    Draw draw{random};
    const Network network = varied_network(random);
    const Meaning meaning = meaning_of(network);
    const std::string model = network.onnx_bytes();
    const Executor execute(model);
    Question question{
        meaning.input_count, static_cast<int>(meaning.outputs.size()), {{random_box(meaning.input_count, random), {}}}};
    const ExactBox box = float_box(question.cases[0].box);
    Inequality form = random_form(question.outputs, draw);
    double least = INFINITY, greatest = -INFINITY;
    for (int s = 0; s < 50; ++s) {
      const double value = value_of(form, execute(floats(random_point(box, random))));
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
    const double bound = least - draw.uniform(0.1, 1) * (greatest - least) - 1e-4 * std::fabs(least) - 1e-6;
    if (!std::isfinite(bound)) continue;  // Products of products overflow.
    form.bound = decimal_of(bound);
    question.cases[0].inequalities = {form};
    const Workbench bench(model, question.text());
    for (const Semantics semantics : {Semantics::kReal, Semantics::kFloat32}) {
      const Decision decision = bench.decide(semantics, 0.2).decision;
      EXPECT_NE(decision.reason, UnknownReason::kCertificateRejected) << decision.explanation;
      EXPECT_NE(decision.reason, UnknownReason::kNoCertifiedMeaning) << decision.explanation;
      if (decision.verdict != Verdict::kVerified || semantics == Semantics::kReal) continue;
      ++verified;
      for (int s = 0; s < 1000; ++s) {
        const std::vector<float> x = floats(random_point(box, random));
        const std::vector<float> y =
            s % 4 == 0 ? execute(x) : outputs_of(meaning, evaluate_somehow(meaning, x, random));
        ASSERT_FALSE(is_unsafe(question, as_rationals(x), as_rationals(y), true));
      }
    }
  }
  std::printf("%d of %d verified in float32\n", verified, cases);
  EXPECT_GT(verified, cases / 3);
}

// Over the reals the value of a softmax is irrational: a point is a witness only where an enclosure says so.
TEST(Planted, AWitnessThroughSoftmaxOverTheRealsIsTrue) {
  const int cases = case_count(150);
  int asked = 0, found = 0;
  for (int seed = 0; seed < cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<uint64_t>(seed) + 3000000);
    Draw draw{random};
    const Network network = varied_network(random);
    if (std::none_of(network.nodes.begin(), network.nodes.end(), [](const auto& n) { return n.type == "Softmax"; }))
      continue;
    const Meaning meaning = meaning_of(network);
    const std::string model = network.onnx_bytes();
    const std::vector<float> x = floats(random_point(exact_box(random_box(meaning.input_count, random)), random));
    Question question{meaning.input_count, static_cast<int>(meaning.outputs.size()), {{{}, {}}}};
    for (const float v : x) question.cases[0].box.push_back({decimal_of(v), decimal_of(v)});
    Inequality form = random_form(question.outputs, draw);
    const auto y = outputs_of(meaning, evaluate_widely(meaning, std::vector<long double>(x.begin(), x.end())));
    long double value = 0, size = 0;
    for (const Inequality::Term& term : form.terms) {
      const long double part = term.exact().get_d() * y[static_cast<size_t>(term.index)];
      value += part;
      size += std::fabs(part);
    }
    const auto verdict = [&](long double bound) {
      form.bound = decimal_of(static_cast<double>(bound));
      question.cases[0].inequalities = {form};
      return Workbench(model, question.text()).decide(Semantics::kReal, 0.1).decision.verdict;
    };
    ++asked;
    EXPECT_NE(verdict(value - 1e-13L * size), Verdict::kViolated);
    EXPECT_NE(verdict(value + 1e-13L * size), Verdict::kVerified);
    found += verdict(value + 1e-4L * size + 1e-9L) == Verdict::kViolated;
  }
  std::printf("%d of %d points are witnesses by 1e-4\n", found, asked);
  EXPECT_GT(asked, cases / 10);
  EXPECT_GT(found, asked * 9 / 10);
}

// Signed gradient steps towards the bound, at zero tolerance on the reference executor.
TEST(Planted, GradientStepsDoNotLeaveAProof) {
  const int cases = case_count(40);
  int descended = 0;
  for (int seed = 0; seed < cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<uint64_t>(seed) + 2000000);
    Draw draw{random};
    const Network network = varied_network(random);
    const Meaning meaning = meaning_of(network);
    const std::string model = network.onnx_bytes();
    const Executor execute(model);
    Graph graph = *parse_onnx(model);
    ASSERT_TRUE(infer_shapes(graph));
    const BoundProgram program(*lower_to_program(graph));
    Evaluator evaluator(program);
    Question question{
        meaning.input_count, static_cast<int>(meaning.outputs.size()), {{random_box(meaning.input_count, random), {}}}};
    const ExactBox box = float_box(question.cases[0].box);
    Inequality form = random_form(question.outputs, draw);
    std::vector<std::pair<ElementId, double>> seeds;
    for (const Inequality::Term& term : form.terms) {
      seeds.emplace_back(program.program.outputs[static_cast<size_t>(term.index)], term.exact().get_d());
    }
    // Descend first; then ask for a little less than the least value found.
    double least = INFINITY;
    std::vector<std::vector<float>> visited;
    for (int restart = 0; restart < 10; ++restart) {
      std::vector<double> x = random_point(box, random);
      for (int step = 0; step < 30; ++step) {
        visited.push_back(floats(x));
        least = std::min(least, value_of(form, execute(visited.back())));
        evaluator.forward(x);
        const auto gradient = evaluator.backward(seeds);
        for (size_t j = 0; j < x.size(); ++j) {
          const double lo = box.lower[j].get_d(), hi = box.upper[j].get_d(),
                       direction = gradient[j] > 0   ? -1
                                   : gradient[j] < 0 ? 1
                                                     : 0;
          x[j] = std::clamp(x[j] + direction * 0.3 * std::pow(0.85, step) * (hi - lo), lo, hi);
        }
      }
    }
    if (!std::isfinite(least)) continue;
    form.bound = decimal_of(least - 1e-5 * std::fabs(least) - 1e-7);
    question.cases[0].inequalities = {form};
    if (Workbench(model, question.text()).decide(Semantics::kFloat32, 0.3).decision.verdict != Verdict::kVerified)
      continue;
    ++descended;
    for (const std::vector<float>& x : visited) {
      ASSERT_FALSE(is_unsafe(question, as_rationals(x), as_rationals(execute(x)), true));
    }
  }
  EXPECT_GT(descended, cases / 8);
  std::printf("%d of %d verified close to the least value that descent found\n", descended, cases);
}

}  // namespace
}  // namespace axiom::soundness
