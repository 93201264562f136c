// Sample nodes of every operator, for the suites that walk the registry: what it accepts and what it refuses.
//
// An operator without samples fails the suites, so the table grows with the registry.
#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ops/testing.h"

namespace axiom::testing {

struct Operand {
  std::optional<Tensor> tensor;  ///< Nothing for an omitted input.
  bool constant = false;         ///< An initialiser of the model rather than an input.
};

struct Sample {
  std::string op_type;
  std::vector<Operand> inputs;
  std::map<std::string, Attribute> attributes = {};
  int opset = 13;
  size_t outputs = 1;
  bool smooth = true;        ///< Differentiable around the sample, so that differences can be compared with gradients.
  bool lowers = true;        ///< Has a certified meaning.
  std::string refusal = {};  ///< Part of the message when shape inference must refuse the node.

  Sample with_opset(int number) && { return opset = number, std::move(*this); }
  Sample with_outputs(size_t number) && { return outputs = number, std::move(*this); }
  Sample with_smooth(bool yes) && { return smooth = yes, std::move(*this); }
  Sample with_lowers(bool yes) && { return lowers = yes, std::move(*this); }
  Sample with_refusal(std::string part) && { return refusal = std::move(part), std::move(*this); }
};

inline Operand x(Shape shape, uint32_t seed = 1, float scale = 1.0F) {
  return {random_tensor(shape, seed, scale), false};
}
inline Operand w(Shape shape, uint32_t seed = 2, float scale = 1.0F) {
  return {random_tensor(shape, seed, scale), true};
}
inline Operand values(Shape shape, const std::vector<float>& v) {
  return {Tensor::from<float>(std::move(shape), v), false};
}
inline Operand ints(const std::vector<int64_t>& v, bool constant = true) {
  return {Tensor::from<int64_t>({static_cast<int64_t>(v.size())}, v), constant};
}
inline Operand flag(bool v) { return {Tensor::from<bool>({}, {v}), true}; }
inline Operand omitted() { return {}; }
/// Entries in [0.5, 1.5]: variances, divisors.
inline Operand positive(Shape shape, uint32_t seed, bool constant = true) {
  Tensor tensor = random_tensor(shape, seed, 0.5F);
  for (float& entry : tensor.mutable_data<float>()) entry += 1.0F;
  return {tensor, constant};
}

using Ints = std::vector<int64_t>;

inline std::vector<Sample> arithmetic_samples() {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<Sample> list;
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    list.push_back(Sample{op, {x({3, 5}), positive({3, 5}, 2)}});
    list.push_back(Sample{op, {x({2, 1, 5}), positive({3, 1}, 2, false)}});
    list.push_back(Sample{op, {positive({7}, 3), positive({2, 7}, 2, false)}});
    list.push_back(Sample{op, {x({}), positive({1, 1}, 2, false)}});
    list.push_back(
        Sample{op, {values({6}, {inf, nan, -0.0F, 0.0F, -inf, 1e-42F}), values({6}, {inf, 1, 0, -0.0F, 1, 1e-42F})}}
            .with_smooth(false));
    list.push_back(
        Sample{op, {ints({1, -2, 7}, false), ints({3, 4, -1}, false)}}.with_smooth(false).with_lowers(false));
    list.push_back(Sample{op, {x({2, 3}), x({4})}}.with_refusal("shapes [2, 3] and [4] do not broadcast"));
    list.push_back(Sample{op, {x({2}), ints({1, 2})}}.with_refusal("dtype int64"));
    list.push_back(Sample{op, {x({2})}}.with_refusal("input 1 is missing"));
    list.push_back(
        Sample{op, {x({2}), x({2})}, {{"broadcast", int64_t{1}}}}.with_opset(6).with_refusal("operator set 7"));
  }
  list.push_back(
      Sample{"Div", {x({3}), {Tensor::from<float>({}, {0.0F}), true}}}.with_smooth(false).with_lowers(false));
  const auto exponent = [](float v, bool constant = true) { return Operand{Tensor::from<float>({}, {v}), constant}; };
  for (const float v : {2.0F, 3.0F, 4.0F, 0.5F, -1.0F})
    list.push_back(Sample{"Pow", {positive({2, 3}, 3, false), exponent(v)}});
  list.push_back(Sample{"Pow", {positive({3}, 3, false), exponent(1.5F)}}.with_lowers(false));
  list.push_back(Sample{"Pow", {positive({3}, 3, false), exponent(2, false)}}.with_lowers(false));
  list.push_back(Sample{"Pow", {positive({2, 3}, 3, false), w({3})}}.with_lowers(false));
  list.push_back(Sample{"Pow", {x({2, 3}), x({4})}}.with_refusal("shapes [2, 3] and [4] do not broadcast"));
  list.push_back(Sample{"PRelu", {x({2, 3, 4}, 5), w({3, 1})}});
  list.push_back(Sample{"PRelu", {x({5}), w({}, 9)}});
  list.push_back(Sample{"PRelu", {x({5}), x({5}, 6)}}.with_lowers(false));
  list.push_back(Sample{"PRelu", {x({3}), w({2, 3})}}.with_refusal("slopes of shape [2, 3]"));
  for (const char* op : {"Max", "Min"}) {
    list.push_back(Sample{op, {x({2, 3})}});
    list.push_back(Sample{op, {x({2, 3}), x({3}, 6)}});
    list.push_back(Sample{op, {w({2, 1}, 7), x({3}, 6), x({2, 3}, 8), w({1}, 9)}});
    list.push_back(Sample{op, {x({4}), {Tensor::from<float>({}, {0.0F}), true}}});
    list.push_back(Sample{op, {values({4}, {inf, nan, -0.0F, 1}), values({4}, {nan, 2, 0, -inf})}}.with_smooth(false));
    list.push_back(Sample{op, {x({2}), {Tensor::from<float>({}, {inf}), true}}}.with_smooth(false).with_lowers(false));
    list.push_back(Sample{op, {w({2}), w({2}, 3)}}.with_lowers(false));
    list.push_back(Sample{op, {x({2}), x({3})}}.with_refusal("do not broadcast"));
  }
  return list;
}

