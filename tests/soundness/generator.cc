// Families of random networks and questions.
#include "generator.h"

#include <algorithm>

namespace axiom::soundness {
namespace {

// Adds layers to a network; every function returns the value it made.
struct Builder {
  Network& net;
  Draw draw;
  Weights kind;

  int64_t width(int value) { return net.shape(value)[1]; }

  // A fully connected layer of a [1, n] value, written in one of the ways ONNX offers.
  int dense(int x, int64_t outputs) {
    const int64_t inputs = width(x);
    const int style = draw.integer(0, 5);
    const int bias = net.constant({outputs}, draw.weights(outputs, kind));
    if (style == 0) {
      const int w = net.constant({inputs, outputs}, draw.weights(inputs * outputs, kind));
      return net.node("Add", {net.node("MatMul", {x, w}), bias});
    }
    if (style == 1) {
      const int w = net.constant({inputs, outputs}, draw.weights(inputs * outputs, kind));
      return net.node("Sub", {bias, net.node("MatMul", {x, w})});
    }
    const int w = net.constant({outputs, inputs}, draw.weights(inputs * outputs, kind));
    Settings settings{{"transB", int64_t{1}}};
    if (style == 2) {
      const float scales[] = {0.5f, 2.0f, 0.75f, -1.5f, 3.0f};
      settings["alpha"] = scales[draw.integer(0, 4)];
      settings["beta"] = scales[draw.integer(0, 4)];
    }
    if (style == 3) return net.node("Gemm", {x, w}, settings);
    return net.node("Gemm", {x, w, bias}, settings);
  }

  int hinge(int x) {
    if (draw.chance(0.7)) return net.node("Relu", {x});
    const float slopes[] = {0.01f, 0.5f, 0.1f, 0.0f, 1.0f};
    return net.node("LeakyRelu", {x}, {{"alpha", slopes[draw.integer(0, 4)]}});
  }

  // BatchNormalization whose deviation is rational.
  int normalization(int x) {
    const int64_t n = width(x);
    const int scale = net.constant({n}, draw.weights(n, kind)), shift = net.constant({n}, draw.weights(n, kind));
    const int mean = net.constant({n}, draw.weights(n, kind));
    std::vector<float> variances;
    for (int64_t i = 0; i < n; ++i)
      variances.push_back(std::ldexp(static_cast<float>(std::pow(draw.integer(1, 5), 2)), 2 * draw.integer(-2, 1)));
    const int variance = net.constant({n}, variances);
    return net.node("BatchNormalization", {x, scale, shift, mean, variance}, {{"epsilon", 0.0f}});
  }

  // Of a [1, n] value: all of it or, when n is even, the rows or columns of a matrix.
  int softmax(int x) {
    const int64_t n = width(x);
    if (n % 2 != 0 || draw.chance(0.5)) return net.node("Softmax", {x});
    const int64_t axis = draw.integer(1, 2) - (draw.chance(0.5) ? 3 : 0);
    return net.node("Flatten", {net.node("Softmax", {net.reshape(x, {1, 2, n / 2})}, {{"axis", axis}})});
  }

  // Of a [1, n] value: a smooth function on a part of its domain, a product, a quotient, or a piece of lines.
  int function(int x) {
    const int64_t n = width(x);
    const int same = net.constant({n}, draw.weights(n, kind));
    const auto positive = [&](int of) {  // In [1/2, 3/2].
      return net.node("Add", {net.node("Sigmoid", {of}), net.constant({1}, {0.5f})});
    };
    switch (draw.integer(0, 13)) {
      case 0:
        return net.node("Exp", {net.node("Tanh", {x})});
      case 1:
        return net.node("Reciprocal", {positive(x)});
      case 2:
        return net.node("Sqrt", {positive(x)});
      case 3:
        return net.node("Sin", {x});
      case 4:
        return net.node("Cos", {x});
      case 5:
        return net.node("Mul", {x, draw.chance(0.3) ? x : dense(x, n)});
      case 6:
        return net.node("Mul", {same, x});
      case 7:
        return net.node("Div", {x, positive(dense(x, n))});
      case 8:
        return net.node(draw.chance(0.5) ? "Max" : "Min", {x, same, dense(x, n)});
      case 9:
        return net.node("Abs", {x});
      case 10:
        return net.node("PRelu", {x, same});
      case 11: {  // A mixture: shares of the entries times the entries.
        const int shares = net.node("Softmax", {x});
        return draw.chance(0.5)
                   ? net.node("Mul", {shares, draw.chance(0.5) ? x : dense(x, n)})
                   : net.node("Flatten", {net.node("MatMul", {shares, net.reshape(dense(x, 2 * n), {n, 2})})});
      }
      default: {
        const int left = net.reshape(x, {n, 1});
        return net.node("Flatten", {net.reshape(net.node("MatMul", {left, dense(x, 2)}), {1, 2 * n})});
      }
    }
  }

