// Shape inference and folding: only what is exact in float32 is folded.
#include "graph/infer.h"

#include <gtest/gtest.h>

#include "ops/testing.h"

namespace axiom {
namespace {

using testing::GraphBuilder;

TEST(Infer, ShapeArithmeticFoldsToAConstantShape) {
  GraphBuilder b;
  const ValueId x = b.input({2, 3, 4});
  const ValueId batch = b.node("Gather", {b.node("Shape", {x}), b.integers({0})});
  const ValueId shape = b.node("Concat", {batch, b.integers({-1})}, {{"axis", int64_t{0}}});
  const ValueId y = b.node("Reshape", {x, shape});
  b.output(y);
  const Graph graph = b.finish();
  EXPECT_EQ(graph.values[y].type->shape, (Shape{2, 12}));
  EXPECT_TRUE(graph.values[shape].constant.has_value());
  EXPECT_FALSE(graph.values[y].constant.has_value());
}

TEST(Infer, FloatArithmeticOfConstantsIsNotFolded) {
  GraphBuilder b;
  const ValueId sum = b.node("Add", {b.floats({1}, {0.1F}), b.floats({1}, {0.2F})});
  const ValueId moved = b.node("Transpose", {b.floats({1, 2}, {1, 2})});
  b.output(sum);
  b.output(moved);
  const Graph graph = b.finish();
  EXPECT_FALSE(graph.values[sum].constant.has_value());
  EXPECT_TRUE(graph.values[moved].constant.has_value());
}

TEST(Infer, ACastFoldsOnlyWhenNothingIsLost) {
  GraphBuilder b;
  const ValueId exact = b.node("Cast", {b.integers({1 << 24})}, {{"to", int64_t{1}}});
  const ValueId inexact = b.node("Cast", {b.integers({(1 << 24) + 1})}, {{"to", int64_t{1}}});
  const ValueId largest = b.node("Cast", {b.integers({INT64_MAX})}, {{"to", int64_t{1}}});
  for (const ValueId id : {exact, inexact, largest}) b.output(id);
  const Graph graph = b.finish();
  EXPECT_TRUE(graph.values[exact].constant.has_value());
  EXPECT_FALSE(graph.values[inexact].constant.has_value());
  EXPECT_FALSE(graph.values[largest].constant.has_value());
}

TEST(Infer, AResultOfTooManyEntriesIsRefused) {
  GraphBuilder b;
  b.output(b.node("Add", {b.input({1 << 20, 1}), b.input({1, 1 << 20})}));
  const Status inferred = infer_shapes(b.graph());
  ASSERT_FALSE(inferred);
  EXPECT_NE(inferred.error().message.find("[1048576, 1048576]"), std::string::npos) << inferred.error().message;
}

TEST(Infer, AnEmptyListOfAxesIsRefused) {
  for (const char* op : {"Squeeze", "Unsqueeze"}) {
    GraphBuilder b;
    b.output(b.node(op, {b.input({2, 1}), b.integers({})}));
    const Status inferred = infer_shapes(b.graph());
    ASSERT_FALSE(inferred) << op;
    EXPECT_NE(inferred.error().message.find("axes"), std::string::npos) << inferred.error().message;
  }
}

TEST(Infer, ConstantsThatGrowAreStopped) {
  GraphBuilder b(9);
  const ValueId small = b.constant(Tensor(DType::kFloat64, {1, 1}));
  b.output(b.node("Upsample", {small, b.floats({2}, {16384, 16384})}));
  const Status inferred = infer_shapes(b.graph());
  ASSERT_FALSE(inferred);
  EXPECT_EQ(inferred.error().kind, ErrorKind::kResource) << inferred.error().message;
}

}  // namespace
}  // namespace axiom
