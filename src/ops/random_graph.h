// Random networks over all operators with certified meaning, for tests.
#pragma once

#include <random>
#include <vector>

#include "ops/testing.h"

namespace axiom::testing {

/// Grows one network: convolutional layers on an image, then dense ones, with residual sums and data movement between.
class RandomNetwork {
 public:
  explicit RandomNetwork(uint32_t seed) : random_(seed), seed_(seed * 1000 + 1) {}

  Graph make() {
    shape_ = {1 + pick(2), 1 + pick(3), 3 + pick(4), 3 + pick(4)};
    value_ = b_.input(shape_);
    for (int64_t i = 2 + pick(5); i > 0; --i) grow_image();
    flatten();
    for (int64_t i = 1 + pick(5); i > 0; --i) grow_vector();
    b_.output(value_);
    return b_.finish();
  }

 private:
  int64_t pick(int64_t count) { return static_cast<int64_t>(random_() % static_cast<uint32_t>(count)); }
  ValueId weights(const Shape& shape, float scale = 0.7F) { return b_.constant(random_tensor(shape, seed_++, scale)); }
  ValueId positive(int64_t count) {
    Tensor tensor = random_tensor({count}, seed_++, 0.9F);
    for (float& v : tensor.mutable_data<float>()) v += 1;
    return b_.constant(tensor);
  }
  void become(ValueId value, Shape shape) {
    value_ = value;
    shape_ = std::move(shape);
  }

  void activate() {
    switch (pick(5)) {
      case 0:
        value_ = b_.node("LeakyRelu", {value_}, {{"alpha", 0.125F}});
        break;
      case 1:
        value_ = b_.node("Sigmoid", {value_});
        break;
      case 2:
        value_ = b_.node("Tanh", {value_});
        break;
      default:
        value_ = b_.node("Relu", {value_});
    }
  }

  void convolve() {
    const int64_t channels = 1 + pick(3), kernel = 1 + pick(3), stride = 1 + pick(2), pad = pick(2);
    if (shape_[2] + 2 * pad < kernel || shape_[3] + 2 * pad < kernel) return;
    std::vector<ValueId> inputs{value_, weights({channels, shape_[1], kernel, kernel})};
    if (pick(2) == 0) inputs.push_back(weights({channels}));
    become(b_.node(
               "Conv", inputs,
               {{"strides", std::vector<int64_t>{stride, stride}}, {"pads", std::vector<int64_t>{pad, pad, pad, pad}}}),
           {shape_[0], channels, (shape_[2] + 2 * pad - kernel) / stride + 1,
            (shape_[3] + 2 * pad - kernel) / stride + 1});
  }

  void convolve_transposed() {
    if (shape_[2] > 6) return;
    const int64_t channels = 1 + pick(2);
    become(b_.node("ConvTranspose", {value_, weights({shape_[1], channels, 2, 3}), weights({channels})},
                   {{"strides", std::vector<int64_t>{2, 1}}, {"pads", std::vector<int64_t>{0, 1, 0, 1}}}),
           {shape_[0], channels, 2 * shape_[2], shape_[3]});
  }

  // x + f(x), both ways round, where f keeps the shape.
  void add_residual() {
    const ValueId skip = value_;
    const int64_t channels = shape_[1];
    ValueId branch = b_.node("Conv", {value_, weights({channels, channels, 3, 3}), weights({channels})},
                             {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
    if (pick(2) == 0) branch = b_.node("Relu", {branch});
    value_ = pick(2) == 0 ? b_.node("Add", {skip, branch}) : b_.node("Sub", {branch, skip});
  }

  void grow_image() {
    const int64_t c = shape_[1];
    switch (pick(8)) {
      case 0:
      case 1:
        convolve();
        break;
      case 2:
        convolve_transposed();
        break;
      case 3:
        add_residual();
        break;
      case 4:
        value_ = b_.node("BatchNormalization", {value_, weights({c}), weights({c}), weights({c}), positive(c)});
        break;
      case 5:
        if (shape_[2] < 2 || shape_[3] < 2) break;
        become(b_.node("MaxPool", {value_},
                       {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 1}}}),
               {shape_[0], c, (shape_[2] - 2) / 2 + 1, shape_[3] - 1});
        break;
      case 6:
        become(b_.node("Transpose", {value_}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}}),
               {shape_[0], c, shape_[3], shape_[2]});
        break;
      default:
        value_ = b_.node("Add", {value_, weights({c, 1, 1})});
    }
    activate();
  }

  void flatten() {
    const int64_t size = shape_[1] * shape_[2] * shape_[3];
    if (pick(2) == 0)
      become(b_.node("Flatten", {value_}), {shape_[0], size});
    else
      become(b_.node("Reshape", {value_, b_.integers({0, -1})}), {shape_[0], size});
  }

  void grow_vector() {
    const int64_t width = 1 + pick(6);
    const Shape next{shape_[0], width};
    switch (pick(4)) {
      case 0:
        become(b_.node("Gemm", {value_, weights({width, shape_[1]}), weights({width})}, {{"transB", int64_t{1}}}),
               next);
        break;
      case 1:
        become(
            b_.node("Gemm", {value_, weights({shape_[1], width}), weights({width})}, {{"alpha", 0.3F}, {"beta", 1.5F}}),
            next);
        break;
      case 2:
        become(b_.node("Concat", {value_, weights({shape_[0], 2})}, {{"axis", int64_t{1}}}),
               {shape_[0], shape_[1] + 2});
        break;
      default:
        become(b_.node("Sub", {weights({width}), b_.node("MatMul", {value_, weights({shape_[1], width})})}), next);
    }
    if (pick(3) > 0) activate();
  }

  std::mt19937 random_;
  uint32_t seed_;
  GraphBuilder b_;
  ValueId value_ = kNoValue;
  Shape shape_;
};

}  // namespace axiom::testing
