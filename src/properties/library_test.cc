// The text of library properties, read back.
#include "properties/library.h"

#include <gtest/gtest.h>

#include <algorithm>

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
  return lower_library_property(*find_library_property("valid-probabilities"), {graph, std::move(boxes), given});
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

}  // namespace
}  // namespace axiom
