// Operators that become several core operators, or one of the smooth kinds (spec
// section 4). A list of elements stands for a tensor whose shape is known.
#include <algorithm>
#include <cmath>

#include "error.h"
#include "lowering.h"

namespace checker {
namespace {

// A node of constants alone has no certified meaning.
Index variable(Lowering& lowering, const Call& call, size_t input) {
  if (call[input].is_constant()) call.fail(text("input ", input, " is constant"));
  return *lowering.view(call, input);
}

Index pick(const Index& from, const Index& map) {
  Index out(map.size());
  for (size_t i = 0; i < map.size(); ++i) out[i] = from[map[i]];
  return out;
}

// The entries of a finite float32 constant, those that `map` says.
std::vector<double> numbers(const Call& call, size_t input, const Index& map) {
  const Tensor& tensor = call.float_constant(input);
  std::vector<double> out(map.size());
  for (size_t i = 0; i < map.size(); ++i) out[i] = double(tensor.float_at(map[i]));
  return out;
}

Index emit(Lowering& lowering, const Call& call, Operator op, uint64_t count) {
  return *lowering.emit(call.node.place, std::move(op), {int64_t(count)}).index;
}

Tensor view_of(Index index, Shape shape) {
  return {.kind = Tensor::view, .shape = std::move(shape), .index = std::make_shared<const Index>(std::move(index))};
}

Index unary(Lowering& lowering, const Call& call, Kind kind, const Index& source) {
  Operator op{.kind = kind};
  op.source = source;
  return emit(lowering, call, std::move(op), source.size());
}

// ---- Affine operators whose rows are no sum clusters

struct Figures {
  double k = 1, c0 = 1, factor = 1, real_error = 0;
};

class AffineRows {
 public:
  AffineRows() { op_.start.push_back(0); }

  void add(uint32_t element, double weight) {
    if (weight == 0) return;
    op_.source.push_back(element);
    op_.weight.push_back(weight);
  }
  void end(Lowering& lowering, const Call& call, double bias) {
    lowering.check_terms(call, op_.source.size());
    op_.start.push_back(op_.source.size());
    op_.bias.push_back(bias);
    op_.magnitude.push_back(std::fabs(bias));
  }
  Index emit(Lowering& lowering, const Call& call, const Figures& figures) && {
    const size_t count = op_.bias.size();
    op_.k.assign(count, figures.k);
    op_.c0.assign(count, figures.c0);
    op_.factor = figures.factor;
    op_.real_error = figures.real_error;
    return checker::emit(lowering, call, std::move(op_), count);
  }

 private:
  Operator op_{.kind = Kind::affine};
};

// wa a + wb b + bias: no float32 evaluation rounds it, because none computes it. b and bias may be absent.
Index exact(Lowering& lowering, const Call& call, const Index& a, double wa, const Index* b, double wb,
            const std::vector<double>* bias) {
  AffineRows rows;
  for (size_t i = 0; i < a.size(); ++i) {
    rows.add(a[i], wa);
    if (b != nullptr) rows.add((*b)[i], wb);
    rows.end(lowering, call, bias != nullptr ? (*bias)[i] : 0);
  }
  return std::move(rows).emit(lowering, call, {});
}

// ---- Maxima and minima; sign is 1 for a maximum, -1 for a minimum

// a + relu(b - a), a - relu(a - b)
Index extreme(Lowering& lowering, const Call& call, double sign, const Index& a, const Index& b) {
  const Index excess = unary(lowering, call, Kind::relu, exact(lowering, call, b, sign, &a, -sign, nullptr));
  return exact(lowering, call, a, 1, &excess, sign, nullptr);
}

// c + relu(a - c), c - relu(c - a); relu(a)
Index extreme(Lowering& lowering, const Call& call, double sign, const Index& a, const std::vector<double>& c) {
  const bool zero = std::all_of(c.begin(), c.end(), [](double v) { return v == 0; });
  if (sign > 0 && zero) return unary(lowering, call, Kind::relu, a);
  std::vector<double> shift(c.size());
  for (size_t i = 0; i < c.size(); ++i) shift[i] = -sign * c[i];
  const Index excess = unary(lowering, call, Kind::relu, exact(lowering, call, a, sign, nullptr, 0, &shift));
  return exact(lowering, call, excess, sign, nullptr, 0, &c);
}

Tensor lower_extreme(Lowering& lowering, const Call& call, double sign) {
  Shape shape = call[0].shape;
  for (size_t i = 1; i < call.inputs.size(); ++i) shape = broadcast(call, shape, call[i].shape);
  lowering.allot(call, shape);
  lowering.work(call, entry_count(shape, call.node.place) * call.inputs.size());
  Index y;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (call[i].is_constant()) continue;
    const Index x = pick(variable(lowering, call, i), broadcast_map(call[i].shape, shape));
    y = y.empty() ? x : extreme(lowering, call, sign, y, x);
  }
  if (y.empty()) call.fail("all inputs are constant");
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    if (!call[i].is_constant()) continue;
    y = extreme(lowering, call, sign, y, numbers(call, i, broadcast_map(call[i].shape, shape)));
  }
  return view_of(std::move(y), std::move(shape));
}

