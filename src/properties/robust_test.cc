// Boxes in pixel units, decisions, and the text of robust.
#include "properties/robust.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "formats/onnx/model_maker.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"

namespace axiom {
namespace {

using onnx::ModelMaker;

Decimal decimal(const std::string& text) { return *Decimal::parse(text); }

std::vector<Decimal> decimals(const std::vector<std::string>& texts) {
  std::vector<Decimal> out;
  for (const std::string& text : texts) out.push_back(decimal(text));
  return out;
}

Graph identity(const std::vector<int64_t>& shape) {
  ModelMaker maker(13);
  maker.input("x", shape).node("Relu", {"x"}, "y");
  maker.output("y");
  Graph graph = *parse_onnx(maker.bytes());
  EXPECT_TRUE(infer_shapes(graph));
  return graph;
}

PixelScale scale_of(const Graph& graph, const std::vector<std::string>& mean = {},
                    const std::vector<std::string>& deviation = {}, std::optional<Interval> range = {}) {
  Result<PixelScale> scale = PixelScale::make(graph, decimals(mean), decimals(deviation), std::move(range));
  EXPECT_TRUE(scale) << (scale ? "" : scale.error().message);
  return *scale;
}

std::vector<std::string> ends(const Box& box) {
  std::vector<std::string> out;
  for (const Interval& side : box) out.push_back(side.lower.to_string() + " " + side.upper.to_string());
  return out;
}

using Ends = std::vector<std::string>;

TEST(PixelScale, WithoutNumbersTheBoxIsExact) {
  const PixelScale scale = scale_of(identity({1, 2}));
  const std::vector<Decimal> pixels = {decimal("0.5"), Decimal::exact(double{0.1F})};
  EXPECT_EQ(ends(scale.box(pixels, decimal("0.01"))),
            (Ends{"0.49 0.51", "0.090000001490116119384765625 0.110000001490116119384765625"}));
  EXPECT_EQ(ends(scale.box(pixels, Decimal()))[0], "0.5 0.5");
}

TEST(PixelScale, TheRangeCutsTheBoxInPixelsBeforeTheyAreScaled) {
  const PixelScale scale = scale_of(identity({1, 2}), {"0.5"}, {"0.25"}, Interval{decimal("0"), decimal("1")});
  EXPECT_EQ(ends(scale.box(decimals({"0.25", "1"}), decimal("0.5"))), (Ends{"-2 1", "0 2"}));
}

TEST(PixelScale, QuotientsThatDoNotEndAreRoundedOutward) {
  const PixelScale scale = scale_of(identity({1, 1}), {"0"}, {"0.3"});
  EXPECT_EQ(ends(scale.box(decimals({"0"}), decimal("0.1"))), (Ends{"-0.33333333333333333334 0.33333333333333333334"}));
  EXPECT_EQ(ends(scale.box(decimals({"0.4"}), Decimal())), (Ends{"1.3333333333333333333 1.3333333333333333334"}));
}

TEST(PixelScale, ChannelsAreAxisOneOrTheLast) {
  const std::vector<Decimal> pixels = decimals({"1", "1", "1", "1"});
  const Ends first = {"1 1", "1 1", "0 0", "0 0"}, last = {"1 1", "0 0", "1 1", "0 0"};
  EXPECT_EQ(ends(scale_of(identity({1, 2, 2}), {"0", "1"}).box(pixels, Decimal())), first);
  EXPECT_EQ(ends(scale_of(identity({1, 1, 2, 2}), {"0", "1"}).box(pixels, Decimal())), last);
  EXPECT_EQ(ends(scale_of(identity({1, 2, 1, 2}), {"0", "1"}, {"2"}).box(pixels, Decimal())),
            (Ends{"0.5 0.5", "0.5 0.5", "0 0", "0 0"}));
}

TEST(PixelScale, TheInputOfTheNetworkLiesInItsBox) {
  std::mt19937_64 random(4);
  const Graph graph = identity({1, 3});
  for (int i = 0; i < 300; ++i) {
    const auto draw = [&random] { return std::to_string(random() % 1000) + "e-3"; };
    const PixelScale scale = scale_of(graph, {draw()}, {"1" + draw()});
    std::vector<Decimal> pixels;
    for (int j = 0; j < 3; ++j) pixels.push_back(Decimal::exact(static_cast<double>(random() >> 11) * 0x1p-53));
    const Box box = scale.box(pixels, i % 2 == 0 ? Decimal() : decimal("1e-12"));
    const std::vector<float> input = *scale.input(pixels);
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_LE(box[j].lower.round_nearest_float(), input[j]);
      EXPECT_GE(box[j].upper.round_nearest_float(), input[j]);
    }
  }
}

TEST(PixelScale, WhatDoesNotFitIsRefused) {
  const Graph graph = identity({1, 3});
  const auto error = [&](const std::vector<std::string>& mean, const std::vector<std::string>& deviation) {
    const Result<PixelScale> scale = PixelScale::make(graph, decimals(mean), decimals(deviation), {});
    return scale ? "" : scale.error().message;
  };
  EXPECT_EQ(error({"1", "2", "3"}, {"1"}), "");
  EXPECT_NE(error({"1", "2"}, {}).find("neither axis 1 nor the last axis of the input [1, 3] has 2"),
            std::string::npos);
  EXPECT_NE(error({"1", "2", "3"}, {"1", "2"}).find("mean has 3 numbers, std has 2"), std::string::npos);
  EXPECT_NE(error({}, {"0"}).find("0 is not above 0"), std::string::npos);
  const PixelScale scale = scale_of(graph, {}, {}, Interval{decimal("0"), decimal("1")});
  EXPECT_NE(scale.input(decimals({"0", "1.5", "0"})).error().message.find("number 1 is 1.5, outside"),
            std::string::npos);
  EXPECT_FALSE(scale_of(graph).input(decimals({"0", "1e39", "0"})));
}

TEST(Decision, IsTheFirstGreatestScore) {
  EXPECT_EQ(decision_of(std::vector<float>{1, 3, 3}), 1U);
  EXPECT_EQ(decision_of(std::vector<float>{-1, -3}), 0U);
  EXPECT_EQ(decision_of(std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}), std::nullopt);
}

