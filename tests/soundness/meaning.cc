// From nodes to scalars, and their exact and wide evaluation.
#include "meaning.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace axiom::soundness {
namespace {

using Ints = std::vector<int64_t>;

// A tensor under construction: scalars, or the sums of a node that an Add or Sub will take over.
struct Entries {
  std::vector<int> scalars;
  std::vector<Scalar> pending;
};

class Compiler {
 public:
  explicit Compiler(const Network& network) : net_(network), entries_(network.values.size()) {}

  Meaning run() {
    open_operator();
    for (const int value : net_.inputs) {
      for (int64_t i = 0; i < entries_of(net_.shape(value)); ++i) at(value).scalars.push_back(append({}));
    }
    out_.input_count = static_cast<int>(out_.scalars.size());
    for (const NetworkNode& node : net_.nodes) compile(node);
    for (const int value : net_.outputs) {
      const std::vector<int>& y = scalars(value);
      out_.outputs.insert(out_.outputs.end(), y.begin(), y.end());
    }
    return std::move(out_);
  }

 private:
  Entries& at(int value) { return entries_[static_cast<size_t>(value)]; }
  const std::optional<std::vector<float>>& constant(int value) const {
    return net_.values[static_cast<size_t>(value)].constant;
  }

  int append(Scalar scalar) {
    out_.scalars.push_back(std::move(scalar));
    return static_cast<int>(out_.scalars.size()) - 1;
  }

  // What is appended from here on belongs to a new core operator.
  void open_operator() { out_.operators.push_back(static_cast<int>(out_.scalars.size())); }

  // The scalars of a tensor; a constant gets scalars of its own at every use.
  std::vector<int> scalars(int value) {
    if (!constant(value)) return at(value).scalars;
    open_operator();
    std::vector<int> made;
    for (const float v : *constant(value)) made.push_back(append({.kind = ScalarKind::kConstant, .value = v}));
    return made;
  }

  int uses(int value) const {
    int count = 0;
    for (const NetworkNode& node : net_.nodes)
      count += static_cast<int>(std::count(node.inputs.begin(), node.inputs.end(), value));
    return count;
  }

  // Whether the sums of a node wait for the Add or Sub that alone uses them.
  bool waits(int value) const {
    if (uses(value) != 1 || std::count(net_.outputs.begin(), net_.outputs.end(), value)) return false;
    return std::any_of(net_.nodes.begin(), net_.nodes.end(), [&](const NetworkNode& node) {
      return (node.type == "Add" || node.type == "Sub") && std::count(node.inputs.begin(), node.inputs.end(), value);
    });
  }

  void finish_sums(const NetworkNode& node, std::vector<Scalar> sums) {
    const bool scaled = !sums.empty() && (sums[0].alpha != 1 || sums[0].beta != 1);
    if (!scaled && waits(node.output)) {
      at(node.output).pending = std::move(sums);
      return;
    }
    open_operator();
    for (Scalar& sum : sums) at(node.output).scalars.push_back(append(std::move(sum)));
  }

  // What an Add or Sub takes from one entry of an operand.
  Scalar summand(int value, int64_t entry, bool negated) {
    const auto i = static_cast<size_t>(entry);
    Scalar sum{.kind = ScalarKind::kSum};
    if (constant(value))
      sum.constants.push_back((*constant(value))[i]);
    else if (!at(value).pending.empty())
      sum = at(value).pending[i];
    else
      sum.leaves.push_back({at(value).scalars[i], 1, false});
    if (!negated) return sum;
    for (Leaf& leaf : sum.leaves) leaf.weight = -leaf.weight;
    for (float& c : sum.constants) c = -c;
    return sum;
  }