Tensor lower_max(Lowering& lowering, const Call& call) { return lower_extreme(lowering, call, 1); }
Tensor lower_min(Lowering& lowering, const Call& call) { return lower_extreme(lowering, call, -1); }

// The end of a Clip: an attribute before operator set 11, a constant input since.
bool find_end(Lowering& lowering, const Call& call, size_t input, const char* name, double& end) {
  if (lowering.opset() < 11) {
    if (call.has(input)) call.fail("ends as inputs before operator set 11");
    if (call.attribute(name, Attribute::kFloat) == nullptr) return false;
    end = double(call.real(name, 0));
  } else {
    if (call.attribute(name, Attribute::kFloat) != nullptr) call.fail(text("attribute ", name));
    if (!call.has(input)) return false;
    const Tensor& tensor = call.float_constant(input);
    if (tensor.entries() != 1) call.fail(text("input ", input, " is not one number"));
    end = double(tensor.float_at(0));
  }
  if (!std::isfinite(end)) call.fail(text(name, " is ", number(end)));
  return true;
}

Tensor lower_clip(Lowering& lowering, const Call& call) {
  const Shape shape = call[0].shape;
  lowering.allot(call, shape);
  Index y = variable(lowering, call, 0);
  double end = 0;
  if (find_end(lowering, call, 1, "min", end)) y = extreme(lowering, call, 1, y, std::vector<double>(y.size(), end));
  if (find_end(lowering, call, 2, "max", end)) y = extreme(lowering, call, -1, y, std::vector<double>(y.size(), end));
  return view_of(std::move(y), shape);
}

Tensor lower_hard_sigmoid(Lowering& lowering, const Call& call) {
  const double alpha = call.real("alpha", 0.2f), beta = call.real("beta", 0.5f);
  if (!std::isfinite(alpha) || !std::isfinite(beta)) call.fail(text("alpha ", number(alpha), ", beta ", number(beta)));
  const Shape shape = call[0].shape;
  lowering.allot(call, shape);
  AffineRows rows;
  for (const uint32_t e : variable(lowering, call, 0)) {
    rows.add(e, alpha);
    rows.end(lowering, call, beta);
  }
  const Index line = std::move(rows).emit(lowering, call, {.k = 3, .c0 = 5});
  const Index low = extreme(lowering, call, 1, line, std::vector<double>(line.size(), 0));
  return view_of(extreme(lowering, call, -1, low, std::vector<double>(low.size(), 1)), shape);
}

// 2 relu(x) - x
Tensor lower_abs(Lowering& lowering, const Call& call) {
  const Shape shape = call[0].shape;
  lowering.allot(call, shape);
  const Index x = variable(lowering, call, 0);
  const Index positive = unary(lowering, call, Kind::relu, x);
  return view_of(exact(lowering, call, positive, 2, &x, -1, nullptr), shape);
}

Tensor lower_neg(Lowering& lowering, const Call& call) {
  const Shape shape = call[0].shape;
  lowering.allot(call, shape);
  return view_of(exact(lowering, call, variable(lowering, call, 0), -1, nullptr, 0, nullptr), shape);
}

// slope x + (1 - slope) relu(x)
Tensor lower_prelu(Lowering& lowering, const Call& call) {
  const Shape shape = call[0].shape;
  if (broadcast(call, shape, call[1].shape) != shape) call.fail("the slopes do not broadcast to the input");
  lowering.allot(call, shape);
  const Index x = variable(lowering, call, 0);
  const std::vector<double> slopes = numbers(call, 1, broadcast_map(call[1].shape, shape));
  const Index positive = unary(lowering, call, Kind::relu, x);
  AffineRows rows;
  for (size_t i = 0; i < x.size(); ++i) {
    const double size = std::fabs(slopes[i]);
    if (!(size == 0 || (size >= 0x1p-100 && size <= 0x1p20))) call.fail(text("a slope of ", number(slopes[i])));
    rows.add(x[i], slopes[i]);
    rows.add(positive[i], 1 - slopes[i]);
    rows.end(lowering, call, 0);
  }
  return view_of(std::move(rows).emit(lowering, call, {.k = 3, .c0 = 6, .real_error = 0x1p-50}), shape);
}