inline std::vector<Sample> reduction_samples() {
  std::vector<Sample> list;
  for (const char* op : {"ReduceSum", "ReduceMean"}) {
    const bool newer = std::string(op) == "ReduceSum";
    list.push_back(Sample{op, {x({2, 3, 4})}});
    list.push_back(Sample{op, {x({2, 3, 4})}, {{"keepdims", int64_t{0}}}});
    list.push_back(Sample{op, {x({2, 3, 4}), ints({-1})}}.with_opset(18));
    list.push_back(Sample{op, {x({2, 3, 4}), ints({0, 2})}, {{"keepdims", int64_t{0}}}}.with_opset(18));
    list.push_back(Sample{op, {x({2, 3}), ints({})}, {{"noop_with_empty_axes", int64_t{1}}}}.with_opset(18));
    list.push_back(Sample{op, {x({2, 3})}, {{"axes", Ints{1}}}}.with_opset(newer ? 11 : 13));
    list.push_back(Sample{op, {x({2, 3}), ints({2})}}.with_opset(18).with_refusal("axis 2 is outside [-2, 1]"));
    list.push_back(Sample{op, {x({2, 3}), ints({1, -1})}}.with_opset(18).with_refusal("listed twice"));
    list.push_back(Sample{op, {x({2, 3}), ints({1}, false)}}.with_opset(18).with_refusal("must be constant"));
  }
  return list;
}