  void compile_addition(const NetworkNode& node) {
    const Extents& shape = net_.shape(node.output);
    std::vector<Scalar> sums(static_cast<size_t>(entries_of(shape)), Scalar{.kind = ScalarKind::kSum});
    for (size_t side = 0; side < 2; ++side) {
      const int value = node.inputs[side];
      const std::vector<int64_t> from = broadcast_entries(net_.shape(value), shape);
      for (size_t i = 0; i < sums.size(); ++i) {
        const Scalar part = summand(value, from[i], side == 1 && node.type == "Sub");
        sums[i].leaves.insert(sums[i].leaves.end(), part.leaves.begin(), part.leaves.end());
        sums[i].constants.insert(sums[i].constants.end(), part.constants.begin(), part.constants.end());
      }
    }
    finish_sums(node, std::move(sums));
  }

  static void add_product(Scalar& sum, int source, float weight) {
    if (weight != 0) sum.leaves.push_back({source, weight, true});
  }

  // Gemm and MatMul of matrices; one factor is constant.
  void compile_product(const NetworkNode& node) {
    const bool transposed_a = setting<int64_t>(node, "transA", 0) != 0,
               transposed_b = setting<int64_t>(node, "transB", 0) != 0;
    const Extents &a = net_.shape(node.inputs[0]), &b = net_.shape(node.inputs[1]), &y = net_.shape(node.output);
    const int64_t rows = a.size() == 1 ? 1 : y[0],
                  depth = a.size() == 1  ? a[0]
                          : transposed_a ? a[0]
                                         : a[1],
                  columns = y.back();
    const bool view_left = !constant(node.inputs[0]);
    const std::vector<int> view = scalars(node.inputs[view_left ? 0 : 1]);
    const std::vector<float>& weights = *constant(node.inputs[view_left ? 1 : 0]);
    const bool has_c = node.inputs.size() > 2;
    std::vector<Scalar> sums;
    std::vector<int64_t> c_entry;
    std::vector<int> c_view;
    if (has_c) {
      c_entry = broadcast_entries(net_.shape(node.inputs[2]), y);
      if (!constant(node.inputs[2])) c_view = scalars(node.inputs[2]);
    }
    for (int64_t m = 0; m < rows; ++m) {
      for (int64_t n = 0; n < columns; ++n) {
        Scalar sum{.kind = ScalarKind::kSum};
        sum.alpha = setting(node, "alpha", 1.0f);
        sum.beta = has_c ? setting(node, "beta", 1.0f) : 1.0f;
        for (int64_t k = 0; k < depth; ++k) {
          const auto left = static_cast<size_t>(transposed_a ? k * rows + m : m * depth + k);
          const auto right = static_cast<size_t>(transposed_b ? n * b[1] + k : k * columns + n);
          add_product(sum, view[view_left ? left : right], weights[view_left ? right : left]);
        }
        if (has_c) {
          const auto entry = static_cast<size_t>(c_entry[static_cast<size_t>(m * columns + n)]);
          if (c_view.empty())
            sum.constants.push_back((*constant(node.inputs[2]))[entry]);
          else
            sum.leaves.push_back({c_view[entry], 1, false});
        }
        sums.push_back(std::move(sum));
      }
    }
    finish_sums(node, std::move(sums));
  }