  int rational_normalization_or(int x) { return draw.chance(0.2) ? normalization(x) : x; }

  // x + f(x), with f dense or two layers.
  int residual(int x) {
    int y = hinge(dense(x, draw.integer(1, 2)));
    y = dense(y, width(x));
    return net.node(draw.chance(0.8) ? "Add" : "Sub", {draw.chance(0.5) ? x : y, draw.chance(0.5) ? y : x});
  }

  int move(int x) {
    switch (draw.integer(0, 6)) {
      case 0:
        return net.node("Identity", {x});
      case 1:
        return net.node("Dropout", {x});
      case 2:
        return net.node("Flatten", {net.reshape(x, {1, 1, width(x)})}, {{"axis", int64_t{1}}});
      case 3:
        return net.node("Transpose", {net.node("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0}}})},
                        {{"perm", std::vector<int64_t>{1, 0}}});
      case 4:
        return net.node("Concat", {x, net.constant({1, 1}, draw.weights(1, kind))}, {{"axis", int64_t{1}}});
      default:
        return x;
    }
  }
};

void tiny_perceptron(Builder& b, int x) {
  const int layers = b.draw.integer(1, 3);
  for (int i = 0; i < layers; ++i)
    x = b.move(b.hinge(b.rational_normalization_or(b.dense(x, b.draw.integer(1, layers == 1 ? 6 : 3)))));
  b.net.outputs = {b.dense(x, b.draw.integer(1, 3))};
}

void tiny_residual(Builder& b, int x) {
  x = b.dense(x, b.draw.integer(1, 3));
  if (b.draw.chance(0.5)) x = b.hinge(x);
  x = b.residual(x);
  if (b.draw.chance(0.5)) x = b.residual(b.hinge(x));
  b.net.outputs = {b.dense(x, b.draw.integer(1, 2))};
}

void tiny_convolution(Builder& b, int x) {
  const int64_t n = b.width(x), channels = b.draw.integer(1, 2);
  const int image = b.net.reshape(x, {1, 1, 1, n});
  const int w = b.net.constant({channels, 1, 1, 2}, b.draw.weights(channels * 2, b.kind));
  const int bias = b.net.constant({channels}, b.draw.weights(channels, b.kind));
  std::vector<int> operands{image, w};
  if (b.draw.chance(0.7)) operands.push_back(bias);
  int y = b.net.node("Conv", operands, {{"pads", std::vector<int64_t>{0, 0, 0, 1}}});
  if (b.draw.chance(0.3)) y = b.normalization(y);
  if (b.draw.chance(0.6)) y = b.hinge(y);
  const int64_t pad = n == 1 ? 1 : b.draw.integer(0, 1);
  if (b.draw.chance(0.7))
    y = b.net.node("MaxPool", {y},
                   {{"kernel_shape", std::vector<int64_t>{1, 2}}, {"pads", std::vector<int64_t>{0, pad, 0, 0}}});
  b.net.outputs = {b.dense(b.net.node("Flatten", {y}), b.draw.integer(1, 2))};
}

// Two outputs and, if the inputs suffice, two inputs.
void tiny_branches(Builder& b, int x) {
  const int left = b.hinge(b.dense(x, 2)), right = b.dense(x, 2);
  const int joined = b.net.node("Concat", {left, b.hinge(right)}, {{"axis", int64_t{1}}});
  const int y = b.dense(joined, 1);
  b.net.outputs = {y, b.net.node("Sub", {b.dense(left, 2), right})};
}

int make_inputs(Network& net, int count, Draw& draw) {
  if (count < 2 || draw.chance(0.7)) return net.input({1, count});
  const int first = net.input({1, 1}), rest = net.input({1, count - 1});
  return net.node("Concat", {first, rest}, {{"axis", int64_t{1}}});
}

Weights any_kind(Draw& draw) {
  const int pick = draw.integer(0, 9);
  return pick < 4 ? Weights::kCoarse : pick < 9 ? Weights::kFloats : Weights::kScattered;
}

// The form of one random inequality over the outputs, without its bound.
Inequality random_sum(int inputs, int outputs, bool with_inputs, Draw& draw) {
  Inequality sum;
  const auto coefficient = [&] {
    switch (draw.integer(0, 3)) {
      case 0:
        return std::string(draw.chance(0.5) ? "1.0" : "-1.0");
      case 1:
        return short_decimal(draw.uniform(-2, 2), 3);
      default:
        return decimal_of(draw.uniform(-2, 2));
    }
  };
  const int first = draw.integer(0, outputs - 1);
  sum.terms.push_back({true, first, coefficient()});
  if (outputs > 1 && draw.chance(0.5)) sum.terms.push_back({true, (first + 1) % outputs, coefficient()});
  if (with_inputs) sum.terms.push_back({false, draw.integer(0, inputs - 1), coefficient()});
  return sum;
}

double value_at(const Meaning& meaning, const Inequality& sum, const std::vector<double>& x) {
  std::vector<long double> wide(x.begin(), x.end());
  const std::vector<long double> y = outputs_of(meaning, evaluate_widely(meaning, wide));
  long double total = 0;
  for (const Inequality::Term& term : sum.terms) {
    const auto index = static_cast<size_t>(term.index);
    total += term.exact().get_d() * (term.output ? y[index] : wide[index]);
  }
  return static_cast<double>(total);
}

}  // namespace

float Draw::weight(Weights kind) {
  switch (kind) {
    case Weights::kCoarse:
      return static_cast<float>(integer(-8, 8)) / 4;
    case Weights::kFloats:
      return static_cast<float>(uniform(-1.5, 1.5));
    case Weights::kScattered:
      return std::ldexp(static_cast<float>(uniform(-1, 1)), integer(-20, 20));
  }
  return 0;
}

std::vector<float> Draw::weights(int64_t count, Weights kind) {
  std::vector<float> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(weight(kind));
  return out;
}

Network tiny_network(Random& random) {
  Network net;
  Draw draw{random};
  Builder builder{net, draw, any_kind(draw)};
  const int inputs = draw.integer(1, 3);
  const int x = make_inputs(net, inputs, draw);
  switch (draw.integer(0, 6)) {
    case 0:
    case 1:
    case 2:
      tiny_perceptron(builder, x);
      break;
    case 3:
      tiny_residual(builder, x);
      break;
    case 4:
      tiny_branches(builder, x);
      break;
    default:
      tiny_convolution(builder, x);
      break;
  }
  return net;
}

Network varied_network(Random& random) {
  Network net;
  Draw draw{random};
  Builder b{net, draw, any_kind(draw)};
  const int64_t inputs = draw.integer(2, 20);
  int x = make_inputs(net, static_cast<int>(inputs), draw);
  if (draw.chance(0.4)) {
    const int64_t channels = draw.integer(1, 3);
    const int w = net.constant({channels, 1, 2, 2}, draw.weights(channels * 4, b.kind));
    int y = net.node(
        "Conv",
        {net.reshape(b.dense(x, 12), {1, 1, 3, 4}), w, net.constant({channels}, draw.weights(channels, b.kind))},
        {{"strides", std::vector<int64_t>{1, draw.integer(1, 2)}}, {"pads", std::vector<int64_t>{1, 0, 0, 1}}});
    if (draw.chance(0.4)) y = b.normalization(y);
    y = b.hinge(y);
    if (draw.chance(0.5))
      y = net.node("MaxPool", {y},
                   {{"kernel_shape", std::vector<int64_t>{2, 2}},
                    {"strides", std::vector<int64_t>{1, 2}},
                    {"pads", std::vector<int64_t>{0, 1, 1, 0}}});
    if (draw.chance(0.3)) {
      const int64_t from = net.shape(y)[1];
      y = net.node("ConvTranspose", {y, net.constant({from, 2, 2, 2}, draw.weights(from * 8, b.kind))},
                   {{"strides", std::vector<int64_t>{2, 1}}});
    }
    x = net.node("Flatten", {y});
  }
  const int layers = draw.integer(1, 3);
  for (int i = 0; i < layers; ++i) {
    x = b.dense(x, draw.integer(2, 10));
    const int kind = draw.integer(0, 9);
    if (kind >= 7)
      x = b.function(x);
    else if (kind == 0)
      x = net.node("Sigmoid", {x});
    else if (kind == 1)
      x = net.node("Tanh", {x});
    else if (kind == 2)
      x = b.residual(x);
    else if (kind == 3)
      x = b.softmax(x);
    else
      x = b.hinge(b.rational_normalization_or(x));
    x = b.move(x);
  }
  x = b.dense(x, draw.integer(1, 4));
  net.outputs = {draw.chance(0.1) ? b.softmax(x) : x};
  return net;
}

std::vector<Side> random_box(int inputs, Random& random) {
  Draw draw{random};
  std::vector<Side> box;
  const double radius = std::pow(10.0, draw.uniform(-4, 0.5));
  for (int j = 0; j < inputs; ++j) {
    const double centre = draw.uniform(-1, 1);
    switch (draw.integer(0, 5)) {
      case 0: {
        const std::string point = short_decimal(centre, draw.integer(1, 12));
        box.push_back({point, point});
        break;
      }
      case 1:
        box.push_back({short_decimal(centre - radius, 9), short_decimal(centre + radius, 9)});
        break;
      case 2:
        box.push_back({decimal_of(centre - radius), decimal_of(centre + radius)});
        break;
      default: {
        const float lo = static_cast<float>(centre - radius), hi = static_cast<float>(centre + radius);
        box.push_back({decimal_of(lo), decimal_of(hi)});
      }
    }
  }
  return box;
}

Question near_question(const Meaning& meaning, Random& random) {
  Draw draw{random};
  Question question{meaning.input_count, static_cast<int>(meaning.outputs.size()), {}};
  UnsafeCase unsafe{random_box(meaning.input_count, random), {}};
  Inequality sum = random_sum(meaning.input_count, question.outputs, draw.chance(0.2), draw);
  const std::optional<Rational> least = exact_minimum(meaning, exact_box(unsafe.box), sum, 3000);
  const double base = least ? least->get_d() : 0;
  const double size = std::max(std::fabs(base), 1e-3);
  const double margins[] = {0, 1e-15, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1};
  const double margin = margins[draw.integer(0, 12)] * size;
  sum.bound = decimal_of(draw.chance(0.5) ? base - margin : base + margin);
  unsafe.inequalities = {sum};
  question.cases = {unsafe};
  return question;
}

Question mixed_question(const Meaning& meaning, Random& random) {
  Draw draw{random};
  Question question{meaning.input_count, static_cast<int>(meaning.outputs.size()), {}};
  const std::vector<Side> shared = random_box(meaning.input_count, random);
  const int cases = draw.integer(1, 3);
  for (int c = 0; c < cases; ++c) {
    UnsafeCase unsafe{draw.chance(0.7) ? shared : random_box(meaning.input_count, random), {}};
    const int count = draw.integer(1, 3);
    for (int i = 0; i < count; ++i) {
      Inequality sum = random_sum(meaning.input_count, question.outputs, draw.chance(0.3), draw);
      double least = INFINITY, greatest = -INFINITY;
      for (int s = 0; s < 20; ++s) {
        const double value = value_at(meaning, sum, random_point(exact_box(unsafe.box), random));
        least = std::min(least, value);
        greatest = std::max(greatest, value);
      }
      const double spread = greatest - least + 1e-3 * std::fabs(least);
      sum.bound = decimal_of(least + spread * draw.uniform(-0.5, 0.5));
      unsafe.inequalities.push_back(sum);
    }
    question.cases.push_back(unsafe);
  }
  return question;
}

std::vector<double> random_point(const ExactBox& box, Random& random) {
  Draw draw{random};
  std::vector<double> point;
  const bool corner = draw.chance(0.3);
  for (size_t j = 0; j < box.lower.size(); ++j) {
    const double lo = box.lower[j].get_d(), hi = box.upper[j].get_d();
    const double share = corner ? draw.integer(0, 1) : draw.uniform(0, 1);
    point.push_back(std::min(std::max(lo + share * (hi - lo), lo), hi));
  }
  return point;
}

}  // namespace axiom::soundness
