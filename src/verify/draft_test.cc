#include <gtest/gtest.h>

#include <algorithm>

#include "verify/random_network_test.h"
#include "verify/search.h"
#include "verify/strategy.h"

namespace axiom {
namespace {

// Sums whose float32 errors are so large that a tree for float32 is far from one for `real`.
constexpr double kErrors = 2e4;

// Whether the output exceeds what it does at random points, less a share of how far they spread.
struct Question {
  Question(uint32_t seed, uint32_t inputs, uint32_t neurons, double share)
      : program(random_network(seed, inputs, neurons, kErrors)) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    Evaluator evaluator(program);
    double least = kInfinity, greatest = -kInfinity;
    for (int n = 0; n < 2000; ++n) {
      std::vector<double> point(inputs);
      for (double& x : point) x = uniform(random);
      const double y = evaluator.forward(point)[program.program.outputs[0]];
      least = std::min(least, y);
      greatest = std::max(greatest, y);
    }
    NumericConstraint constraint{{{program.program.outputs[0], 1.0}}, {0}, least - share * (greatest - least), 0};
    const std::vector<double> lo(inputs, -1), hi(inputs, 1);
    float32 = {&program, nullptr, Semantics::kFloat32, {{lo, hi, {constraint}}}, lo, hi};
    real = float32;
    real.semantics = Semantics::kReal;
  }
  BoundProgram program;
  Problem float32, real;
};

SearchResult search_with(const Problem& problem, const ProofNode* draft) {
  SearchOptions options;
  options.draft = draft;
  return search(problem, std::move(options), [](auto&&...) { return std::optional<Witness>(); });
}

// Split by inputs, and by neurons.
const Question& question(bool by_neuron) {
  static const Question inputs(1, 5, 30, 0.3), neurons(3, 24, 24, 1);
  return by_neuron ? neurons : inputs;
}

class Draft : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Splits, Draft, testing::Bool());

TEST_P(Draft, IsRepeatedUnderItsOwnSemantics) {
  const Question& q = question(GetParam());
  const SearchResult first = search_with(q.float32, nullptr);
  ASSERT_EQ(first.end, SearchEnd::kProved);
  ASSERT_GT(first.statistics.leaves, 50u);
  const SearchResult again = search_with(q.float32, &first.nodes.front());
  ASSERT_EQ(again.end, SearchEnd::kProved);
  EXPECT_EQ(again.statistics.followed, again.statistics.nodes);
  EXPECT_EQ(again.proof, first.proof);
}

TEST_P(Draft, IsSearchedAgainOnlyWhereItFails) {
  const Question& q = question(GetParam());
  // Where neurons are split, slopes are named: what holds for float32 then holds for `real`, but not the other way.
  const Problem& from = GetParam() ? q.real : q.float32;
  const Problem& to = GetParam() ? q.float32 : q.real;
  const SearchResult first = search_with(from, nullptr);
  ASSERT_EQ(first.end, SearchEnd::kProved);
  const SearchResult repaired = search_with(to, &first.nodes.front());
  ASSERT_EQ(repaired.end, SearchEnd::kProved);
  EXPECT_LT(repaired.statistics.followed, repaired.statistics.nodes);
  EXPECT_GT(repaired.statistics.followed, repaired.statistics.nodes / 2);
  const SearchResult again = search_with(to, &repaired.nodes.front());
  EXPECT_EQ(again.statistics.followed, again.statistics.nodes) << "what it leaves behind is a proof";
  EXPECT_EQ(again.proof, repaired.proof);
}

TEST_P(Draft, ThatIsDamagedCostsTimeAndNothingElse) {
  const Question& q = question(GetParam());
  SearchResult first = search_with(q.float32, nullptr);
  ASSERT_EQ(first.end, SearchEnd::kProved);
  std::mt19937 random(7);
  const std::vector<std::string> whole = [&] {
    std::vector<std::string> codes;
    for (const ProofNode& node : first.nodes) codes.push_back(node.code);
    return codes;
  }();
  for (int round = 0; round < 20; ++round) {
    for (size_t n = 0; n < whole.size(); ++n) {
      std::string& code = first.nodes[n].code;
      code = whole[n];
      if (n == 0 && round > 0) continue;  // Else nothing below it would be looked at.
      switch (random() % 40) {
        case 0:
          code.resize(random() % (code.size() + 1));
          break;
        case 1:
          code[random() % code.size()] = static_cast<char>(random());
          break;
        case 2:
          code.push_back(static_cast<char>(random()));
          break;
      }
    }
    const SearchResult found = search_with(q.float32, &first.nodes.front());
    ASSERT_EQ(found.end, SearchEnd::kProved);
    EXPECT_LT(found.statistics.followed, found.statistics.nodes);
    const SearchResult again = search_with(q.float32, &found.nodes.front());
    EXPECT_EQ(again.statistics.followed, again.statistics.nodes) << "what it leaves behind is a proof";
    EXPECT_EQ(again.proof, found.proof);
  }
}

}  // namespace
}  // namespace axiom