  void compile_convolution(const NetworkNode& node) {
    const Extents &x = net_.shape(node.inputs[0]), &w = net_.shape(node.inputs[1]), &y = net_.shape(node.output);
    const Ints strides = setting(node, "strides", Ints{1, 1}), pads = setting(node, "pads", Ints{0, 0, 0, 0});
    const bool transposed = node.type == "ConvTranspose";
    const int64_t channels = x[1], group_channels = transposed ? channels : w[1];
    const int64_t group_outputs = transposed ? y[1] : w[0] / setting<int64_t>(node, "group", 1);
    const std::vector<int> view = scalars(node.inputs[0]);
    const std::vector<float>& weights = *constant(node.inputs[1]);
    std::vector<Scalar> sums;
    for (int64_t oc = 0; oc < y[1]; ++oc) {
      for (int64_t oh = 0; oh < y[2]; ++oh) {
        for (int64_t ow = 0; ow < y[3]; ++ow) {
          Scalar sum{.kind = ScalarKind::kSum};
          for (int64_t ic = 0; ic < group_channels; ++ic) {
            for (int64_t kh = 0; kh < w[2]; ++kh) {
              for (int64_t kw = 0; kw < w[3]; ++kw) {
                int64_t ih = oh * strides[0] - pads[0] + kh, iw = ow * strides[1] - pads[1] + kw;
                if (transposed) {
                  const int64_t th = oh + pads[0] - kh, tw = ow + pads[1] - kw;
                  if (th % strides[0] != 0 || tw % strides[1] != 0) continue;
                  ih = th / strides[0], iw = tw / strides[1];
                }
                if (ih < 0 || ih >= x[2] || iw < 0 || iw >= x[3]) continue;
                const int64_t c = transposed ? ic : oc / group_outputs * group_channels + ic;
                const int64_t kernel = transposed ? ic * w[1] + oc : oc * w[1] + ic;
                add_product(sum, view[static_cast<size_t>((c * x[2] + ih) * x[3] + iw)],
                            weights[static_cast<size_t>((kernel * w[2] + kh) * w[3] + kw)]);
              }
            }
          }
          if (node.inputs.size() > 2) sum.constants.push_back((*constant(node.inputs[2]))[static_cast<size_t>(oc)]);
          sums.push_back(std::move(sum));
        }
      }
    }
    finish_sums(node, std::move(sums));
  }

  void compile_pool(const NetworkNode& node) {
    const Extents &x = net_.shape(node.inputs[0]), &y = net_.shape(node.output);
    const Ints kernel = setting(node, "kernel_shape", Ints{}), strides = setting(node, "strides", Ints{1, 1});
    const Ints pads = setting(node, "pads", Ints{0, 0, 0, 0});
    const std::vector<int> view = scalars(node.inputs[0]);
    open_operator();
    for (int64_t c = 0; c < y[1]; ++c) {
      for (int64_t oh = 0; oh < y[2]; ++oh) {
        for (int64_t ow = 0; ow < y[3]; ++ow) {
          Scalar window{.kind = ScalarKind::kMax};
          for (int64_t kh = 0; kh < kernel[0]; ++kh) {
            for (int64_t kw = 0; kw < kernel[1]; ++kw) {
              const int64_t ih = oh * strides[0] - pads[0] + kh, iw = ow * strides[1] - pads[1] + kw;
              if (ih < 0 || ih >= x[2] || iw < 0 || iw >= x[3]) continue;
              window.sources.push_back(view[static_cast<size_t>((c * x[2] + ih) * x[3] + iw)]);
            }
          }
          at(node.output).scalars.push_back(append(std::move(window)));
        }
      }
    }
  }

  void compile_normalization(const NetworkNode& node) {
    const Extents& x = net_.shape(node.inputs[0]);
    const std::vector<int> view = scalars(node.inputs[0]);
    int64_t inner = 1;
    for (size_t axis = 2; axis < x.size(); ++axis) inner *= x[axis];
    open_operator();
    for (size_t i = 0; i < view.size(); ++i) {
      const size_t channel = i / static_cast<size_t>(inner) % static_cast<size_t>(x[1]);
      const auto figure = [&](size_t input) { return (*constant(node.inputs[input]))[channel]; };
      Scalar scalar{.kind = ScalarKind::kNormalize, .sources = {view[i]}};
      scalar.normalization = {figure(1), figure(2), figure(3), figure(4), setting(node, "epsilon", 1e-5f)};
      if (!exact_deviation(scalar.normalization)) out_.piecewise_linear = false;
      at(node.output).scalars.push_back(append(std::move(scalar)));
    }
  }

