// Lowering to the core program, by the letter of spec/operators.md.
#include "graph/lowering.h"

#include <gtest/gtest.h>

#include <set>

#include "ops/samples.h"

namespace axiom {
namespace {

using namespace testing;  // NOLINT: the builders

Program lowered(const Graph& graph) {
  auto program = lower_to_program(graph);
  EXPECT_TRUE(program) << (program ? "" : program.error().message);
  return program ? *std::move(program) : Program{};
}

std::string refusal(const Graph& graph) {
  auto program = lower_to_program(graph);
  if (program) return "";
  EXPECT_EQ(program.error().kind, ErrorKind::kNotCertifiable);
  return program.error().message;
}

// Structure that every program must have.
void expect_well_formed(const Program& program) {
  ASSERT_FALSE(program.ops.empty());
  EXPECT_EQ(program.ops[0].kind, CoreKind::kInput);
  EXPECT_EQ(program.ops[0].count, program.input_count);
  ElementId next = 0;
  for (const CoreOp& op : program.ops) {
    EXPECT_EQ(op.first, next);
    next += op.count;
    for (const ElementId e : op.rows.column) EXPECT_LT(e, op.first);
    for (const ElementId e : op.source) EXPECT_LT(e, op.first);
    for (const double w : op.rows.weight) EXPECT_NE(w, 0);
    if (op.kind != CoreKind::kAffine) continue;
    EXPECT_EQ(op.rows.rows(), op.count);
    for (const auto* list : {&op.bias, &op.magnitude, &op.gamma, &op.underflow}) EXPECT_EQ(list->size(), op.count);
  }
  EXPECT_EQ(program.element_count, next);
  for (const ElementId e : program.outputs) EXPECT_LT(e, next);
}

TEST(Lowering, EverySampleLowersOrSaysWhyNot) {
  for (const Sample& sample : all_samples()) {
    if (!sample.refusal.empty()) continue;
    Graph graph = graph_of(sample);
    graph.outputs.resize(1);
    ASSERT_TRUE(infer_shapes(graph));
    auto program = lower_to_program(graph);
    EXPECT_EQ(static_cast<bool>(program), sample.lowers)
        << testing::describe(sample) << ": " << (program ? "lowers" : program.error().message);
    if (program) {
      expect_well_formed(*program);
      EXPECT_EQ(static_cast<int64_t>(program->outputs.size()),
                *element_count(graph.values[graph.outputs[0]].type->shape));
    } else {
      EXPECT_EQ(program.error().kind, ErrorKind::kNotCertifiable);
      EXPECT_EQ(program.error().message.rfind("no certified meaning: ", 0), 0U) << program.error().message;
    }
  }
}

TEST(Lowering, MatMulAndAddFormOneCluster) {
  GraphBuilder b;
  const ValueId x = b.input({1, 2});
  const ValueId product = b.node("MatMul", {x, b.floats({2, 2}, {1, 0, 3, 4})});
  b.output(b.node("Add", {product, b.floats({2}, {5, -6})}));
  const Program program = lowered(b.finish());
  ASSERT_EQ(program.ops.size(), 2U);
  const CoreOp& op = program.ops[1];
  EXPECT_EQ(op.rows.begin, (std::vector<uint64_t>{0, 2, 3}));  // the zero weight is dropped
  EXPECT_EQ(op.rows.column, (std::vector<ElementId>{0, 1, 1}));
  EXPECT_EQ(op.rows.weight, (std::vector<double>{1, 3, 4}));
  EXPECT_EQ(op.bias, (std::vector<double>{5, -6}));
  EXPECT_EQ(op.magnitude, (std::vector<double>{5, 6}));
  EXPECT_EQ(op.gamma, (std::vector<double>{4, 3}));      // n + m + 1 with m = 1
  EXPECT_EQ(op.underflow, (std::vector<double>{7, 5}));  // 2n + 2m + 1
  EXPECT_EQ(op.factor, 1);
}

TEST(Lowering, AResidualSumJoinsBothRowsInOrder) {
  GraphBuilder b;
  const ValueId x = b.input({1, 2});
  const ValueId left = b.node("Gemm", {x, b.floats({2, 1}, {2, 3}), b.floats({1}, {10})});
  const ValueId right = b.node("Gemm", {x, b.floats({2, 1}, {5, 7}), b.floats({1}, {20})});
  b.output(b.node("Sub", {left, right}));
  const Program program = lowered(b.finish());
  ASSERT_EQ(program.ops.size(), 2U);
  const CoreOp& op = program.ops[1];
  EXPECT_EQ(op.rows.column, (std::vector<ElementId>{0, 1, 0, 1}));
  EXPECT_EQ(op.rows.weight, (std::vector<double>{2, 3, -5, -7}));
  EXPECT_EQ(op.bias, std::vector<double>{-10});
  EXPECT_EQ(op.magnitude, std::vector<double>{30});
  EXPECT_EQ(op.gamma, std::vector<double>{4 + 2 + 1});
}

TEST(Lowering, AnAddendHasWeightOneAndCountsAsAddend) {
  GraphBuilder b;
  const ValueId x = b.input({2});
  const ValueId hidden = b.node("Relu", {x});
  b.output(b.node("Sub", {x, hidden}));
  const Program program = lowered(b.finish());
  ASSERT_EQ(program.ops.size(), 3U);
  const CoreOp& op = program.ops[2];
  EXPECT_EQ(op.rows.column, (std::vector<ElementId>{0, 2, 1, 3}));
  EXPECT_EQ(op.rows.weight, (std::vector<double>{1, -1, 1, -1}));
  EXPECT_EQ(op.gamma, (std::vector<double>{3, 3}));
  EXPECT_EQ(op.underflow, (std::vector<double>{5, 5}));
}

TEST(Lowering, ASumUsedTwiceIsEmitted) {
  GraphBuilder b;
  const ValueId x = b.input({1, 2});
  const ValueId product = b.node("MatMul", {x, b.floats({2, 2}, {1, 2, 3, 4})});
  b.output(b.node("Add", {product, product}));
  const Program program = lowered(b.finish());
  ASSERT_EQ(program.ops.size(), 3U);
  EXPECT_EQ(program.ops[2].rows.column, (std::vector<ElementId>{2, 2, 3, 3}));
}

TEST(Lowering, ASumThatIsAnOutputIsEmitted) {
  GraphBuilder b;
  const ValueId x = b.input({1, 2});
  const ValueId product = b.node("MatMul", {x, b.floats({2, 1}, {1, 2})});
  b.output(product);
  b.output(b.node("Add", {product, b.floats({1}, {1})}));
  const Program program = lowered(b.finish());
  EXPECT_EQ(program.ops.size(), 3U);
  EXPECT_EQ(program.outputs, (std::vector<ElementId>{2, 3}));
}

TEST(Lowering, DataMovementEndsACluster) {
  GraphBuilder b;
  const ValueId x = b.input({1, 2});
  const ValueId product = b.node("MatMul", {x, b.floats({2, 2}, {1, 2, 3, 4})});
  b.output(b.node("Add", {b.node("Flatten", {product}), b.floats({1}, {1})}));
  EXPECT_EQ(lowered(b.finish()).ops.size(), 3U);
}

TEST(Lowering, AScaledGemmIsAClusterOfItsOwn) {
  GraphBuilder b;
  const ValueId x = b.input({1, 2});
  const ValueId product =
      b.node("Gemm", {x, b.floats({2, 1}, {3, 5}), b.floats({1}, {7})}, {{"alpha", 0.25F}, {"beta", -2.0F}});
  b.output(b.node("Add", {product, b.floats({1}, {1})}));
  const Program program = lowered(b.finish());
  ASSERT_EQ(program.ops.size(), 3U);
  const CoreOp& op = program.ops[1];
  EXPECT_EQ(op.rows.weight, (std::vector<double>{0.75, 1.25}));
  EXPECT_EQ(op.bias, std::vector<double>{-14});
  EXPECT_EQ(op.gamma, std::vector<double>{2 + 1 + 1 + 2});
  EXPECT_EQ(op.underflow, std::vector<double>{4 + 2 + 1 + 2});
  EXPECT_EQ(op.factor, 8);
}

TEST(Lowering, TheViewAddedByAScaledGemmCountsAsProduct) {
  GraphBuilder b;
  const ValueId x = b.input({1, 1}), c = b.input({1, 1});
  b.output(b.node("Gemm", {x, b.floats({1, 1}, {3}), c}, {{"beta", 0.5F}}));
  const Program program = lowered(b.finish());
  const CoreOp& op = program.ops[1];
  EXPECT_EQ(op.rows.weight, (std::vector<double>{3, 0.5}));
  EXPECT_EQ(op.gamma, std::vector<double>{2 + 0 + 1 + 2});
  EXPECT_EQ(op.factor, 2);
}

TEST(Lowering, AConstantWhereAViewIsNeededBecomesElements) {
  GraphBuilder b;
  const ValueId c = b.floats({2}, {3, 4});
  const ValueId x = b.input({2});
  b.output(b.node("Concat", {c, x}, {{"axis", int64_t{0}}}));
  b.output(c);
  const Program program = lowered(b.finish());
  ASSERT_EQ(program.ops.size(), 3U);
  EXPECT_EQ(program.ops[1].kind, CoreKind::kConstant);
  EXPECT_EQ(program.ops[1].constant, (std::vector<double>{3, 4}));
  EXPECT_EQ(program.outputs, (std::vector<ElementId>{2, 3, 0, 1, 4, 5}));
}

TEST(Lowering, NodesAreVisitedByFileIndexNotByListPosition) {
  GraphBuilder b;
  const ValueId x = b.input({1});
  const ValueId first = b.node("Sigmoid", {x});
  const ValueId second = b.node("Tanh", {x});
  b.output(first);
  b.output(second);
  Graph graph = b.finish();
  std::swap(graph.nodes[0], graph.nodes[1]);
  const Program program = lowered(graph);
  EXPECT_EQ(program.ops[1].unary, UnaryKind::kSigmoid);
  EXPECT_EQ(program.ops[2].unary, UnaryKind::kTanh);
}

TEST(Lowering, MoreThanFourConstantsInOneSumHaveNoMeaning) {
  GraphBuilder b;
  ValueId sum = b.input({1});
  for (int i = 0; i < 5; ++i) sum = b.node("Add", {sum, b.floats({1}, {1})});
  b.output(sum);
  EXPECT_NE(refusal(b.finish()).find("5 constants are added in one sum"), std::string::npos);
}

TEST(Lowering, InfiniteConstantsHaveNoMeaning) {
  const float inf = std::numeric_limits<float>::infinity();
  GraphBuilder b;
  b.output(b.node("Add", {b.input({2}), b.floats({2}, {1, inf})}));
  EXPECT_NE(refusal(b.finish()).find("entry 1 of a constant operand is inf"), std::string::npos);
  GraphBuilder padded;  // the weight meets the padding only, where 0 * inf is not a number
  padded.output(padded.node("Conv", {padded.input({1, 1, 1, 1}), padded.floats({1, 1, 1, 2}, {1, inf})},
                            {{"pads", Ints{0, 0, 0, 1}}}));
  EXPECT_NE(refusal(padded.finish()).find("entry 1 of the weights is inf"), std::string::npos);
}

TEST(Lowering, OperatorsOfConstantsOnlyHaveNoMeaning) {
  for (const char* op : {"Relu", "Tanh"}) {
    GraphBuilder b;
    b.input({1});
    b.output(b.node(op, {b.floats({1}, {1})}));
    EXPECT_NE(refusal(b.finish()).find("all its operands are constant"), std::string::npos);
  }
  GraphBuilder b;
  b.output(b.node("Add", {b.floats({1}, {1}), b.floats({1}, {1})}));
  EXPECT_NE(refusal(b.finish()).find("both operands are constant"), std::string::npos);
}

// The message for one node over an input of shape [1, 1, 2, 2] and constants of one entry each.
std::string refusal_of(const std::string& op, const std::vector<float>& constants, const Shape& shape,
                       std::map<std::string, Attribute> attributes) {
  GraphBuilder b;
  std::vector<ValueId> inputs{b.input(op == "Gemm" ? Shape{1, 1} : Shape{1, 1, 2, 2})};
  for (const float c : constants) inputs.push_back(b.floats(shape, {c}));
  b.output(b.node(op, inputs, std::move(attributes)));
  return refusal(b.finish());
}

TEST(Lowering, NumbersThatADeviceMayFlushOrOverflowHaveNoMeaning) {
  const auto normalised = [](float s, float mu) { return refusal_of("BatchNormalization", {s, 0, mu, 1}, {1}, {}); };
  EXPECT_EQ(normalised(1, 1), "");
  EXPECT_EQ(normalised(0, 1), "");
  EXPECT_EQ(normalised(0x1p-126F, -0x1p60F), "");
  EXPECT_NE(normalised(0x1p-127F, 1), "");
  EXPECT_NE(normalised(0x1p61F, 1), "");
  EXPECT_NE(normalised(1, 0x1p61F), "");
  const auto leaky = [](float alpha) { return refusal_of("LeakyRelu", {}, {}, {{"alpha", alpha}}); };
  EXPECT_EQ(leaky(0), "");
  EXPECT_EQ(leaky(0x1p-126F), "");
  EXPECT_NE(leaky(0x1p-127F), "");
  EXPECT_NE(leaky(-0.5F), "");
  EXPECT_NE(leaky(std::numeric_limits<float>::quiet_NaN()), "");
  const auto scaled = [](float w, float c, float alpha, float beta) {
    return refusal_of("Gemm", {w, c}, {1, 1}, {{"alpha", alpha}, {"beta", beta}});
  };
  EXPECT_EQ(scaled(0x1p100F, 1, 0x1p26F, 1), "");
  EXPECT_NE(scaled(0x1p100F, 1, 0x1p27F, 1), "");
  EXPECT_NE(scaled(1, 0x1p100F, 1, -0x1p27F), "");
  EXPECT_NE(scaled(1, 1, std::numeric_limits<float>::infinity(), 1), "");
}

TEST(Lowering, PaddingThatIsNotStatedHasNoMeaning) {
  const auto convolved = [](const std::string& op, std::map<std::string, Attribute> attributes) {
    return refusal_of(op, {1}, {1, 1, 1, 1}, std::move(attributes));
  };
  EXPECT_EQ(convolved("Conv", {{"pads", Ints{1, 0, 0, 1}}}), "");
  EXPECT_EQ(convolved("Conv", {{"auto_pad", std::string("VALID")}}), "");
  EXPECT_NE(convolved("Conv", {{"auto_pad", std::string("SAME_UPPER")}}), "");
  EXPECT_NE(convolved("Conv", {{"auto_pad", std::string("VALID")}, {"pads", Ints{1, 0, 0, 1}}}), "");
  EXPECT_EQ(convolved("ConvTranspose", {{"strides", Ints{2, 2}}, {"output_padding", Ints{1, 1}}}), "");
  EXPECT_NE(convolved("ConvTranspose", {{"strides", Ints{2, 2}}, {"output_padding", Ints{2, 1}}}), "");
}

TEST(Lowering, TensorsOfRankAbove16HaveNoMeaning) {
  for (const size_t rank : {16, 17}) {
    GraphBuilder b;
    b.output(b.node("Relu", {b.input(Shape(rank, 1))}));
    EXPECT_EQ(refusal(b.finish()).empty(), rank == 16);
  }
}

TEST(Lowering, AnInputMustBeFloat32) {
  GraphBuilder b;
  b.output(b.node("Relu", {b.input({1}, DType::kFloat64)}));
  EXPECT_NE(refusal(b.finish()).find("input 'x0' has dtype float64"), std::string::npos);
}

TEST(Lowering, AShapeFromShapeArithmeticHasNoMeaning) {
  GraphBuilder b;
  const ValueId x = b.input({2, 3});
  b.output(b.node("Reshape", {x, b.node("Shape", {x})}));
  EXPECT_NE(refusal(b.finish()).find("'Shape_0'"), std::string::npos);
}

TEST(Lowering, BatchNormalizationCarriesItsBounds) {
  GraphBuilder b;
  const ValueId x = b.input({1, 1});
  const auto one = [&](float v) { return b.floats({1}, {v}); };
  b.output(b.node("BatchNormalization", {x, one(3), one(0.5F), one(2), one(4)}, {{"epsilon", 0.0F}}));
  const CoreOp op = lowered(b.finish()).ops[1];
  EXPECT_EQ(op.rows.weight, std::vector<double>{1.5});
  EXPECT_EQ(op.bias, std::vector<double>{-2.5});
  EXPECT_EQ(op.magnitude, std::vector<double>{3.5 * (1 + 0x1p-48)});
  EXPECT_EQ(op.gamma, std::vector<double>{12});
  EXPECT_EQ(op.underflow, std::vector<double>{8 + 8 + 12});
  EXPECT_EQ(op.factor, 4);
  EXPECT_EQ(op.real_error, 0x1p-48);
}

TEST(Lowering, MaxPoolListsItsWindowsWithoutPadding) {
  GraphBuilder b;
  b.output(b.node("MaxPool", {b.input({1, 1, 2, 3})},
                  {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{1, 2}}, {"pads", Ints{0, 1, 0, 0}}}));
  const CoreOp op = lowered(b.finish()).ops[1];
  EXPECT_EQ(op.window_begin, (std::vector<uint32_t>{0, 2, 6}));
  EXPECT_EQ(op.source, (std::vector<ElementId>{0, 3, 1, 2, 4, 5}));
}

TEST(Lowering, SoftmaxNumbersItsElementsGroupAfterGroup) {
  const auto softmax = [](const Shape& shape, std::map<std::string, Attribute> attributes, int opset) {
    GraphBuilder b(opset);
    b.output(b.node("Softmax", {b.input(shape)}, std::move(attributes)));
    return lowered(b.finish());
  };
  const Program columns = softmax({2, 3}, {{"axis", int64_t{-2}}}, 13);
  EXPECT_EQ(columns.ops[1].kind, CoreKind::kSoftmax);
  EXPECT_EQ(columns.ops[1].window_begin, (std::vector<uint32_t>{0, 2, 4, 6}));
  EXPECT_EQ(columns.ops[1].source, (std::vector<ElementId>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(columns.outputs, (std::vector<ElementId>{6, 8, 10, 7, 9, 11}));
  EXPECT_EQ(softmax({2, 1, 2}, {}, 13).ops[1].window_begin, (std::vector<uint32_t>{0, 2, 4}));
  EXPECT_EQ(softmax({1, 2, 2}, {}, 12).ops[1].window_begin, (std::vector<uint32_t>{0, 4}));
  EXPECT_EQ(softmax({1, 2, 2}, {{"axis", int64_t{-1}}}, 12).ops[1].window_begin, (std::vector<uint32_t>{0, 2, 4}));
}

TEST(Lowering, ASoftmaxOfTooManyNumbersHasNoCertifiedMeaning) {
  for (const int64_t n : {int64_t{1} << 20, (int64_t{1} << 20) + 1}) {
    GraphBuilder b;
    b.output(b.node("Softmax", {b.input({n})}));
    const Result<Program> program = lower_to_program(b.finish());
    EXPECT_EQ(static_cast<bool>(program), n == int64_t{1} << 20);
  }
}

TEST(Lowering, BroadcastRowsAreRepeated) {
  GraphBuilder b;
  const ValueId product = b.node("MatMul", {b.input({1, 2}), b.floats({2, 1}, {1, 2})});
  b.output(b.node("Add", {product, b.floats({2, 3}, {1, 2, 3, 4, 5, 6})}));
  const CoreOp op = lowered(b.finish()).ops[1];
  EXPECT_EQ(op.count, 6U);
  EXPECT_EQ(op.rows.column.size(), 12U);
  EXPECT_EQ(op.bias, (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST(Lowering, TooManyTermsAreAResourceError) {
  GraphBuilder b;
  const ValueId row = b.node("MatMul", {b.input({1, 8}), b.constant(random_tensor({8, 1}, 1))});
  b.output(b.node("Add", {row, b.constant(Tensor(DType::kFloat32, {100, 1}))}));
  const Graph graph = b.finish();
  EXPECT_TRUE(lower_to_program(graph, {.terms = 800}));
  auto program = lower_to_program(graph, {.terms = 799});
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().kind, ErrorKind::kResource);
  EXPECT_FALSE(lower_to_program(graph, {.elements = 107}));
}

}  // namespace
}  // namespace axiom