// ---- Smooth functions

Tensor smooth(Lowering& lowering, const Call& call, Kind kind) {
  const Shape shape = call[0].shape;
  lowering.allot(call, shape);
  return view_of(unary(lowering, call, kind, variable(lowering, call, 0)), shape);
}

Tensor lower_exp(Lowering& lowering, const Call& call) { return smooth(lowering, call, Kind::exp); }
Tensor lower_reciprocal(Lowering& lowering, const Call& call) { return smooth(lowering, call, Kind::reciprocal); }
Tensor lower_sqrt(Lowering& lowering, const Call& call) { return smooth(lowering, call, Kind::sqrt); }
Tensor lower_sin(Lowering& lowering, const Call& call) { return smooth(lowering, call, Kind::sin); }
Tensor lower_cos(Lowering& lowering, const Call& call) { return smooth(lowering, call, Kind::cos); }

// ---- Products and quotients

// A sum node of one product per row.
Tensor scaled(Lowering& lowering, const Call& call, const Index& x, const std::vector<double>& weights, Shape shape) {
  Rows rows;
  for (size_t i = 0; i < x.size(); ++i) {
    if (weights[i] != 0) {
      rows.source.push_back(x[i]);
      rows.weight.push_back(weights[i]);
    }
    rows.start.push_back(rows.source.size());
  }
  return lowering.sum(call, std::move(rows), std::move(shape));
}

Tensor lower_mul(Lowering& lowering, const Call& call) {
  const Shape shape = broadcast(call, call[0].shape, call[1].shape);
  lowering.allot(call, shape);
  const Index map[2] = {broadcast_map(call[0].shape, shape), broadcast_map(call[1].shape, shape)};
  for (size_t constant = 0; constant < 2; ++constant) {
    if (!call[constant].is_constant()) continue;
    const std::vector<double> weights = numbers(call, constant, map[constant]);
    const Index x = pick(variable(lowering, call, 1 - constant), map[1 - constant]);
    return scaled(lowering, call, x, weights, shape);
  }
  const Index a = variable(lowering, call, 0), b = variable(lowering, call, 1);
  return view_of(product(lowering, call, pick(a, map[0]), pick(b, map[1])), shape);
}

Tensor divide_by_constants(Lowering& lowering, const Call& call, const Index& x, const Index& map, Shape shape) {
  AffineRows rows;
  const std::vector<double> divisors = numbers(call, 1, map);
  for (size_t i = 0; i < x.size(); ++i) {
    const double size = std::fabs(divisors[i]);
    if (!(size >= 0x1p-100 && size <= 0x1p100)) call.fail(text("a divisor of ", number(divisors[i])));
    rows.add(x[i], 1 / divisors[i]);
    rows.end(lowering, call, 0);
  }
  return view_of(std::move(rows).emit(lowering, call, {.k = 4, .c0 = 6, .real_error = 0x1p-50}), std::move(shape));
}

Tensor lower_div(Lowering& lowering, const Call& call) {
  const Shape shape = broadcast(call, call[0].shape, call[1].shape);
  lowering.allot(call, shape);
  const Index map_a = broadcast_map(call[0].shape, shape), map_b = broadcast_map(call[1].shape, shape);
  if (call[1].is_constant()) {
    return divide_by_constants(lowering, call, pick(variable(lowering, call, 0), map_a), map_b, shape);
  }
  const bool scales = call[0].is_constant();
  const Index a = scales ? Index{} : variable(lowering, call, 0);
  const Index inverse = unary(lowering, call, Kind::reciprocal, variable(lowering, call, 1));
  if (scales) return scaled(lowering, call, pick(inverse, map_b), numbers(call, 0, map_a), shape);
  return view_of(product(lowering, call, pick(a, map_a), pick(inverse, map_b)), shape);
}

Tensor lower_pow(Lowering& lowering, const Call& call) {
  const Tensor& exponents = call.float_constant(1);
  if (exponents.entries() != 1) call.fail("more than one exponent");
  const Shape shape = call[0].shape;
  if (broadcast(call, shape, exponents.shape) != shape) call.fail("the exponent changes the shape");
  const float exponent = exponents.float_at(0);
  if (exponent == 0.5f) return smooth(lowering, call, Kind::sqrt);
  if (exponent == -1) return smooth(lowering, call, Kind::reciprocal);
  if (exponent != 2 && exponent != 3 && exponent != 4) call.fail(text("exponent ", number(exponent)));
  lowering.allot(call, shape);
  const Index x = variable(lowering, call, 0), square = product(lowering, call, x, x);
  if (exponent == 2) return view_of(square, shape);
  return view_of(product(lowering, call, square, exponent == 3 ? x : square), shape);
}