  void compile_transpose(const NetworkNode& node) {
    const Extents &x = net_.shape(node.inputs[0]), &y = net_.shape(node.output);
    const Ints perm = setting(node, "perm", Ints{});
    const std::vector<int> view = scalars(node.inputs[0]);
    Ints step(x.size(), 1);
    for (size_t axis = x.size() - 1; axis-- > 0;) step[axis] = step[axis + 1] * x[axis + 1];
    for (int64_t entry = 0; entry < entries_of(y); ++entry) {
      int64_t rest = entry, source = 0;
      for (size_t axis = y.size(); axis-- > 0; rest /= y[axis])
        source += rest % y[axis] * step[static_cast<size_t>(perm[axis])];
      at(node.output).scalars.push_back(view[static_cast<size_t>(source)]);
    }
  }

  void compile_concat(const NetworkNode& node) {
    const auto axis = static_cast<size_t>(setting<int64_t>(node, "axis", 1));
    std::vector<std::vector<int>> parts;
    for (const int value : node.inputs) parts.push_back(scalars(value));
    const Extents& y = net_.shape(node.output);
    int64_t outer = 1;
    for (size_t i = 0; i < axis; ++i) outer *= y[i];
    for (int64_t o = 0; o < outer; ++o) {
      for (const std::vector<int>& part : parts) {
        const size_t run = part.size() / static_cast<size_t>(outer);
        const auto begin = part.begin() + static_cast<std::ptrdiff_t>(run * static_cast<size_t>(o));
        at(node.output).scalars.insert(at(node.output).scalars.end(), begin, begin + static_cast<std::ptrdiff_t>(run));
      }
    }
  }

  void compile_unary(const NetworkNode& node, ScalarKind kind) {
    const std::vector<int> view = scalars(node.inputs[0]);
    open_operator();
    for (const int source : view) {
      Scalar scalar{.kind = kind, .sources = {source}, .value = setting(node, "alpha", 0.01f)};
      at(node.output).scalars.push_back(append(std::move(scalar)));
    }
    if (kind == ScalarKind::kSigmoid || kind == ScalarKind::kTanh) out_.piecewise_linear = false;
  }

  // Of operator set 13: one group per line along the axis; scalars group after group.
  void compile_softmax(const NetworkNode& node) {
    const Extents& x = net_.shape(node.inputs[0]);
    const auto given = setting<int64_t>(node, "axis", -1);
    const auto axis = static_cast<size_t>(given < 0 ? given + static_cast<int64_t>(x.size()) : given);
    const auto length = static_cast<size_t>(x[axis]);
    size_t inner = 1;
    for (size_t later = axis + 1; later < x.size(); ++later) inner *= static_cast<size_t>(x[later]);
    const std::vector<int> view = scalars(node.inputs[0]);
    std::vector<int>& out = at(node.output).scalars;
    out.resize(view.size());
    open_operator();
    for (size_t start = 0; start < view.size(); ++start) {
      if (start / inner % length != 0) continue;
      Scalar scalar{.kind = ScalarKind::kSoftmax};
      for (size_t k = 0; k < length; ++k) scalar.sources.push_back(view[start + k * inner]);
      for (scalar.own = 0; scalar.own < length; ++scalar.own) out[start + scalar.own * inner] = append(scalar);
    }
    out_.piecewise_linear = false;
  }

  // Entry by entry over the broadcast of all operands.
  void compile_elementwise(const NetworkNode& node, ScalarKind kind) {
    const Extents& y = net_.shape(node.output);
    open_operator();
    std::vector<Scalar> made(static_cast<size_t>(entries_of(y)), Scalar{.kind = kind});
    for (const int value : node.inputs) {
      const std::vector<int> view = scalars(value);
      const std::vector<int64_t> entry = broadcast_entries(net_.shape(value), y);
      for (size_t i = 0; i < made.size(); ++i) made[i].sources.push_back(view[static_cast<size_t>(entry[i])]);
    }
    for (Scalar& scalar : made) at(node.output).scalars.push_back(append(std::move(scalar)));
    if (kind != ScalarKind::kMax && kind != ScalarKind::kMin && kind != ScalarKind::kAbs) out_.piecewise_linear = false;
  }

