// The two meanings of an operator in this library, evaluation and lowering, agree within the error formula; and the
// parity budget tells a wrong weight from rounding.
#include "runtime/budget.h"

#include <gtest/gtest.h>

#include "graph/lowering.h"
#include "ops/random_graph.h"
#include "ops/samples.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/core_evaluation.h"
#include "runtime/executor.h"

namespace axiom {
namespace {

using namespace testing;  // NOLINT: the builders

std::vector<double> flat(const std::vector<Tensor>& tensors) {
  std::vector<double> all;
  for (const Tensor& tensor : tensors) all.insert(all.end(), tensor.data<float>().begin(), tensor.data<float>().end());
  return all;
}

// Every output of the graph lies within the carried error of the core program's value.
void expect_agreement(const Graph& graph, const std::vector<Tensor>& inputs, const std::string& what) {
  auto program = lower_to_program(graph);
  ASSERT_TRUE(program) << what << program.error().message;
  const CoreEvaluation at = evaluate(*program, flat(inputs));
  auto outputs = run(graph, inputs, *make_reference_backend());
  ASSERT_TRUE(outputs) << what << outputs.error().message;
  std::vector<Tensor> tensors;
  for (const NamedTensor& output : *outputs) tensors.push_back(output.tensor);
  const std::vector<double> executed = flat(tensors);
  ASSERT_EQ(executed.size(), program->outputs.size());
  for (size_t i = 0; i < executed.size(); ++i) {
    const ElementId element = program->outputs[i];
    EXPECT_LE(std::fabs(executed[i] - at.value[element]), at.error[element]) << what << " Y_" << i;
  }
}

TEST(CoreEvaluation, AgreesWithExecutionOnEverySample) {
  int compared = 0;
  for (const Sample& sample : all_samples()) {
    if (!sample.refusal.empty() || !sample.lowers || !sample.smooth) continue;
    Graph graph = graph_of(sample);
    graph.outputs.resize(1);
    ASSERT_TRUE(infer_shapes(graph));
    expect_agreement(graph, inputs_of(sample), testing::describe(sample));
    ++compared;
  }
  EXPECT_GT(compared, 60);
}

TEST(CoreEvaluation, AgreesWithExecutionOnRandomNetworks) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const Graph graph = RandomNetwork(seed).make();
    expect_agreement(graph, random_inputs(graph, seed, 2.0F), "network " + std::to_string(seed));
  }
}

TEST(CoreEvaluation, ErrorsOfRandomNetworksAreSmallEnoughToMeanSomething) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const Graph graph = RandomNetwork(seed).make();
    const Program program = *lower_to_program(graph);
    const CoreEvaluation at = evaluate(program, flat(random_inputs(graph, seed)));
    for (const ElementId e : program.outputs) EXPECT_LT(at.error[e], 1e-2 * (1 + std::fabs(at.value[e])));
  }
}

// What the reference backend computed, node by node.
Recording record(const Graph& graph, const std::vector<Tensor>& inputs) {
  Recording recording;
  for (size_t i = 0; i < inputs.size(); ++i) recording[graph.values[graph.inputs[i]].name] = inputs[i];
  RunOptions options;
  options.on_node = [&](const Node& node, auto, std::span<const Tensor> outputs) {
    recording[graph.values[node.outputs[0]].name] = outputs[0];
    return Status();
  };
  EXPECT_TRUE(run(graph, inputs, *make_reference_backend(), options));
  return recording;
}

TEST(Budget, AMachineAgreesWithItself) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    const Graph graph = RandomNetwork(seed).make();
    const std::vector recordings{record(graph, random_inputs(graph, seed)),
                                 record(graph, random_inputs(graph, seed + 7))};
    auto comparisons = compare_nodes(graph, recordings);
    ASSERT_TRUE(comparisons) << comparisons.error().message;
    EXPECT_FALSE(comparisons->empty());
    for (const NodeComparison& c : *comparisons) {
      EXPECT_EQ(c.worst, 0);
      EXPECT_TRUE(c.budgeted) << c.node->name;
    }
  }
}

