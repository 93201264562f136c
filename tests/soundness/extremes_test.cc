// Questions at the edges of the number formats, whose truth is known by construction.
#include <gtest/gtest.h>

#include "workbench.h"

namespace axiom::soundness {
namespace {

bool verifies(const Network& network, const Question& question, Semantics semantics) {
  return Workbench(network.onnx_bytes(), question.text()).verifies(semantics);
}

// One batch normalisation of one input.
Network normalisation(float scale, float mean, float variance) {
  Network net;
  const int x = net.input({1, 1});
  const int s = net.constant({1}, {scale}), b = net.constant({1}, {0}), mu = net.constant({1}, {mean}),
            v = net.constant({1}, {variance});
  net.outputs = {net.node("BatchNormalization", {x, s, b, mu, v}, {{"epsilon", 0.0f}})};
  return net;
}

// y = 0 * x_0 + x_1.
Network second_input() {
  Network net;
  const int x = net.input({1, 2});
  net.outputs = {net.node("MatMul", {x, net.constant({2, 1}, {0, 1})})};
  return net;
}

TEST(Extremes, ACoefficientThatUnderflowsIsCharged) {
  Question question{2, 1, {{{{"0", "1e308"}, {"1e-17", "1e-17"}}, {}}}};
  question.cases[0].inequalities = {
      {{{false, 0, "-2.4e-324"}, {true, 0, "1"}}, "0"}};  // At x_0 = 1e308: -2.4e-16 + 1e-17.
  EXPECT_FALSE(verifies(second_input(), question, Semantics::kReal));
}

TEST(Extremes, ACoefficientThatUnderflowsIsChargedInFloat32) {
  Question question{2, 1, {{{{"0", "1e38"}, {"1e10", "1e10"}}, {}}}};
  question.cases[0].inequalities = {{{{false, 0, "-2.4e-324"}, {false, 1, "1e-300"}}, "0"}};
  EXPECT_FALSE(verifies(second_input(), question, Semantics::kFloat32));
}

TEST(Extremes, ChargesOfRoundingDoNotUnderflow) {
  constexpr int kCopies = 64;
  Network net;
  const int x = net.input({1, 1});
  net.outputs = {net.node("Relu", {net.node("Concat", std::vector<int>(kCopies, x), {{"axis", int64_t{1}}})})};
  Question question{1, kCopies, {{{{"1e-310", "1e-310"}}, {}}}};
  Inequality sum{{}, "0"};
  // In doubles, each small term is rounded up to a whole unit in the last place; in truth the sum is negative.
  const double one = 0x1p490, small = 0.51 * 0x1p-52 * one;
  for (int k = 0; k + 1 < kCopies; ++k) sum.terms.push_back({true, k, decimal_of(k == 0 ? one : small)});
  sum.terms.push_back({true, kCopies - 1, decimal_of(-one * (1 + 33 * 0x1p-52))});
  Rational total;
  for (const Inequality::Term& term : sum.terms) total += term.exact();
  ASSERT_LT(total, 0);
  question.cases[0].inequalities = {sum};
  EXPECT_FALSE(verifies(net, question, Semantics::kReal));
}

TEST(Extremes, AnInputThatIsFedAsInfinityIsNoProof) {
  Question question{2, 1, {{{{"0", "1e39"}, {"1", "1"}}, {}}}};
  question.cases[0].inequalities = {{{{true, 0, "1"}}, "0"}};  // 0 * inf is not a number.
  EXPECT_FALSE(verifies(second_input(), question, Semantics::kFloat32));
}

TEST(Extremes, CentringThatOverflowsIsNoProof) {
  const Network net = normalisation(0x1p-20f, -3e38f, 1);
  Question question{1, 1, {{{{"1.6e38", "1.6e38"}}, {}}}};
  question.cases[0].inequalities = {{{{true, 0, "-1"}}, "-1e38"}};  // x - mean is infinite in binary32.
  EXPECT_FALSE(verifies(net, question, Semantics::kFloat32));
}

TEST(Extremes, AScaleThatIsFlushedIsNoProof) {
  const Network net = normalisation(0x1p-127f, 0, 0x1p-60f);
  Question question{1, 1, {{{{decimal_of(0x1p100), decimal_of(0x1p100)}}, {}}}};
  question.cases[0].inequalities = {{{{true, 0, "1"}}, "1"}};  // y is 8, or 0 where subnormal operands count as zero.
  EXPECT_FALSE(verifies(net, question, Semantics::kFloat32));
}

}  // namespace
}  // namespace axiom::soundness