  // An element times a constant: a sum of one product.
  void compile_scaling(const NetworkNode& node) {
    const size_t view_at = constant(node.inputs[0]) ? 1 : 0;
    const Extents& y = net_.shape(node.output);
    const std::vector<int> view = scalars(node.inputs[view_at]);
    const std::vector<float>& weights = *constant(node.inputs[1 - view_at]);
    const std::vector<int64_t> from = broadcast_entries(net_.shape(node.inputs[view_at]), y);
    const std::vector<int64_t> by = broadcast_entries(net_.shape(node.inputs[1 - view_at]), y);
    std::vector<Scalar> sums;
    for (size_t i = 0; i < from.size(); ++i) {
      Scalar& sum = sums.emplace_back(Scalar{.kind = ScalarKind::kSum});
      add_product(sum, view[static_cast<size_t>(from[i])], weights[static_cast<size_t>(by[i])]);
    }
    finish_sums(node, std::move(sums));
  }

  // The product of two matrices that both depend on the inputs.
  void compile_variable_product(const NetworkNode& node) {
    const Extents &a = net_.shape(node.inputs[0]), &b = net_.shape(node.inputs[1]);
    const std::vector<int> left = scalars(node.inputs[0]), right = scalars(node.inputs[1]);
    open_operator();
    for (int64_t i = 0; i < a[0]; ++i) {
      for (int64_t j = 0; j < b[1]; ++j) {
        Scalar dot{.kind = ScalarKind::kDot};
        for (int64_t k = 0; k < a[1]; ++k) {
          dot.sources.push_back(left[static_cast<size_t>(i * a[1] + k)]);
          dot.sources.push_back(right[static_cast<size_t>(k * b[1] + j)]);
        }
        at(node.output).scalars.push_back(append(std::move(dot)));
      }
    }
    out_.piecewise_linear = false;
  }

  void compile_prelu(const NetworkNode& node) {
    const std::vector<int> view = scalars(node.inputs[0]);
    const std::vector<float>& slopes = *constant(node.inputs[1]);
    const std::vector<int64_t> entry = broadcast_entries(net_.shape(node.inputs[1]), net_.shape(node.output));
    open_operator();
    for (size_t i = 0; i < view.size(); ++i) {
      const float slope = slopes[static_cast<size_t>(entry[i])];
      at(node.output).scalars.push_back(append({.kind = ScalarKind::kLeakyRelu, .sources = {view[i]}, .value = slope}));
    }
  }

  void compile(const NetworkNode& node) {
    const bool both = node.inputs.size() == 2 && !constant(node.inputs[0]) && !constant(node.inputs[1]);
    if (node.type == "MatMul" && both) return compile_variable_product(node);
    if (node.type == "Mul" && !both) return compile_scaling(node);
    if (node.type == "Mul") return compile_elementwise(node, ScalarKind::kProduct);
    if (node.type == "Div") return compile_elementwise(node, ScalarKind::kQuotient);
    if (node.type == "Max") return compile_elementwise(node, ScalarKind::kMax);
    if (node.type == "Min") return compile_elementwise(node, ScalarKind::kMin);
    if (node.type == "Abs") return compile_elementwise(node, ScalarKind::kAbs);
    if (node.type == "Exp") return compile_elementwise(node, ScalarKind::kExp);
    if (node.type == "Reciprocal") return compile_elementwise(node, ScalarKind::kReciprocal);
    if (node.type == "Sqrt") return compile_elementwise(node, ScalarKind::kSqrt);
    if (node.type == "Sin") return compile_elementwise(node, ScalarKind::kSin);
    if (node.type == "Cos") return compile_elementwise(node, ScalarKind::kCos);
    if (node.type == "PRelu") return compile_prelu(node);
    if (node.type == "Gemm" || node.type == "MatMul") return compile_product(node);
    if (node.type == "Add" || node.type == "Sub") return compile_addition(node);
    if (node.type == "Conv" || node.type == "ConvTranspose") return compile_convolution(node);
    if (node.type == "MaxPool") return compile_pool(node);
    if (node.type == "BatchNormalization") return compile_normalization(node);
    if (node.type == "Relu") return compile_unary(node, ScalarKind::kRelu);
    if (node.type == "LeakyRelu") return compile_unary(node, ScalarKind::kLeakyRelu);
    if (node.type == "Sigmoid") return compile_unary(node, ScalarKind::kSigmoid);
    if (node.type == "Tanh") return compile_unary(node, ScalarKind::kTanh);
    if (node.type == "Softmax") return compile_softmax(node);
    if (node.type == "Transpose") return compile_transpose(node);
    if (node.type == "Concat") return compile_concat(node);
    at(node.output).scalars = scalars(node.inputs[0]);  // Identity, Dropout, Flatten, Reshape.
  }