inline std::vector<Sample> activation_samples() {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<Sample> list;
  for (const char* op : {"Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "Abs", "Neg", "Exp", "Reciprocal",
                         "Sqrt", "Sin", "Cos", "Clip"}) {
    const std::string name = op;
    if (name == "Sqrt" || name == "Reciprocal")
      list.push_back(Sample{op, {positive({3, 1, 5}, 4, false)}});
    else
      list.push_back(Sample{op, {x({3, 1, 5}, 4, 3.0F)}});
    list.push_back(Sample{op, {positive({}, 5, false)}});
    list.push_back(Sample{op, {x({0, 3})}});
    list.push_back(Sample{op, {values({8}, {inf, -inf, nan, 0.0F, -0.0F, 1e-42F, -3e38F, 200})}}.with_smooth(false));
    list.push_back(Sample{op, {ints({1}, false)}}.with_refusal("dtype int64"));
    list.push_back(Sample{op, {}}.with_refusal("input 0 is missing"));
  }
  list.push_back(Sample{"LeakyRelu", {x({4})}, {{"alpha", 0.25F}}});
  list.push_back(Sample{"LeakyRelu", {x({4})}, {{"alpha", 1.5F}}}.with_lowers(false));
  list.push_back(
      Sample{"LeakyRelu", {x({4})}, {{"alpha", int64_t{1}}}}.with_refusal("'alpha' is an integer, must be a float"));
  list.push_back(
      Sample{"Clip", {x({5, 3}), {Tensor::from<float>({}, {-0.25F}), true}, {Tensor::from<float>({}, {0.5F}), true}}});
  list.push_back(Sample{"Clip", {x({5}), omitted(), {Tensor::from<float>({}, {0.5F}), true}}});
  list.push_back(
      Sample{"Clip", {x({5}), {Tensor::from<float>({}, {0.5F}), false}}}.with_smooth(false).with_lowers(false));
  list.push_back(Sample{"Clip", {x({5})}, {{"min", 0.0F}, {"max", 6.0F}}}.with_opset(6));
  list.push_back(Sample{"HardSigmoid", {x({5}, 3)}, {{"alpha", 0.5F}, {"beta", 0.25F}}});
  list.push_back(Sample{"Clip", {x({5}), x({2})}}.with_refusal("must be a scalar"));
  return list;
}

inline std::vector<Sample> linear_samples() {
  std::vector<Sample> list;
  list.push_back(Sample{"MatMul", {x({3, 5}), w({5, 7})}});
  list.push_back(Sample{"MatMul", {w({3, 5}), x({5, 7})}});
  list.push_back(Sample{"MatMul", {x({5}), w({5, 7})}});
  list.push_back(Sample{"MatMul", {w({3, 5}), x({5})}});
  list.push_back(Sample{"MatMul", {x({5}), w({5})}});
  list.push_back(Sample{"MatMul", {x({2, 1, 3, 5}), w({4, 5, 2})}});
  list.push_back(Sample{"MatMul", {w({4, 3, 5}), x({2, 1, 5, 2})}});
  list.push_back(Sample{"MatMul", {x({2, 0}), w({0, 3})}});
  list.push_back(Sample{"MatMul", {x({2, 3}), x({3, 2}, 7)}});
  list.push_back(Sample{"MatMul", {x({2, 1, 3, 2}), x({4, 2, 2}, 7)}});
  list.push_back(Sample{"MatMul", {x({3}), x({3}, 7)}});
  list.push_back(
      Sample{"MatMul", {x({2, 3}), w({4, 2})}}.with_refusal("the left matrix has 3 columns, the right one 4 rows"));
  list.push_back(
      Sample{"MatMul", {x({2, 2, 3}), w({3, 3, 2})}}.with_refusal("leading axes [2] and [3] do not broadcast"));
  list.push_back(Sample{"MatMul", {x({}), w({3})}}.with_refusal("scalar"));

  list.push_back(Sample{"Gemm", {x({3, 5}), w({5, 7}), w({7}, 3)}});
  list.push_back(Sample{"Gemm", {x({1, 5}), w({7, 5})}, {{"transB", int64_t{1}}}});
  list.push_back(
      Sample{"Gemm", {x({5, 3}), w({7, 5}), w({3, 1}, 3)}, {{"transA", int64_t{1}}, {"transB", int64_t{1}}}});
  list.push_back(Sample{"Gemm", {w({3, 5}), x({5, 2}), x({3, 2}, 3)}});
  list.push_back(Sample{"Gemm", {w({5, 3}), x({5, 2}), w({}, 3)}, {{"transA", int64_t{1}}}});
  list.push_back(Sample{"Gemm", {x({2, 5}), w({5, 3}), w({3}, 3)}, {{"alpha", 0.25F}, {"beta", -0.5F}}});
  list.push_back(Sample{"Gemm", {x({2, 5}), w({5, 3}), x({1, 3}, 3)}, {{"alpha", 3.0F}, {"beta", 0.7F}}});
  list.push_back(Sample{"Gemm", {x({2, 5}), w({5, 3})}, {{"alpha", 0.1F}, {"beta", 0.0F}}});
  list.push_back(Sample{"Gemm", {x({2, 5}), w({5, 3}), w({3}, 3)}, {{"beta", 0.0F}}}.with_lowers(false));
  list.push_back(Sample{"Gemm", {x({2, 5}), x({5, 3}, 3)}}.with_lowers(false));
  list.push_back(
      Sample{"Gemm", {x({2, 5}), w({4, 3})}}.with_refusal("the left matrix has 5 columns, the right one 4 rows"));
  list.push_back(Sample{"Gemm", {x({2, 5, 1}), w({5, 3})}}.with_refusal("both must be matrices"));
  list.push_back(Sample{"Gemm", {x({2, 5}), w({5, 3}), w({4})}}.with_refusal(
      "C has shape [4], which does not broadcast to [2, 3]"));
  return list;
}