TEST(Robust, EveryOtherOutputIsUnsafeWhereItIsNotBelow) {
  const Graph graph = identity({1, 3});
  const PixelScale scale = scale_of(graph);
  const Result<LibraryText> text = robust_text({graph, scale, decimals({"0", "1", "0"}), decimal("0.25"), 1});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->description, "class 1, eps 0.25");
  const Property property = *parse_vnnlib(text->vnnlib);
  ASSERT_EQ(property.disjuncts.size(), 2U);
  for (size_t d = 0; d < 2; ++d) {
    const Disjunct& disjunct = property.disjuncts[d];
    EXPECT_EQ(ends(disjunct.box), (Ends{"-0.25 0.25", "0.75 1.25", "-0.25 0.25"}));
    ASSERT_EQ(disjunct.constraints.size(), 1U);
    const LinearConstraint& constraint = disjunct.constraints[0];  // Y_1 - Y_k <= 0
    ASSERT_EQ(constraint.terms.size(), 2U);
    for (const Term& term : constraint.terms) EXPECT_EQ(term.coefficient.is_negative(), term.index != 1);
    EXPECT_TRUE(constraint.bound.is_zero());
  }
}

TEST(Robust, AQuestionThatMakesNoSenseIsRefused) {
  const Graph graph = identity({1, 3}), one = identity({1, 1}), table = identity({2, 2});
  const auto error = [](const Graph& g, const std::string& eps, size_t decision) {
    const PixelScale scale = scale_of(g);
    const Result<LibraryText> text =
        robust_text({g, scale, std::vector<Decimal>(scale.size(), decimal("1")), decimal(eps), decision});
    return text ? "" : text.error().message;
  };
  EXPECT_NE(error(graph, "0.1", 3).find("classes 0 to 2"), std::string::npos);
  EXPECT_NE(error(graph, "-0.1", 0).find("negative"), std::string::npos);
  EXPECT_NE(error(graph, "1e-2000", 0).find("digits"), std::string::npos);
  EXPECT_NE(error(one, "0.1", 0).find("bounded-output"), std::string::npos);
  EXPECT_NE(error(table, "0.1", 0).find("[2, 2]"), std::string::npos);
}

}  // namespace
}  // namespace axiom