  const Network& net_;
  std::vector<Entries> entries_;
  Meaning out_;
};

template <typename T>
T weighted_sum(const Scalar& scalar, const std::vector<T>& values) {
  T products = 0, addends = 0;
  for (const Leaf& leaf : scalar.leaves) {
    (leaf.product ? products : addends) += T(leaf.weight) * values[static_cast<size_t>(leaf.source)];
  }
  for (const float c : scalar.constants) addends += T(c);
  return T(T(scalar.alpha) * products) + T(T(scalar.beta) * addends);
}

long double softmax(const Scalar& scalar, const std::vector<long double>& values) {
  const long double own = values[static_cast<size_t>(scalar.sources[scalar.own])];
  long double sum = 0;
  for (const int source : scalar.sources) sum += expl(values[static_cast<size_t>(source)] - own);
  return 1 / sum;
}

template <typename T>
T greatest_source(const Scalar& scalar, const std::vector<T>& values) {
  T best = values[static_cast<size_t>(scalar.sources[0])];
  for (const int source : scalar.sources) best = std::max(best, values[static_cast<size_t>(source)]);
  return best;
}

template <typename T>
T least_source(const Scalar& scalar, const std::vector<T>& values) {
  T best = values[static_cast<size_t>(scalar.sources[0])];
  for (const int source : scalar.sources) best = std::min(best, values[static_cast<size_t>(source)]);
  return best;
}

template <typename T>
T dot_product(const Scalar& scalar, const std::vector<T>& values) {
  T sum = 0;
  for (size_t k = 0; k + 1 < scalar.sources.size(); k += 2)
    sum += T(values[static_cast<size_t>(scalar.sources[k])] * values[static_cast<size_t>(scalar.sources[k + 1])]);
  return sum;
}

}  // namespace

void mark_sharp(Meaning& meaning) {
  bool sharp = false;
  for (const Scalar& scalar : meaning.scalars) {
    if (scalar.kind != ScalarKind::kProduct && scalar.kind != ScalarKind::kDot && scalar.kind != ScalarKind::kQuotient)
      continue;
    for (const int source : scalar.sources)
      sharp |= meaning.scalars[static_cast<size_t>(source)].kind == ScalarKind::kSoftmax;
  }
  for (Scalar& scalar : meaning.scalars) scalar.sharp = sharp && scalar.kind == ScalarKind::kSoftmax;
}

Meaning meaning_of(const Network& network) {
  Meaning meaning = Compiler(network).run();
  mark_sharp(meaning);
  return meaning;
}

std::optional<Rational> exact_deviation(const Normalization& normalization) {
  const Rational square = Rational(normalization.variance) + Rational(normalization.epsilon);
  if (square <= 0) return std::nullopt;
  if (!mpz_perfect_square_p(square.get_num_mpz_t()) || !mpz_perfect_square_p(square.get_den_mpz_t()))
    return std::nullopt;
  return Rational(sqrt(square.get_num()), sqrt(square.get_den()));
}