inline std::vector<Sample> convolution_samples() {
  std::vector<Sample> list;
  list.push_back(Sample{"Conv", {x({1, 2, 5, 7}), w({3, 2, 3, 3}), w({3}, 3)}, {{"pads", Ints{1, 1, 1, 1}}}});
  list.push_back(Sample{"Conv",
                        {x({2, 3, 7, 6}), w({4, 3, 3, 2})},
                        {{"strides", Ints{2, 3}}, {"dilations", Ints{2, 1}}, {"pads", Ints{1, 0, 2, 3}}}});
  list.push_back(Sample{
      "Conv", {x({1, 4, 5, 5}), w({6, 2, 2, 3}), w({6}, 3)}, {{"group", int64_t{2}}, {"kernel_shape", Ints{2, 3}}}});
  list.push_back(
      Sample{"Conv", {x({1, 3, 5, 5}), w({3, 1, 3, 3})}, {{"group", int64_t{3}}, {"auto_pad", std::string("VALID")}}});
  list.push_back(Sample{
      "Conv", {x({1, 1, 6, 5}), w({2, 1, 3, 4})}, {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}}}
                     .with_lowers(false));
  list.push_back(
      Sample{"Conv", {x({1, 1, 6, 5}), w({2, 1, 3, 4})}, {{"auto_pad", std::string("SAME_LOWER")}}}.with_lowers(false));
  list.push_back(Sample{"Conv", {x({1, 1, 2, 2}), w({1, 1, 1, 1})}, {{"pads", Ints{3, 0, 0, 3}}}});
  list.push_back(Sample{"Conv", {w({1, 1, 3, 3}), x({1, 1, 2, 2})}}.with_lowers(false));
  list.push_back(
      Sample{"Conv", {x({1, 4, 5, 5}), w({6, 3, 3, 3})}}.with_refusal("weights are for 3 channels, input has 4"));
  list.push_back(Sample{"Conv", {x({1, 3, 5}), w({6, 3, 3})}}.with_refusal("both must have rank 4"));
  list.push_back(Sample{"Conv", {x({1, 1, 2, 2}), w({1, 1, 3, 3})}}.with_refusal("does not fit into 2"));
  list.push_back(
      Sample{"Conv", {x({1, 1, 5, 5}), w({2, 1, 3, 3}), w({3})}}.with_refusal("bias has shape [3], must be [2]"));
  list.push_back(Sample{"Conv", {x({1, 1, 5, 5}), w({2, 1, 3, 3})}, {{"kernel_shape", Ints{2, 2}}}}.with_refusal(
      "the weights have [3, 3]"));
  list.push_back(
      Sample{"Conv", {x({1, 1, 5, 5}), w({2, 1, 3, 3})}, {{"strides", Ints{0, 1}}}}.with_refusal("must be at least 1"));
  list.push_back(Sample{"Conv", {x({1, 1, 5, 5}), w({2, 1, 3, 3})}, {{"pads", Ints{1, 1}}}}.with_refusal(
      "has 2 numbers, needs 4"));

  list.push_back(Sample{"ConvTranspose", {x({1, 2, 3, 4}), w({2, 3, 3, 3}), w({3}, 3)}, {{"strides", Ints{2, 2}}}});
  list.push_back(Sample{"ConvTranspose",
                        {x({2, 3, 3, 2}), w({3, 2, 4, 3})},
                        {{"strides", Ints{3, 2}},
                         {"dilations", Ints{1, 2}},
                         {"pads", Ints{1, 0, 2, 1}},
                         {"output_padding", Ints{1, 0}}}});
  list.push_back(Sample{"ConvTranspose", {x({1, 1, 2, 2}), w({1, 1, 2, 2})}, {{"strides", Ints{3, 3}}}});
  list.push_back(
      Sample{"ConvTranspose", {x({1, 4, 3, 3}), w({4, 2, 2, 2})}, {{"group", int64_t{2}}}}.with_lowers(false));
  list.push_back(Sample{"ConvTranspose", {x({1, 4, 3, 3}), w({3, 2, 2, 2})}}.with_refusal(
      "weights are for 3 channels, input has 4"));
  list.push_back(
      Sample{"ConvTranspose", {x({1, 1, 3, 3}), w({1, 1, 2, 2})}, {{"output_shape", Ints{5, 5}}}}.with_refusal(
          "output_shape"));
  list.push_back(Sample{"ConvTranspose", {x({1, 1, 1, 1}), w({1, 1, 1, 1})}, {{"pads", Ints{1, 1, 1, 1}}}}.with_refusal(
      "leaves no output"));
  return list;
}

