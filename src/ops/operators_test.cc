// Suites that walk the registry: every operator accepts its samples, refuses what it must, and means what ONNX says.
#include <gtest/gtest.h>

#include <iterator>
#include <limits>
#include <random>
#include <set>

#include "graph/lowering.h"
#include "ops/samples.h"

namespace axiom {
namespace {

using namespace testing;  // NOLINT: the builders

// Evaluates the one node of an inferred sample graph.
std::vector<Tensor> evaluate(const Graph& graph, const Sample& sample) {
  std::vector<const Tensor*> inputs;
  for (const Operand& operand : sample.inputs) inputs.push_back(operand.tensor ? &*operand.tensor : nullptr);
  std::vector<TensorType> types;
  for (const ValueId out : graph.nodes[0].outputs) types.push_back(*graph.values[out].type);
  auto results = graph.nodes[0].op->eval(graph.nodes[0], inputs, types);
  EXPECT_TRUE(results) << describe(sample) << ": " << (results ? "" : results.error().message);
  return results ? *results : std::vector<Tensor>{};
}

TEST(Registry, EveryOperatorHasSamplesAndRefusals) {
  std::set<std::string> accepted, refused;
  for (const Sample& sample : all_samples()) (sample.refusal.empty() ? accepted : refused).insert(sample.op_type);
  for (const Operator* op : operators()) {
    EXPECT_TRUE(accepted.contains(std::string(op->name()))) << op->name();
    EXPECT_TRUE(refused.contains(std::string(op->name()))) << op->name();
  }
}

TEST(Registry, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const Operator* op : operators()) {
    EXPECT_TRUE(names.insert(op->name()).second) << op->name();
    EXPECT_EQ(find_operator(op->name()), op);
  }
  EXPECT_EQ(find_operator("NoSuchOperator"), nullptr);
}

TEST(Operators, SamplesEvaluateToTheirInferredTypes) {
  for (const Sample& sample : all_samples()) {
    if (!sample.refusal.empty()) continue;
    Graph graph = graph_of(sample);
    const Status inferred = infer_shapes(graph);
    ASSERT_TRUE(inferred) << describe(sample) << ": " << inferred.error().message;
    const std::vector<Tensor> outputs = evaluate(graph, sample);
    ASSERT_EQ(outputs.size(), sample.outputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const TensorType& type = *graph.values[graph.nodes[0].outputs[i]].type;
      EXPECT_EQ(outputs[i].dtype(), type.dtype) << describe(sample);
      EXPECT_EQ(outputs[i].shape(), type.shape) << describe(sample);
    }
  }
}

TEST(Operators, RefusalsNameTheNodeAndTheReason) {
  for (const Sample& sample : all_samples()) {
    if (sample.refusal.empty()) continue;
    Graph graph = graph_of(sample);
    const Status inferred = infer_shapes(graph);
    ASSERT_FALSE(inferred) << describe(sample) << " should be refused: " << sample.refusal;
    EXPECT_EQ(inferred.error().kind, ErrorKind::kInvalidInput);
    const std::string& message = inferred.error().message;
    EXPECT_NE(message.find("node 0 '" + sample.op_type + "_0'"), std::string::npos) << message;
    EXPECT_NE(message.find(sample.refusal), std::string::npos) << message << "\n  does not say: " << sample.refusal;
  }
}

TEST(Operators, AnUnknownAttributeIsRefused) {
  std::set<std::string> seen;
  for (Sample sample : all_samples()) {
    if (!sample.refusal.empty() || !seen.insert(sample.op_type).second) continue;
    sample.attributes["no_such_attribute"] = int64_t{1};
    Graph graph = graph_of(sample);
    const Status inferred = infer_shapes(graph);
    ASSERT_FALSE(inferred) << describe(sample);
    EXPECT_NE(inferred.error().message.find("no_such_attribute"), std::string::npos) << inferred.error().message;
  }
}

TEST(Operators, TooManyInputsOrOutputsAreRefused) {
  std::set<std::string> seen;
  for (Sample sample : all_samples()) {
    if (!sample.refusal.empty() || !seen.insert(sample.op_type).second) continue;
    Sample crowded = sample;
    crowded.outputs = 3;
    Graph graph = graph_of(crowded);
    EXPECT_FALSE(infer_shapes(graph)) << describe(crowded);
    if (sample.op_type == "Concat" || sample.op_type == "Max" || sample.op_type == "Min") continue;
    for (int i = 0; i < 6; ++i) sample.inputs.push_back(x({1}));
    Graph wide = graph_of(sample);
    EXPECT_FALSE(infer_shapes(wide)) << describe(sample);
  }
}

TEST(Operators, Float64AgreesWithFloat32) {
  for (const Sample& sample : all_samples()) {
    if (!sample.refusal.empty() || !sample.smooth) continue;
    Sample doubled = sample;
    for (Operand& operand : doubled.inputs)
      if (operand.tensor && sample.op_type != "Upsample" && sample.op_type != "Resize")
        operand.tensor = widened(*operand.tensor);
    if (sample.op_type == "Cast") continue;
    Graph narrow = graph_of(sample), wide = graph_of(doubled);
    ASSERT_TRUE(infer_shapes(narrow));
    const Status inferred = infer_shapes(wide);
    ASSERT_TRUE(inferred) << describe(sample) << inferred.error().message;
    const Tensor y = evaluate(narrow, sample)[0], z = evaluate(wide, doubled)[0];
    if (y.dtype() != DType::kFloat32 || z.dtype() != DType::kFloat64) continue;
    for (int64_t i = 0; i < y.size(); ++i)
      EXPECT_NEAR(y.data<float>()[i], z.data<double>()[i], 1e-5) << describe(sample) << " entry " << i;
  }
}

// ---- hostile nodes

// Numbers that overflow, wrap or are just wrong.
int64_t hostile_integer(std::mt19937& random) {
  const int64_t numbers[] = {INT64_MIN,
                             INT64_MIN + 1,
                             -(int64_t{1} << 33),
                             -2,
                             -1,
                             0,
                             1,
                             2,
                             3,
                             5,
                             1 << 20,
                             (int64_t{1} << 31) - 1,
                             int64_t{1} << 32,
                             INT64_MAX - 1,
                             INT64_MAX};
  return numbers[random() % std::size(numbers)];
}

float hostile_float(std::mt19937& random) {
  const float inf = std::numeric_limits<float>::infinity();
  const float numbers[] = {inf, -inf, std::numeric_limits<float>::quiet_NaN(), 0, -0.0F, 1e-45F, 3e38F, -1, 2, 1e9F};
  return numbers[random() % std::size(numbers)];
}

void make_hostile(Attribute& attribute, std::mt19937& random) {
  if (auto* number = std::get_if<int64_t>(&attribute)) *number = hostile_integer(random);
  if (auto* number = std::get_if<float>(&attribute)) *number = hostile_float(random);
  if (auto* list = std::get_if<Ints>(&attribute)) {
    if (random() % 4 == 0) list->resize(random() % 6);
    for (int64_t& number : *list)
      if (random() % 3 == 0) number = hostile_integer(random);
  }
  if (auto* list = std::get_if<std::vector<float>>(&attribute))
    for (float& number : *list)
      if (random() % 3 == 0) number = hostile_float(random);
}

void make_hostile(Sample& sample, std::mt19937& random) {
  for (auto& [name, attribute] : sample.attributes)
    if (random() % 2 == 0) make_hostile(attribute, random);
  if (sample.attributes.empty() || random() % 3 == 0)
    for (const char* name : {"axis", "group", "to", "start", "end", "ceil_mode"})
      if (random() % 8 == 0) sample.attributes[name] = hostile_integer(random);
  for (Operand& operand : sample.inputs) {
    if (!operand.tensor) continue;
    if (operand.tensor->dtype() == DType::kInt64)
      for (int64_t& number : operand.tensor->mutable_data<int64_t>())
        if (random() % 3 == 0) number = hostile_integer(random);
    if (operand.tensor->dtype() == DType::kFloat32 && operand.constant)
      for (float& number : operand.tensor->mutable_data<float>())
        if (random() % 8 == 0) number = hostile_float(random);
    Shape shape = operand.tensor->shape();
    if (random() % 8 == 0 && !shape.empty()) shape[random() % shape.size()] = random() % 4;
    if (random() % 16 == 0) shape.push_back(random() % 3);
    if (shape != operand.tensor->shape()) operand.tensor = Tensor(operand.tensor->dtype(), shape);
  }
  sample.opset = static_cast<int>(1 + random() % 22);
}

// Everything an accepted node can be asked to do; errors are fine, crashes are not.
void exercise(const Graph& graph, const Sample& sample) {
  const Node& node = graph.nodes[0];
  std::vector<const Tensor*> inputs;
  for (const Operand& operand : sample.inputs) inputs.push_back(operand.tensor ? &*operand.tensor : nullptr);
  std::vector<TensorType> types;
  for (const ValueId out : node.outputs) {
    types.push_back(*graph.values[out].type);
    if (*element_count(types.back().shape) > 100000) return;
  }
  auto program = lower_to_program(graph, {.elements = 1 << 20, .terms = 1 << 20});
  auto outputs = node.op->eval(node, inputs, types);
  if (!outputs || (*outputs)[0].dtype() != DType::kFloat32) return;
  std::vector<bool> wanted;
  for (const Operand& operand : sample.inputs) wanted.push_back(operand.tensor && !operand.constant);
  const GradientContext context{
      .node = node, .inputs = inputs, .outputs = *outputs, .output_gradients = *outputs, .wanted = wanted};
  (void)node.op->gradient(context);
}

TEST(Operators, HostileNodesAreRefusedOrEvaluatedButNeverCrash) {
  std::mt19937 random(11);
  int accepted = 0, refused = 0;
  for (const Sample& original : all_samples()) {
    for (int i = 0; i < 200; ++i) {
      Sample sample = original;
      make_hostile(sample, random);
      Graph graph = graph_of(sample);
      if (!infer_shapes(graph)) {
        ++refused;
        continue;
      }
      ++accepted;
      exercise(graph, sample);
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

// ---- values worked out by hand

std::vector<float> result_of(const Sample& sample) {
  Graph graph = graph_of(sample);
  EXPECT_TRUE(infer_shapes(graph));
  const Tensor y = evaluate(graph, sample)[0];
  return {y.data<float>().begin(), y.data<float>().end()};
}

TEST(Operators, SumsStartAtZeroAndGoInIncreasingOrder) {
  // (2^24 + 1) + 1 = 2^24 in float32, while 1 + 1 + 2^24 = 2^24 + 2.
  const Operand row = values({1, 3}, {1, 1, 1});
  EXPECT_EQ(result_of({"MatMul", {row, {Tensor::from<float>({3, 1}, {0x1p24F, 1, 1}), true}}}),
            std::vector<float>{0x1p24F});
  EXPECT_EQ(result_of({"MatMul", {row, {Tensor::from<float>({3, 1}, {1, 1, 0x1p24F}), true}}}),
            std::vector<float>{0x1p24F + 2});
  // The bias comes last.
  EXPECT_EQ(
      result_of(
          {"Gemm", {row, {Tensor::from<float>({3, 1}, {1, 1, 0}), true}, {Tensor::from<float>({1}, {0x1p24F}), true}}}),
      std::vector<float>{0x1p24F + 2});
}

TEST(Operators, ConvolutionSumsOverChannelsThenRowsThenColumns) {
  const Operand image = values({1, 1, 2, 2}, {1, 1, 1, 1});
  EXPECT_EQ(result_of({"Conv", {image, {Tensor::from<float>({1, 1, 2, 2}, {0x1p24F, 1, 1, 1}), true}}}),
            std::vector<float>{0x1p24F});
  EXPECT_EQ(result_of({"Conv", {image, {Tensor::from<float>({1, 1, 2, 2}, {1, 1, 1, 0x1p24F}), true}}}),
            std::vector<float>{0x1p24F + 4});
}

TEST(Operators, ReluKeepsNotANumber) {
  const auto y = result_of({"Relu", {values({4}, {-1, 0, 2, std::numeric_limits<float>::quiet_NaN()})}});
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[2], 2);
  EXPECT_TRUE(std::isnan(y[3]));
}

TEST(Operators, ConvTransposeSpreadsItsInput) {
  const Sample sample{"ConvTranspose",
                      {values({1, 1, 1, 2}, {1, 10}), {Tensor::from<float>({1, 1, 1, 3}, {1, 2, 3}), true}},
                      {{"strides", Ints{1, 2}}}};
  EXPECT_EQ(result_of(sample), (std::vector<float>{1, 2, 13, 20, 30}));
}

TEST(Operators, MaxPoolInCeilModeDropsAWindowThatStartsInTheTrailingPadding) {
  Sample sample{"MaxPool",
                {values({1, 1, 1, 4}, {1, 2, 3, 4})},
                {{"kernel_shape", Ints{1, 3}}, {"strides", Ints{1, 2}}, {"ceil_mode", int64_t{1}}}};
  EXPECT_EQ(result_of(sample), (std::vector<float>{3, 4}));
  sample.attributes["kernel_shape"] = Ints{1, 1};
  sample.attributes["strides"] = Ints{1, 4};
  sample.attributes["pads"] = Ints{0, 0, 0, 1};
  EXPECT_EQ(result_of(sample), (std::vector<float>{1}));
}

TEST(Operators, UpsampleRepeatsEntries) {
  const Sample sample =
      Sample{"Upsample", {values({1, 2}, {1, 2}), {Tensor::from<float>({2}, {2, 3}), true}}}.with_opset(9);
  EXPECT_EQ(result_of(sample), (std::vector<float>{1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2}));
}

TEST(Operators, ConcatInterleavesBlocks) {
  const Sample sample{"Concat", {values({2, 1}, {1, 2}), values({2, 2}, {3, 4, 5, 6})}, {{"axis", int64_t{1}}}};
  EXPECT_EQ(result_of(sample), (std::vector<float>{1, 3, 4, 2, 5, 6}));
}

TEST(Operators, AGatherIndexOutsideTheAxisIsAnError) {
  const Sample sample{"Gather", {x({4}), {Tensor::from<int64_t>({1}, {4}), false}}};
  Graph graph = graph_of(sample);
  ASSERT_TRUE(infer_shapes(graph));
  const std::vector<const Tensor*> inputs{&*sample.inputs[0].tensor, &*sample.inputs[1].tensor};
  const std::vector<TensorType> types{*graph.values[graph.outputs[0]].type};
  auto result = graph.nodes[0].op->eval(graph.nodes[0], inputs, types);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("index 4 is outside axis 0 of extent 4"), std::string::npos);
}

TEST(Operators, AnIntegerDividedByZeroIsAnError) {
  GraphBuilder builder;
  builder.output(builder.node("Div", {builder.integers({1}), builder.integers({0})}));
  const Status inferred = infer_shapes(builder.graph());
  ASSERT_FALSE(inferred);
  EXPECT_NE(inferred.error().message.find("divided by zero"), std::string::npos);
}

}  // namespace
}  // namespace axiom
