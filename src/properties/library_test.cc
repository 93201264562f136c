// The text of library properties, read back.
#include "properties/library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "formats/onnx/model_maker.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"

namespace axiom {
namespace {

using onnx::ModelMaker;

Graph graph_of(const ModelMaker& maker) {
  Graph graph = *parse_onnx(maker.bytes());
  EXPECT_TRUE(infer_shapes(graph));
  return graph;
}

Decimal decimal(const std::string& text) { return *Decimal::parse(text); }

Box cube(size_t inputs, const std::string& low = "-1", const std::string& high = "1") {
  return std::vector<Interval>(inputs, {decimal(low), decimal(high)});
}

Result<LibraryText> text_of(const Graph& graph, std::vector<Box> boxes, const std::string& tolerance = "") {
  std::optional<Decimal> given;
  if (!tolerance.empty()) given = decimal(tolerance);
  const std::array properties = {find_library_property("valid-probabilities")};
  return lower_library_properties(properties, Combination::kAllOf, {graph, std::move(boxes), given});
}

Property property_of(const Graph& graph, const std::string& tolerance = "") {
  const Result<LibraryText> text = text_of(graph, {cube(input_count(graph))}, tolerance);
  EXPECT_TRUE(text) << (text ? "" : text.error().message);
  return *parse_vnnlib(text->vnnlib);
}

// The outputs that are summed up against 1 + T, list by list.
std::vector<std::vector<uint32_t>> distributions(const ModelMaker& maker) {
  std::vector<std::vector<uint32_t>> out;
  for (const Disjunct& disjunct : property_of(graph_of(maker)).disjuncts) {
    EXPECT_EQ(disjunct.constraints.size(), 1U);
    const LinearConstraint& constraint = disjunct.constraints[0];
    if (!constraint.terms[0].coefficient.is_negative()) continue;  // sum >= 1 + T is -sum <= -1 - T.
    out.emplace_back();
    for (const Term& term : constraint.terms) out.back().push_back(term.index);
  }
  return out;
}

using Lists = std::vector<std::vector<uint32_t>>;

ModelMaker softmax(const std::vector<int64_t>& shape, std::optional<int64_t> axis = {}, int64_t opset = 13) {
  ModelMaker maker(opset);
  maker.input("x", shape);
  onnx::NodeProto& node = maker.node("Softmax", {"x"}, "y");
  if (axis) onnx::attribute(node, "axis", onnx::AttributeProto::INT).set_i(*axis);
  maker.output("y");
  return maker;
}

TEST(ValidProbabilities, DistributionsAreTheGroupsOfTheSoftmax) {
  EXPECT_EQ(distributions(softmax({1, 3})), (Lists{{0, 1, 2}}));
  EXPECT_EQ(distributions(softmax({2, 2})), (Lists{{0, 1}, {2, 3}}));
  EXPECT_EQ(distributions(softmax({2, 2}, 0)), (Lists{{0, 2}, {1, 3}}));
  EXPECT_EQ(distributions(softmax({1, 2, 2, 1}, 1)), (Lists{{0, 2}, {1, 3}}));
  EXPECT_EQ(distributions(softmax({1, 2, 2}, {}, 12)), (Lists{{0, 1, 2, 3}}));
  EXPECT_EQ(distributions(softmax({3})), (Lists{{0, 1, 2}}));
}

TEST(ValidProbabilities, GroupsAreFoundBehindDataMovement) {
  ModelMaker maker(13);
  maker.input("x", {1, 2, 3});
  onnx::attribute(maker.node("Softmax", {"x"}, "s"), "axis", onnx::AttributeProto::INT).set_i(1);
  maker.node("Flatten", {"s"}, "f");
  maker.node("Softmax", {"f"}, "t");
  onnx::attribute(maker.node("Concat", {"f", "t"}, "y"), "axis", onnx::AttributeProto::INT).set_i(1);
  maker.output("y");
  EXPECT_EQ(distributions(maker), (Lists{{0, 3}, {1, 4}, {2, 5}, {6, 7, 8, 9, 10, 11}}));
}

TEST(ValidProbabilities, OutputsThatAreNoWholeGroupsAreLinesOfTheLastAxis) {
  ModelMaker twice(13);
  twice.input("x", {1, 2}).node("Softmax", {"x"}, "s");
  onnx::attribute(twice.node("Concat", {"s", "s"}, "y"), "axis", onnx::AttributeProto::INT).set_i(1);
  twice.output("y");
  EXPECT_EQ(distributions(twice), (Lists{{0, 1, 2, 3}}));

  ModelMaker sums(13);
  sums.input("x", {2, 2}).node("Softmax", {"x"}, "s");
  sums.node("Add", {"s", "x"}, "y");
  sums.output("y").output("s");
  EXPECT_EQ(distributions(sums), (Lists{{0, 1}, {2, 3}, {4, 5}, {6, 7}}));

  ModelMaker uncertified(13);
  uncertified.input("x", {1, 2}).node("Exp", {"x"}, "y");
  uncertified.output("y");
  EXPECT_EQ(distributions(uncertified), (Lists{{0, 1}}));
}

TEST(ValidProbabilities, ASingleNumberIsAProbability) {
  ModelMaker maker(13);
  maker.input("x", {1, 1}).node("Sigmoid", {"x"}, "y");
  maker.output("y");
  const Property property = property_of(graph_of(maker), "0.25");
  ASSERT_EQ(property.disjuncts.size(), 2U);
  EXPECT_EQ(property.disjuncts[0].constraints[0].bound.to_string(), "-0.25");
  EXPECT_EQ(property.disjuncts[1].constraints[0].bound.to_string(), "-1.25");
}

TEST(ValidProbabilities, TheUnsafeSetIsClosedAndExact) {
  const Property property = property_of(graph_of(softmax({1, 2})), "0.001");
  ASSERT_EQ(property.disjuncts.size(), 4U);
  std::vector<std::string> bounds;
  for (const Disjunct& disjunct : property.disjuncts) bounds.push_back(disjunct.constraints[0].bound.to_string());
  EXPECT_EQ(bounds, (std::vector<std::string>{"-0.001", "-0.001", "-1.001", "0.999"}));
}

TEST(ValidProbabilities, TheDefaultToleranceIsTwiceTheProvedErrorAndALittle) {
  for (const int64_t n : {1, 2, 10, 1000, 65536, 1 << 19}) {
    const Result<LibraryText> text = text_of(graph_of(softmax({1, n})), {cube(static_cast<size_t>(n))});
    if (n > 100'000) {
      EXPECT_FALSE(text);  // More alternatives than fit in a property.
      continue;
    }
    const std::string& words = text->description;
    const double tolerance = decimal(words.substr(words.rfind(' ') + 1)).round_down();
    const double ku = static_cast<double>(n + 8) * 0x1p-24, proved = ku / (1 - ku);
    EXPECT_GE(tolerance, 2 * proved + 1e-9);
    EXPECT_LE(tolerance, 2.3 * proved + 1.1e-9);
  }
}

TEST(ValidProbabilities, TheTextIsTheSameForTheSameQuestion) {
  const Graph graph = graph_of(softmax({1, 3}));
  EXPECT_EQ(text_of(graph, {cube(3)})->vnnlib, text_of(graph, {cube(3), cube(3)})->vnnlib);
  EXPECT_NE(text_of(graph, {cube(3)})->vnnlib, text_of(graph, {cube(3, "-1", "1.5")})->vnnlib);
}

TEST(ValidProbabilities, EveryBoxMeetsEveryAlternative) {
  const Graph graph = graph_of(softmax({1, 2}));
  const Result<LibraryText> text = text_of(graph, {cube(2, "0", "0.5"), cube(2, "2", "3")});
  const Property property = *parse_vnnlib(text->vnnlib);
  ASSERT_EQ(property.disjuncts.size(), 8U);
  EXPECT_EQ(property.disjuncts[0].box[1].upper.to_string(), "0.5");
  EXPECT_EQ(property.disjuncts[4].box[0].lower.to_string(), "2");
}

TEST(ValidProbabilities, AQuestionThatMakesNoSenseIsRefused) {
  const Graph graph = graph_of(softmax({1, 2}));
  EXPECT_NE(text_of(graph, {cube(3)}).error().message.find("3 inputs, the model 2"), std::string::npos);
  EXPECT_FALSE(text_of(graph, {}));
  for (const char* tolerance : {"0", "-0.5", "1", "2"}) EXPECT_FALSE(text_of(graph, {cube(2)}, tolerance));
  EXPECT_EQ(find_library_property("robust"), nullptr);
}

// One property or several, by name, of a network with two outputs.
Result<LibraryText> text_of_names(const std::vector<std::string>& names, Combination how,
                                  std::optional<Interval> output_range = Interval{decimal("-1"), decimal("2.5")},
                                  const std::string& tolerance = "") {
  const Graph graph = graph_of(softmax({1, 2}));
  std::vector<const LibraryProperty*> properties;
  for (const std::string& name : names) properties.push_back(find_library_property(name));
  std::optional<Decimal> given;
  if (!tolerance.empty()) given = decimal(tolerance);
  return lower_library_properties(properties, how, {graph, {cube(2)}, given, std::move(output_range)});
}

TEST(BoundedOutput, UnsafeAreTheEndsAndWhatLiesBeyond) {
  const Result<LibraryText> text = text_of_names({"bounded-output"}, Combination::kAllOf);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->description, "2 outputs between -1 and 2.5");
  const Property property = *parse_vnnlib(text->vnnlib);
  ASSERT_EQ(property.disjuncts.size(), 4U);
  std::vector<std::string> bounds;
  for (const Disjunct& disjunct : property.disjuncts) bounds.push_back(disjunct.constraints.at(0).bound.to_string());
  EXPECT_EQ(bounds, (std::vector<std::string>{"-1", "-2.5", "-1", "-2.5"}));
  EXPECT_FALSE(property.disjuncts[0].constraints[0].terms[0].coefficient.is_negative());
  EXPECT_TRUE(property.disjuncts[1].constraints[0].terms[0].coefficient.is_negative());
}

TEST(FiniteOutput, UnsafeIsWhatRoundsToAnInfinity) {
  const Result<LibraryText> text = text_of_names({"finite-output"}, Combination::kAllOf, std::nullopt);
  ASSERT_TRUE(text) << text.error().message;
  const Property property = *parse_vnnlib(text->vnnlib);
  ASSERT_EQ(property.disjuncts.size(), 4U);
  const Decimal bound = -property.disjuncts[0].constraints.at(0).bound;
  EXPECT_EQ(compare(bound, Decimal::exact(0x1p128) + -Decimal::exact(0x1p103)), 0);
  EXPECT_EQ(bound.round_nearest_float(), std::numeric_limits<float>::infinity());
  EXPECT_EQ((bound + decimal("-1")).round_nearest_float(), std::numeric_limits<float>::max());
}

TEST(Combination, AllOfIsTheUnionOfTheUnsafeSetsAndAnyOfTheirIntersection) {
  const std::vector<std::string> names = {"bounded-output", "valid-probabilities"};
  const Result<LibraryText> all = text_of_names(names, Combination::kAllOf);
  ASSERT_TRUE(all) << all.error().message;
  const Property all_of = *parse_vnnlib(all->vnnlib);
  ASSERT_EQ(all_of.disjuncts.size(), 4U + 4U);
  for (const Disjunct& disjunct : all_of.disjuncts) EXPECT_EQ(disjunct.constraints.size(), 1U);
  const Result<LibraryText> any = text_of_names(names, Combination::kAnyOf);
  ASSERT_TRUE(any) << any.error().message;
  const Property any_of = *parse_vnnlib(any->vnnlib);
  ASSERT_EQ(any_of.disjuncts.size(), 4U * 4U);
  for (const Disjunct& disjunct : any_of.disjuncts) EXPECT_EQ(disjunct.constraints.size(), 2U);
  EXPECT_NE(all->description.find("; and 2 outputs, 1 distribution"), std::string::npos);
  EXPECT_NE(any->description.find("; or 2 outputs, 1 distribution"), std::string::npos);
  EXPECT_EQ(text_of_names({"bounded-output"}, Combination::kAnyOf)->vnnlib,
            text_of_names({"bounded-output"}, Combination::kAllOf)->vnnlib);
}

TEST(Combination, WhatAPropertyNeedsOrDoesNotTakeIsNamed) {
  const auto error = [](const Result<LibraryText>& text) { return text ? "" : text.error().message; };
  EXPECT_NE(error(text_of_names({"bounded-output"}, Combination::kAllOf, {})).find("--output-range"),
            std::string::npos);
  EXPECT_NE(error(text_of_names({"finite-output"}, Combination::kAllOf)).find("takes no --output-range"),
            std::string::npos);
  EXPECT_NE(error(text_of_names({"finite-output"}, Combination::kAllOf, {}, "0.1")).find("takes no --tolerance"),
            std::string::npos);
  const Interval empty{decimal("1"), decimal("1")};
  EXPECT_NE(error(text_of_names({"bounded-output"}, Combination::kAllOf, empty)).find("no number lies between"),
            std::string::npos);
  EXPECT_EQ(error(text_of_names({"valid-probabilities", "bounded-output"}, Combination::kAnyOf,
                                Interval{decimal("0"), decimal("1")}, "0.1")),
            "");
}

}  // namespace
}  // namespace axiom