inline std::vector<Sample> normalisation_samples() {
  std::vector<Sample> list;
  list.push_back(Sample{"BatchNormalization", {x({2, 3, 4, 5}), w({3}), w({3}, 3), w({3}, 4), positive({3}, 5)}});
  list.push_back(
      Sample{"BatchNormalization", {x({4, 3}), w({3}), w({3}, 3), w({3}, 4), positive({3}, 5)}, {{"epsilon", 0.1F}}});
  list.push_back(
      Sample{"BatchNormalization", {x({1, 2, 3}), w({2}), w({2}, 3), w({2}, 4), x({2}, 5)}, {{"epsilon", 2.0F}}}
          .with_smooth(false)
          .with_lowers(false));
  list.push_back(Sample{"BatchNormalization", {x({1, 2}), w({3}), w({3}), w({3}), w({3})}}.with_refusal(
      "scale has shape [3], must be [2]"));
  list.push_back(Sample{"BatchNormalization", {x({3}), w({3}), w({3}), w({3}), w({3})}}.with_refusal(
      "needs a batch and a channel axis"));
  list.push_back(
      Sample{"BatchNormalization", {x({1, 3}), w({3}), w({3}), w({3}), w({3})}, {{"training_mode", int64_t{1}}}}
          .with_opset(15)
          .with_refusal("training mode"));
  list.push_back(Sample{"BatchNormalization", {x({1, 3}), w({3}), w({3})}}.with_refusal("input 3 is missing"));

  list.push_back(Sample{"Softmax", {x({3, 4, 5})}, {{"axis", int64_t{1}}}});
  list.push_back(Sample{"Softmax", {x({3, 4, 5})}}.with_opset(11));
  list.push_back(Sample{"Softmax", {x({7}, 1, 80.0F)}}.with_smooth(false));
  list.push_back(Sample{"Softmax", {x({3})}, {{"axis", int64_t{1}}}}.with_refusal("axis 1 is outside [-1, 0]"));
  return list;
}