TEST(Budget, AnotherOrderOfSummationStaysWithin) {
  // The sum backwards, as another machine might do it.
  const Tensor weights = random_tensor({64, 1}, 5), x = random_tensor({1, 64}, 6);
  GraphBuilder b;
  const ValueId y = b.node("MatMul", {b.input({1, 64}), b.constant(weights)});
  b.output(y);
  const Graph graph = b.finish();
  float sum = 0;
  for (size_t k = 64; k-- > 0;) sum += x.data<float>()[k] * weights.data<float>()[k];
  const std::vector<Recording> recordings{{{"x0", x}, {graph.values[y].name, Tensor::from<float>({1, 1}, {sum})}}};
  auto comparisons = compare_nodes(graph, recordings);
  ASSERT_TRUE(comparisons);
  EXPECT_TRUE((*comparisons)[0].agrees());
  EXPECT_GT((*comparisons)[0].worst, 0);
}

TEST(Budget, ARelativeErrorOf1e4InOneWeightIsRejected) {
  // A probe with one entry, so that the weight is not lost among a thousand others.
  Tensor weights = random_tensor({1000, 3}, 5);
  Tensor probe(DType::kFloat32, {1, 1000});
  probe.mutable_data<float>()[123] = 0.7F;
  const auto graph_with = [](const Tensor& w) {
    GraphBuilder b;
    b.output(b.node("Gemm", {b.input({1, 1000}), b.constant(w), b.floats({3}, {0.01F, 0, -0.01F})}));
    return b.finish();
  };
  const std::vector recordings{record(graph_with(weights), {probe})};
  EXPECT_TRUE((*compare_nodes(graph_with(weights), recordings))[0].agrees());
  weights.mutable_data<float>()[3 * 123 + 1] *= 1.0001F;
  const NodeComparison wrong = (*compare_nodes(graph_with(weights), recordings))[0];
  EXPECT_FALSE(wrong.agrees());
  EXPECT_EQ(wrong.entry, 1);
}

TEST(Budget, ANodeWithoutCertifiedMeaningIsComparedByHabit) {
  GraphBuilder b;
  b.output(b.node("Softmax", {b.input({1, 5})}));
  const Graph graph = b.finish();
  std::vector recordings{record(graph, random_inputs(graph, 1))};
  auto comparisons = compare_nodes(graph, recordings);
  ASSERT_TRUE(comparisons);
  EXPECT_FALSE((*comparisons)[0].budgeted);
  EXPECT_TRUE((*comparisons)[0].agrees());
}

TEST(Budget, AMissingValueIsNamed) {
  GraphBuilder b;
  const ValueId y = b.node("Relu", {b.node("Neg", {b.input({1})})});
  b.output(y);
  const Graph graph = b.finish();
  const std::vector<Recording> recordings{{{graph.values[y].name, Tensor(DType::kFloat32, {1})}}};
  auto comparisons = compare_nodes(graph, recordings);
  ASSERT_FALSE(comparisons);
  EXPECT_NE(comparisons.error().message.find("value 'Neg_0_0' is not recorded"), std::string::npos);
}

TEST(Budget, NotANumberAgreesWithItselfOnly) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  GraphBuilder b;
  const ValueId y = b.node("Relu", {b.input({2})});
  b.output(y);
  const Graph graph = b.finish();
  const std::string name = graph.values[y].name;
  const auto compare = [&](float theirs) {
    const std::vector<Recording> recordings{
        {{"x0", Tensor::from<float>({2}, {nan, 1})}, {name, Tensor::from<float>({2}, {theirs, 1})}}};
    return (*compare_nodes(graph, recordings))[0].agrees();
  };
  EXPECT_TRUE(compare(nan));
  EXPECT_FALSE(compare(0));
}

}  // namespace
}  // namespace axiom