std::vector<Rational> evaluate_exactly(const Meaning& meaning, std::span<const Rational> input) {
  std::vector<Rational> values(input.begin(), input.end());
  for (size_t i = input.size(); i < meaning.scalars.size(); ++i) {
    const Scalar& scalar = meaning.scalars[i];
    const auto source = [&]() -> const Rational& { return values[static_cast<size_t>(scalar.sources[0])]; };
    Rational y = 0;
    switch (scalar.kind) {
      case ScalarKind::kConstant:
        y = scalar.value;
        break;
      case ScalarKind::kSum:
        y = weighted_sum(scalar, values);
        break;
      case ScalarKind::kRelu:
        y = source() > 0 ? source() : Rational(0);
        break;
      case ScalarKind::kLeakyRelu:
        y = source() < 0 ? Rational(Rational(scalar.value) * source()) : source();
        break;
      case ScalarKind::kMax:
        y = greatest_source(scalar, values);
        break;
      case ScalarKind::kMin:
        y = least_source(scalar, values);
        break;
      case ScalarKind::kAbs:
        y = abs(source());
        break;
      case ScalarKind::kProduct:
      case ScalarKind::kDot:
        y = dot_product(scalar, values);
        break;
      case ScalarKind::kNormalize: {
        const Normalization& n = scalar.normalization;
        y = (source() - Rational(n.mean)) * Rational(n.scale) / *exact_deviation(n) + Rational(n.shift);
        break;
      }
      default:
        std::abort();  // Not a rational function.
    }
    values.push_back(std::move(y));
  }
  return values;
}

std::vector<long double> evaluate_widely(const Meaning& meaning, std::span<const long double> input) {
  std::vector<long double> values(input.begin(), input.end());
  for (size_t i = input.size(); i < meaning.scalars.size(); ++i) {
    const Scalar& scalar = meaning.scalars[i];
    const long double x = scalar.sources.empty() ? 0 : values[static_cast<size_t>(scalar.sources[0])];
    long double y = 0;
    switch (scalar.kind) {
      case ScalarKind::kInput:
        break;
      case ScalarKind::kConstant:
        y = scalar.value;
        break;
      case ScalarKind::kSum:
        y = weighted_sum(scalar, values);
        break;
      case ScalarKind::kRelu:
        y = x > 0 ? x : 0;
        break;
      case ScalarKind::kLeakyRelu:
        y = x < 0 ? scalar.value * x : x;
        break;
      case ScalarKind::kSigmoid:
        y = 1 / (1 + expl(-x));
        break;
      case ScalarKind::kTanh:
        y = tanhl(x);
        break;
      case ScalarKind::kSoftmax:
        y = softmax(scalar, values);
        break;
      case ScalarKind::kMax:
        y = greatest_source(scalar, values);
        break;
      case ScalarKind::kMin:
        y = least_source(scalar, values);
        break;
      case ScalarKind::kAbs:
        y = fabsl(x);
        break;
      case ScalarKind::kExp:
        y = expl(x);
        break;
      case ScalarKind::kReciprocal:
        y = 1 / x;
        break;
      case ScalarKind::kSqrt:
        y = sqrtl(x);
        break;
      case ScalarKind::kSin:
        y = sinl(x);
        break;
      case ScalarKind::kCos:
        y = cosl(x);
        break;
      case ScalarKind::kProduct:
      case ScalarKind::kDot:
        y = dot_product(scalar, values);
        break;
      case ScalarKind::kQuotient:
        y = x / values[static_cast<size_t>(scalar.sources[1])];
        break;
      case ScalarKind::kNormalize: {
        const Normalization& n = scalar.normalization;
        y = (x - n.mean) * (n.scale / sqrtl(static_cast<long double>(n.variance) + n.epsilon)) + n.shift;
        break;
      }
    }
    values.push_back(y);
  }
  return values;
}

}  // namespace axiom::soundness