inline std::vector<Sample> pooling_samples() {
  const Attribute same = std::string("SAME_UPPER");
  std::vector<Sample> list;
  for (const char* op : {"MaxPool", "AveragePool"}) {
    const bool lowers = std::string(op) == "MaxPool";
    list.push_back(Sample{op, {x({1, 2, 5, 7})}, {{"kernel_shape", Ints{3, 2}}}}.with_lowers(lowers));
    list.push_back(Sample{
        op, {x({2, 1, 4, 4})}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}}}
                       .with_lowers(lowers));
    list.push_back(Sample{
        op,
        {x({1, 1, 5, 5})},
        {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{3, 2}}, {"pads", Ints{1, 2, 2, 1}}, {"ceil_mode", int64_t{1}}}}
                       .with_lowers(lowers));
    list.push_back(
        Sample{op, {x({1, 1, 5, 6})}, {{"kernel_shape", Ints{2, 3}}, {"auto_pad", same}}}.with_lowers(false));
    list.push_back(Sample{op, {x({1, 2, 3})}, {{"kernel_shape", Ints{2, 2}}}}.with_refusal("must have rank 4"));
    list.push_back(Sample{op, {x({1, 1, 3, 3})}}.with_refusal("'kernel_shape' has 0 numbers"));
    list.push_back(Sample{op, {x({1, 1, 3, 3})}, {{"kernel_shape", Ints{4, 4}}}}.with_refusal("does not fit into 3"));
  }
  list.push_back(Sample{"MaxPool", {x({1, 1, 6, 7})}, {{"kernel_shape", Ints{2, 3}}, {"dilations", Ints{2, 2}}}});
  list.push_back(
      Sample{"MaxPool", {x({1, 1, 3, 3})}, {{"kernel_shape", Ints{2, 2}}}}.with_outputs(2).with_refusal("indices"));
  list.push_back(Sample{
      "AveragePool",
      {x({1, 1, 5, 5})},
      {{"kernel_shape", Ints{3, 3}},
       {"pads", Ints{1, 1, 1, 1}},
       {"strides", Ints{2, 2}},
       {"count_include_pad",
        int64_t{1}}}}.with_lowers(false));
  list.push_back(Sample{"GlobalAveragePool", {x({2, 3, 5, 4})}}.with_lowers(false));
  list.push_back(Sample{"GlobalAveragePool", {x({3})}}.with_refusal("must have rank 4"));
  return list;
}

inline std::vector<Sample> order_keeping_samples() {
  std::vector<Sample> list;
  list.push_back(Sample{"Identity", {x({2, 3})}});
  list.push_back(Sample{"Identity", {ints({1, 2}, false)}}.with_smooth(false).with_lowers(false));
  list.push_back(Sample{"Identity", {}}.with_refusal("input 0 is missing"));
  list.push_back(Sample{"Dropout", {x({2, 3})}, {{"ratio", 0.5F}}}.with_opset(10));
  list.push_back(Sample{"Dropout", {x({2, 3}), {Tensor::from<float>({}, {0.5F}), true}, flag(false)}}.with_outputs(2));
  list.push_back(Sample{"Dropout", {x({2}), omitted(), flag(true)}}.with_refusal("the model is random"));
  list.push_back(Sample{"Dropout", {x({2})}}.with_opset(6).with_refusal("the model is random"));
  list.push_back(Sample{"Flatten", {x({2, 3, 4})}});
  list.push_back(Sample{"Flatten", {x({2, 3, 4})}, {{"axis", int64_t{0}}}});
  list.push_back(Sample{"Flatten", {x({2, 3, 4})}, {{"axis", int64_t{-1}}}});
  list.push_back(Sample{"Flatten", {x({})}, {{"axis", int64_t{0}}}});
  list.push_back(Sample{"Flatten", {x({2, 3})}, {{"axis", int64_t{3}}}}.with_refusal("axis 3 is outside [-2, 2]"));
  list.push_back(Sample{"Reshape", {x({2, 3, 4}), ints({4, -1})}});
  list.push_back(Sample{"Reshape", {x({2, 3, 4}), ints({0, 0, 2, 2})}});
  list.push_back(Sample{"Reshape", {x({2, 0}), ints({0, 3})}, {{"allowzero", int64_t{1}}}}.with_opset(14));
  list.push_back(Sample{"Reshape", {x({6})}, {{"shape", Ints{3, 2}}}}.with_opset(1));
  list.push_back(Sample{"Reshape", {x({1}), ints({})}});
  list.push_back(Sample{"Reshape", {x({2, 3}), ints({4, 2})}}.with_refusal(
      "input has shape [2, 3] (6 entries), which does not fit [4, 2]"));
  list.push_back(Sample{"Reshape", {x({2, 3}), ints({-1, -1})}}.with_refusal("more than one -1"));
  list.push_back(Sample{"Reshape", {x({2, 3}), ints({4, -1})}}.with_refusal("6 entries cannot be split"));
  list.push_back(Sample{"Reshape", {x({2, 3}), ints({6}, false)}}.with_refusal("must be constant"));
  list.push_back(Sample{"Reshape", {x({2, 3}), ints({2, 3, 0})}}.with_refusal("the input has rank 2"));
  list.push_back(Sample{"Squeeze", {x({1, 3, 1, 2})}});
  list.push_back(Sample{"Squeeze", {x({1, 3, 1, 2}), ints({-2})}});
  list.push_back(Sample{"Squeeze", {x({1, 3, 1})}, {{"axes", Ints{0, 2}}}}.with_opset(11));
  list.push_back(Sample{"Squeeze", {x({1, 3}), ints({1})}}.with_refusal("has extent 3, only 1 can be removed"));
  list.push_back(Sample{"Unsqueeze", {x({3, 2}), ints({0, -1})}});
  list.push_back(Sample{"Unsqueeze", {x({3, 2})}, {{"axes", Ints{1}}}}.with_opset(11));
  list.push_back(Sample{"Unsqueeze", {x({3, 2}), ints({1, 1})}}.with_refusal("listed twice"));
  list.push_back(Sample{"Unsqueeze", {x({3, 2})}}.with_refusal("the axes are missing"));
  return list;
}