// ---- Sums and means over axes

Tensor reduce(Lowering& lowering, const Call& call, bool mean, int64_t axes_are_input_since) {
  const Shape in = call[0].shape;
  std::vector<int64_t> axes = call.integers("axes", {});
  if (lowering.opset() >= axes_are_input_since) {
    if (call.attribute("axes", Attribute::kInts) != nullptr) call.fail("attribute axes");
    if (call.has(1)) axes = call.integer_list(1);
  } else if (call.has(1) || call.attribute("noop_with_empty_axes", Attribute::kInt) != nullptr) {
    call.fail("a later version of the operator");
  }
  const bool keeps = call.integer("keepdims", 1) != 0;
  const bool nothing = axes.empty() && call.integer("noop_with_empty_axes", 0) != 0;
  std::vector<bool> reduced(in.size(), axes.empty() && !nothing);
  for (const int64_t axis : axes) {
    const auto normal = size_t(normal_axis(call, axis, in.size()));
    if (reduced[normal]) call.fail(text("axis ", axis, " is listed twice"));
    reduced[normal] = true;
  }
  Shape kept = in, shape;
  double n = 1;
  for (size_t i = 0; i < in.size(); ++i) {
    if (reduced[i]) {
      n = n * double(in[i]);
      kept[i] = 1;
    }
    if (!reduced[i] || keeps) shape.push_back(kept[i]);
  }
  if (n > 0x1p20) call.fail(text("a sum of ", n, " entries"));
  lowering.allot(call, in);
  const uint64_t count = lowering.allot(call, kept);
  const Index x = variable(lowering, call, 0), to = broadcast_map(kept, in);
  std::vector<Index> sources(count);
  for (size_t i = 0; i < x.size(); ++i) sources[to[i]].push_back(x[i]);
  AffineRows rows;
  for (const Index& list : sources) {
    for (const uint32_t e : list) rows.add(e, mean ? 1 / n : 1);
    rows.end(lowering, call, 0);
  }
  const Figures sum{.k = n + 1, .c0 = 2 * n + 1};
  const Figures average{.k = n + 3, .c0 = 2 * n + 4, .factor = n, .real_error = 0x1p-50};
  return view_of(std::move(rows).emit(lowering, call, mean ? average : sum), shape);
}

Tensor lower_reduce_sum(Lowering& lowering, const Call& call) { return reduce(lowering, call, false, 13); }
Tensor lower_reduce_mean(Lowering& lowering, const Call& call) { return reduce(lowering, call, true, 18); }

constexpr size_t kMany = size_t(1) << 16;

constexpr Rule kRules[] = {
    {"Max", lower_max, 1, kMany, ""},
    {"Min", lower_min, 1, kMany, ""},
    {"Clip", lower_clip, 1, 3, "min max"},
    {"HardSigmoid", lower_hard_sigmoid, 1, 1, "alpha beta"},
    {"Abs", lower_abs, 1, 1, ""},
    {"Neg", lower_neg, 1, 1, ""},
    {"PRelu", lower_prelu, 2, 2, ""},
    {"Exp", lower_exp, 1, 1, ""},
    {"Reciprocal", lower_reciprocal, 1, 1, ""},
    {"Sqrt", lower_sqrt, 1, 1, ""},
    {"Sin", lower_sin, 1, 1, ""},
    {"Cos", lower_cos, 1, 1, ""},
    {"Mul", lower_mul, 2, 2, ""},
    {"Div", lower_div, 2, 2, ""},
    {"Pow", lower_pow, 2, 2, ""},
    {"ReduceSum", lower_reduce_sum, 1, 2, "axes keepdims noop_with_empty_axes"},
    {"ReduceMean", lower_reduce_mean, 1, 2, "axes keepdims noop_with_empty_axes"},
};

}  // namespace

std::span<const Rule> step_rules() { return kRules; }

Index product(Lowering& lowering, const Call& call, const Index& a, const Index& b) {
  lowering.check_terms(call, 2 * a.size());
  lowering.sharpen(a);
  lowering.sharpen(b);
  Operator op{.kind = Kind::product};
  for (size_t i = 0; i < a.size(); ++i) {
    op.source.push_back(a[i]);
    op.source.push_back(b[i]);
  }
  return *lowering.emit(call.node.place, std::move(op), {int64_t(a.size())}).index;
}

}  // namespace checker
