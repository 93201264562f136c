#include "verify/lanes.h"

#include <gtest/gtest.h>

#include "verify/random_network_test.h"
#include "verify/strategy.h"

namespace axiom {
namespace {

struct Setting {
  explicit Setting(uint32_t seed) : program(random_network(seed, 4, 8)) {
    problem.program = &program;
    work = std::make_unique<Workspace>(problem);
    const std::vector<double> lo(4, -1), hi(4, 1);
    work->context.reset(lo, hi);
    propagate(work->context, work->sweep, {});
    constraint.terms = {{program.program.outputs[0], 1.0}};
    constraint.is_input = {0};
    constraint.bound = -0.5;
  }
  BoundProgram program;
  Problem problem;
  std::unique_ptr<Workspace> work;
  NumericConstraint constraint;
};

TEST(Lanes, TheRigorousSweepRepeatsTheBound) {
  int better = 0;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    Setting setting(seed);
    Lanes lanes(setting.program);
    lanes.clear();
    lanes.load(5, setting.work->context, setting.constraint, {}, 1e9f);
    lanes.ascend(0, false);
    const float first = lanes.bound(5);
    EXPECT_NEAR(first, bound_form(setting.constraint, SlopeSpec{}, *setting.work), 1e-3) << seed;
    lanes.ascend(30, false);
    EXPECT_GE(lanes.bound(5), first) << seed;
    EXPECT_NEAR(lanes.bound(5), bound_form(setting.constraint, lanes.slopes(5), *setting.work), 1e-3) << seed;
    better += lanes.bound(5) > first + 0.01f;
  }
  EXPECT_GT(better, 5);
}

TEST(Lanes, ALaneDoesNotDependOnTheOthers) {
  Setting setting(3);
  Lanes alone(setting.program), together(setting.program);
  alone.clear();
  together.clear();
  alone.load(2, setting.work->context, setting.constraint, {}, 1e9f);
  NumericConstraint other = setting.constraint;
  for (int lane = 0; lane < Lanes::kCount; ++lane) {
    other.bound = lane == 7 ? setting.constraint.bound : 0.1 * lane;
    together.load(lane, setting.work->context, other, {}, 1e9f);
  }
  alone.ascend(15, false);
  together.ascend(15, false);
  EXPECT_EQ(alone.bound(2), together.bound(7));
  EXPECT_EQ(alone.slopes(2).bytes, together.slopes(7).bytes);
}

TEST(Lanes, AProbeIsTheBoundOfTheChild) {
  Setting setting(4);
  Lanes lanes(setting.program);
  lanes.clear();
  lanes.load(0, setting.work->context, setting.constraint, {}, 1e9f);
  lanes.ascend(20, false);
  lanes.restore();
  const std::vector<Lanes::Candidate> candidates = lanes.candidates(0, 3);
  ASSERT_FALSE(candidates.empty());
  const Lanes::Candidate& best = candidates.front();
  std::array<uint32_t, Lanes::kCount> hinges;
  hinges.fill(Lanes::kNoHinge);
  hinges[0] = best.hinge;
  for (const bool active : {false, true}) {
    const float expected = lanes.probe(hinges, active)[0];
    Workspace child(setting.problem);
    child.context.load(setting.work->context.store());
    child.context.intersect(best.source, active ? 0 : -kInfinity, active ? kInfinity : 0);
    SweepParameters start = lanes.parameters(0);
    start.splits = {best.source};
    start.multipliers = {active ? best.multiplier : 0};
    Lanes again(setting.program);
    again.clear();
    again.load(0, child.context, setting.constraint, start, 1e9f);
    again.ascend(0, true);
    EXPECT_NEAR(again.bound(0), expected, 1e-3) << active;
    EXPECT_GE(expected, lanes.bound(0) - 1e-3) << active;
  }
}

}  // namespace
}  // namespace axiom