inline std::vector<Sample> reordering_samples() {
  const Attribute asymmetric = std::string("asymmetric"), floor = std::string("floor");
  const Operand scales{Tensor::from<float>({4}, {1, 1, 2, 3}), true};
  std::vector<Sample> list;
  list.push_back(Sample{"Transpose", {x({2, 3, 5})}});
  list.push_back(Sample{"Transpose", {x({2, 3, 5, 1})}, {{"perm", Ints{2, 0, 3, 1}}}});
  list.push_back(
      Sample{"Transpose", {x({2, 3})}, {{"perm", Ints{0, 0}}}}.with_refusal("not a permutation of the 2 axes"));
  list.push_back(Sample{"Concat", {x({2, 1, 3}), w({2, 4, 3}), x({2, 2, 3}, 5)}, {{"axis", int64_t{1}}}});
  list.push_back(Sample{"Concat", {x({3}), x({2}, 6)}, {{"axis", int64_t{-1}}}});
  list.push_back(
      Sample{"Concat", {x({2, 3}), x({3, 3})}, {{"axis", int64_t{1}}}}.with_refusal("must agree outside axis 1"));
  list.push_back(Sample{"Concat", {x({2})}}.with_refusal("'axis' is missing"));
  list.push_back(Sample{"Upsample", {x({1, 2, 3, 2}), scales}}.with_opset(9));
  list.push_back(Sample{
      "Upsample", {x({1, 2, 3, 2})}, {{"scales", std::vector<float>{1, 1, 2, 2}}, {"mode", std::string("nearest")}}}
                     .with_opset(7));
  list.push_back(
      Sample{"Upsample", {x({1, 1, 2, 2}), scales}, {{"mode", std::string("linear")}}}.with_opset(9).with_refusal(
          "mode 'linear'"));
  list.push_back(Sample{"Resize",
                        {x({1, 2, 3, 2}), omitted(), scales},
                        {{"coordinate_transformation_mode", asymmetric}, {"nearest_mode", floor}}});
  list.push_back(Sample{"Resize", {x({1, 1, 2, 2}), omitted(), scales}}.with_refusal(
      "coordinate_transformation_mode 'half_pixel'"));
  list.push_back(Sample{"Resize",
                        {x({1, 1, 2, 2}), omitted(), {Tensor::from<float>({4}, {1, 1, 0.5F, 1}), true}},
                        {{"coordinate_transformation_mode", asymmetric}, {"nearest_mode", floor}}}
                     .with_refusal("scale 0.5"));
  list.push_back(
      Sample{"Gather", {x({4, 3, 2}), {Tensor::from<int64_t>({2, 2}, {2, 0, -1, 2}), true}}, {{"axis", int64_t{1}}}}
          .with_lowers(false));
  list.push_back(Sample{"Gather", {x({4}), {Tensor::from<int64_t>({}, {3}), true}}}.with_lowers(false));
  list.push_back(Sample{"Gather", {x({4}), x({1})}}.with_refusal("the indices have dtype float32"));
  list.push_back(
      Sample{"Slice", {x({5, 4}), ints({1, -1}), ints({4, -10}), ints({0, 1}), ints({2, -1})}}.with_lowers(false));
  list.push_back(Sample{"Slice", {x({5, 4})}, {{"starts", Ints{1}}, {"ends", Ints{INT64_MAX}}, {"axes", Ints{-1}}}}
                     .with_opset(9)
                     .with_lowers(false));
  list.push_back(Sample{"Slice", {x({5}), ints({3}), ints({1})}}.with_lowers(false));
  list.push_back(
      Sample{"Slice", {x({5}), ints({0}), ints({4}), ints({0}), ints({0})}}.with_refusal("a step must not be 0"));
  return list;
}

