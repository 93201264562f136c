// Gradients against central differences in binary64, for every operator of the registry and for random networks.
#include "autograd/gradient.h"

#include <gtest/gtest.h>

#include <set>

#include "ops/random_graph.h"
#include "ops/samples.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/executor.h"

namespace axiom {
namespace {

using namespace testing;  // NOLINT: the builders

// <seed, first output> at the inputs.
double objective(const Graph& graph, const std::vector<Tensor>& inputs, const Tensor& seed) {
  auto outputs = run(graph, inputs, *make_reference_backend());
  EXPECT_TRUE(outputs) << (outputs ? "" : outputs.error().message);
  double sum = 0;
  for (int64_t i = 0; i < seed.size(); ++i) sum += seed.data<double>()[i] * (*outputs)[0].tensor.data<double>()[i];
  return sum;
}

// Compares the gradient of a float64 graph with differences in every input entry.
void expect_gradient(const Graph& graph, const std::vector<Tensor>& inputs, const std::string& what) {
  const Tensor seed = widened(random_tensor(graph.values[graph.outputs[0]].type->shape, 99));
  auto result = gradient(graph, inputs, std::vector{seed});
  ASSERT_TRUE(result) << what << ": " << result.error().message;
  ASSERT_EQ(result->inputs.size(), inputs.size());
  constexpr double h = 1e-6;
  for (size_t k = 0; k < inputs.size(); ++k) {
    ASSERT_EQ(result->inputs[k].shape(), inputs[k].shape()) << what;
    for (int64_t i = 0; i < inputs[k].size(); ++i) {
      std::vector<Tensor> up = inputs, down = inputs;
      up[k].mutable_data<double>()[i] += h;
      down[k].mutable_data<double>()[i] -= h;
      const double difference = (objective(graph, up, seed) - objective(graph, down, seed)) / (2 * h);
      EXPECT_NEAR(result->inputs[k].data<double>()[i], difference, 1e-6 * (1 + std::fabs(difference)))
          << what << " input " << k << " entry " << i;
    }
  }
}

// What an input must be for the operator to have no gradient with respect to it.
bool has_gradient(const Sample& sample) {
  if (!sample.refusal.empty() || !sample.smooth) return false;
  for (const Operand& operand : sample.inputs)
    if (operand.tensor && !operand.constant && operand.tensor->dtype() != DType::kFloat32) return false;
  return true;
}

TEST(Gradient, OfEveryOperatorAgreesWithDifferences) {
  std::set<std::string_view> compared;
  for (Sample sample : all_samples()) {
    // A cast to float32 rounds: differences of 1e-6 would not see a slope.
    if (!has_gradient(sample) || sample.op_type == "Cast") continue;
    const bool scales_stay = sample.op_type == "Upsample" || sample.op_type == "Resize" || sample.op_type == "Dropout";
    for (Operand& operand : sample.inputs)
      if (operand.tensor && !(scales_stay && operand.constant)) operand.tensor = widened(*operand.tensor);
    Graph graph = graph_of(sample);
    graph.outputs.resize(1);
    const Status inferred = infer_shapes(graph);
    ASSERT_TRUE(inferred) << testing::describe(sample) << inferred.error().message;
    expect_gradient(graph, inputs_of(sample), testing::describe(sample));
    compared.insert(graph.nodes[0].op->name());
  }
  for (const Operator* op : operators()) {
    const std::set<std::string_view> constant{"Constant", "Shape", "Cast"};
    EXPECT_TRUE(compared.contains(op->name()) || constant.contains(op->name())) << op->name();
  }
}

TEST(Gradient, WithRespectToWeightsAgreesWithDifferences) {
  for (Sample sample : all_samples()) {
    const std::set<std::string> with_weights{"MatMul", "Gemm", "Conv", "ConvTranspose", "Add", "Sub", "Concat"};
    if (!has_gradient(sample) || !with_weights.contains(sample.op_type)) continue;
    for (Operand& operand : sample.inputs) {
      operand.tensor = widened(*operand.tensor);
      operand.constant = false;
    }
    Graph graph = graph_of(sample);
    ASSERT_TRUE(infer_shapes(graph));
    expect_gradient(graph, inputs_of(sample), testing::describe(sample));
  }
}

TEST(Gradient, OfRandomNetworksAgreesWithDifferences) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Graph graph = RandomNetwork(seed).make();
    for (Value& value : graph.values) {
      if (value.constant) value.constant = widened(*value.constant);
      const bool is_input =
          std::find(graph.inputs.begin(), graph.inputs.end(), &value - graph.values.data()) != graph.inputs.end();
      if (is_input)
        value.type->dtype = DType::kFloat64;
      else
        value.type.reset();
    }
    ASSERT_TRUE(infer_shapes(graph));
    std::vector<Tensor> inputs;
    for (const Tensor& tensor : random_inputs(graph, seed)) inputs.push_back(widened(tensor));
    expect_gradient(graph, inputs, "network " + std::to_string(seed));
  }
}

TEST(Gradient, AValueUsedTwiceCollectsBothGradients) {
  GraphBuilder b;
  const ValueId x = b.input({1});
  b.output(b.node("Mul", {x, b.node("Add", {x, x})}));
  const Graph graph = b.finish();
  auto result = gradient(graph, std::vector{Tensor::from<float>({1}, {3})}, std::vector{Tensor::from<float>({1}, {1})});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->outputs[0].data<float>()[0], 18);
  EXPECT_EQ(result->inputs[0].data<float>()[0], 12);
}

TEST(Gradient, IsZeroWhereNothingDependsOnAnInput) {
  GraphBuilder b;
  const ValueId x = b.input({2}), unused = b.input({3});
  b.output(b.node("Relu", {x}));
  b.output(unused);
  const Graph graph = b.finish();
  auto result = gradient(graph, random_inputs(graph, 1), std::vector{Tensor::from<float>({2}, {1, 1}), Tensor()});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->inputs[1].shape(), (Shape{3}));
  for (const float g : result->inputs[1].data<float>()) EXPECT_EQ(g, 0);
}

TEST(Gradient, RefusesSeedsOfAnotherShape) {
  GraphBuilder b;
  b.output(b.node("Relu", {b.input({2})}));
  const Graph graph = b.finish();
  auto wrong = gradient(graph, random_inputs(graph, 1), std::vector{Tensor(DType::kFloat32, {3})});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("seed 0 has dtype float32 and shape [3], the output float32 and [2]"),
            std::string::npos);
  EXPECT_FALSE(gradient(graph, random_inputs(graph, 1), std::vector<Tensor>{}));
}

}  // namespace
}  // namespace axiom