inline std::vector<Sample> constant_samples() {
  std::vector<Sample> list;
  list.push_back(Sample{"Constant", {}, {{"value", Tensor::from<float>({2}, {1.5F, -2})}}}.with_smooth(false));
  list.push_back(Sample{"Constant", {}, {{"value_ints", Ints{1, 2}}}}.with_smooth(false).with_lowers(false));
  list.push_back(Sample{"Constant", {}, {{"value_float", 3.0F}}}.with_smooth(false).with_lowers(false));
  list.push_back(Sample{"Constant", {}}.with_refusal("has 0 values"));
  list.push_back(Sample{"Cast", {x({3})}, {{"to", int64_t{1}}}});
  list.push_back(Sample{"Cast", {ints({3, -70000})}, {{"to", int64_t{1}}}}.with_smooth(false));
  list.push_back(Sample{"Cast", {ints({(1 << 24) + 1})}, {{"to", int64_t{1}}}}.with_smooth(false).with_lowers(false));
  list.push_back(Sample{
      "Cast", {values({5}, {1.7F, -2.5F, 3e9F, std::numeric_limits<float>::quiet_NaN(), -0.0F})}, {{"to", int64_t{7}}}}
                     .with_smooth(false)
                     .with_lowers(false));
  list.push_back(Sample{"Cast", {x({3})}, {{"to", int64_t{16}}}}.with_refusal("'to' is 16"));
  list.push_back(Sample{"Shape", {x({2, 3, 5})}}.with_smooth(false).with_lowers(false));
  list.push_back(Sample{"Shape", {x({2, 3, 5})}, {{"start", int64_t{-2}}, {"end", int64_t{9}}}}
                     .with_opset(15)
                     .with_smooth(false)
                     .with_lowers(false));
  list.push_back(Sample{"Shape", {}}.with_refusal("input 0 is missing"));
  return list;
}

inline std::vector<Sample> all_samples() {
  std::vector<Sample> all;
  for (auto family :
       {arithmetic_samples, reduction_samples, activation_samples, linear_samples, convolution_samples,
        normalisation_samples, pooling_samples, order_keeping_samples, reordering_samples, constant_samples})
    for (Sample& sample : family()) all.push_back(std::move(sample));
  return all;
}

/// The sample as a graph of one node, not yet inferred; every output is a graph output. With `wide`, float32 becomes
/// float64, for comparisons that float32 is too coarse for.
inline Graph graph_of(const Sample& sample, bool wide = false) {
  GraphBuilder builder(sample.opset);
  std::vector<ValueId> inputs;
  for (const Operand& operand : sample.inputs) {
    if (!operand.tensor) {
      inputs.push_back(kNoValue);
      continue;
    }
    const Tensor tensor = wide ? widened(*operand.tensor) : *operand.tensor;
    inputs.push_back(operand.constant ? builder.constant(tensor) : builder.input(tensor.shape(), tensor.dtype()));
  }
  builder.node(sample.op_type, inputs, sample.attributes, sample.outputs);
  for (const ValueId out : builder.graph().nodes[0].outputs) builder.output(out);
  return builder.graph();
}

/// The tensors of the inputs of graph_of.
inline std::vector<Tensor> inputs_of(const Sample& sample, bool wide = false) {
  std::vector<Tensor> tensors;
  for (const Operand& operand : sample.inputs)
    if (operand.tensor && !operand.constant) tensors.push_back(wide ? widened(*operand.tensor) : *operand.tensor);
  return tensors;
}

inline std::string describe(const Sample& sample) {
  std::string text = sample.op_type + " opset " + std::to_string(sample.opset) + " (";
  for (const Operand& operand : sample.inputs)
    text += operand.tensor ? to_string(operand.tensor->shape()) + (operand.constant ? "const " : " ") : "- ";
  return text + ")";
}

}  // namespace axiom::testing
