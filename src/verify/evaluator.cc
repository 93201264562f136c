// Forward values and reverse-mode gradients over the core program.
#include "verify/evaluator.h"

#include <algorithm>
#include <cmath>

#include "runtime/batched_matrix.h"

namespace axiom {
namespace {

double unary_value(const CoreOp& op, double x) {
  switch (op.unary) {
    case UnaryKind::kRelu:
      return x > 0 ? x : 0;
    case UnaryKind::kLeakyRelu:
      return x < 0 ? op.alpha * x : x;
    case UnaryKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case UnaryKind::kTanh:
      return std::tanh(x);
    case UnaryKind::kExp:
      return std::exp(x);
    case UnaryKind::kReciprocal:
      return 1 / x;
    case UnaryKind::kSqrt:
      return std::sqrt(x);
    case UnaryKind::kSin:
      return std::sin(x);
    case UnaryKind::kCos:
      return std::cos(x);
  }
  return 0;
}

double unary_derivative(const CoreOp& op, double x, double y) {
  switch (op.unary) {
    case UnaryKind::kRelu:
      return x > 0 ? 1 : 0;
    case UnaryKind::kLeakyRelu:
      return x < 0 ? op.alpha : 1;
    case UnaryKind::kSigmoid:
      return y * (1 - y);
    case UnaryKind::kTanh:
      return 1 - y * y;
    case UnaryKind::kExp:
      return y;
    case UnaryKind::kReciprocal:
      return -y * y;
    case UnaryKind::kSqrt:
      return 0.5 / y;
    case UnaryKind::kSin:
      return std::cos(x);
    case UnaryKind::kCos:
      return -std::sin(x);
  }
  return 0;
}

// In four sums, which need not wait for each other.
double row_value(const SparseRows& rows, uint32_t row, const double* value) {
  constexpr size_t kSums = 4;
  double sums[kSums] = {};
  uint64_t t = rows.begin[row];
  const uint64_t end = rows.begin[row + 1];
  for (; t + kSums <= end; t += kSums) {
    for (size_t k = 0; k < kSums; ++k) sums[k] += rows.weight[t + k] * value[rows.column[t + k]];
  }
  for (; t < end; ++t) sums[0] += rows.weight[t] * value[rows.column[t]];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

Evaluator::Evaluator(const BoundProgram& program) : program_(program) {
  value_.assign(program.program.element_count, 0.0);
  gradient_.assign(program.program.element_count, 0.0);
  active_.resize(program.program.element_count);
}

std::span<const double> Evaluator::forward(std::span<const double> input) {
  std::copy(input.begin(), input.end(), value_.begin());
  for (uint32_t p = 1; p < program_.ops.size(); ++p) {
    const CoreOp& op = program_.program.ops[p];
    const BoundOp& data = program_.ops[p];
    double* out = value_.data() + op.first;
    if (op.kind == CoreKind::kConstant) {
      std::copy(op.constant.begin(), op.constant.end(), out);
    } else if (op.kind == CoreKind::kUnary) {
      for (uint32_t i = 0; i < op.count; ++i) out[i] = unary_value(op, value_[op.source[i]]);
    } else if (op.kind == CoreKind::kProduct) {
      for (uint32_t i = 0; i < op.count; ++i)
        out[i] = value_[op.source[2 * size_t{i}]] * value_[op.source[2 * size_t{i} + 1]];
    } else if (op.kind == CoreKind::kMaxPool) {
      for (uint32_t i = 0; i < op.count; ++i) {
        double best = -kInfinity;
        for (uint32_t t = op.window_begin[i]; t < op.window_begin[i + 1]; ++t)
          best = std::max(best, value_[op.source[t]]);
        out[i] = best;
      }
    } else if (op.kind == CoreKind::kSoftmax) {
      for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
        const uint32_t begin = op.window_begin[g], end = op.window_begin[g + 1];
        double largest = -kInfinity, sum = 0;
        for (uint32_t i = begin; i < end; ++i) largest = std::max(largest, value_[op.source[i]]);
        for (uint32_t i = begin; i < end; ++i) sum += out[i] = std::exp(value_[op.source[i]] - largest);
        for (uint32_t i = begin; i < end; ++i) out[i] /= sum;
      }
    } else if (data.dense_width > 0) {
      std::copy(op.bias.begin(), op.bias.end(), out);
      const double* in = value_.data() + data.dense_first;
      uint32_t count = 0;
      for (uint32_t j = 0; j < data.dense_width; ++j) {
        if (in[j] != 0) active_[count++] = j;
      }
      multiply_accumulate(DenseMatrixView{data.transposed.data(), op.count}, {active_.data(), count}, in, 1, out);
    } else {
      for (uint32_t i = 0; i < op.count; ++i) out[i] = op.bias[i] + row_value(op.rows, i, value_.data());
    }
  }
  return value_;
}

std::span<const double> Evaluator::backward(std::span<const std::pair<ElementId, double>> seed) {
  std::fill(gradient_.begin(), gradient_.end(), 0.0);
  for (const auto& [e, t] : seed) gradient_[e] += t;
  for (uint32_t p = static_cast<uint32_t>(program_.ops.size()); p-- > 1;) {
    const CoreOp& op = program_.program.ops[p];
    const BoundOp& data = program_.ops[p];
    const double* g = gradient_.data() + op.first;
    if (op.kind == CoreKind::kUnary) {
      for (uint32_t i = 0; i < op.count; ++i) {
        if (g[i] == 0) continue;
        gradient_[op.source[i]] += g[i] * unary_derivative(op, value_[op.source[i]], value_[op.first + i]);
      }
    } else if (op.kind == CoreKind::kProduct) {
      for (uint32_t i = 0; i < op.count; ++i) {
        const ElementId x = op.source[2 * size_t{i}], y = op.source[2 * size_t{i} + 1];
        gradient_[x] += g[i] * value_[y];
        gradient_[y] += g[i] * value_[x];
      }
    } else if (op.kind == CoreKind::kMaxPool) {
      for (uint32_t i = 0; i < op.count; ++i) {
        ElementId best = op.source[op.window_begin[i]];
        for (uint32_t t = op.window_begin[i]; t < op.window_begin[i + 1]; ++t) {
          if (value_[op.source[t]] > value_[best]) best = op.source[t];
        }
        gradient_[best] += g[i];
      }
    } else if (op.kind == CoreKind::kSoftmax) {
      const double* y = value_.data() + op.first;
      for (size_t k = 0; k + 1 < op.window_begin.size(); ++k) {
        const uint32_t begin = op.window_begin[k], end = op.window_begin[k + 1];
        double mean = 0;
        for (uint32_t i = begin; i < end; ++i) mean += y[i] * g[i];
        for (uint32_t i = begin; i < end; ++i) gradient_[op.source[i]] += y[i] * (g[i] - mean);
      }
    } else if (op.kind == CoreKind::kAffine) {
      uint32_t count = 0;
      for (uint32_t i = 0; i < op.count; ++i) {
        if (g[i] != 0) active_[count++] = i;
      }
      const std::span<const uint32_t> active(active_.data(), count);
      if (data.dense_width > 0) {
        multiply_accumulate(DenseMatrixView{data.dense.data(), data.dense_width}, active, g, 1,
                            gradient_.data() + data.dense_first);
      } else {
        multiply_accumulate(SparseMatrixView{op.rows.begin.data(), op.rows.column.data(), op.rows.weight.data()},
                            active, g, 1, gradient_.data());
      }
    }
  }
  return {gradient_.data(), program_.program.input_count};
}

double slack(const NumericConstraint& constraint, std::span<const double> values) {
  double sum = constraint.bound;
  for (const auto& [e, t] : constraint.terms) sum -= t * values[e];
  return sum;
}

double least_slack(const NumericDisjunct& disjunct, std::span<const double> values) {
  double least = kInfinity;
  for (const NumericConstraint& constraint : disjunct.constraints) least = std::min(least, slack(constraint, values));
  return least;
}

double shortfall(const NumericDisjunct& disjunct, std::span<const double> values,
                 std::vector<std::pair<ElementId, double>>& terms) {
  double sum = 0;
  terms.clear();
  for (const NumericConstraint& constraint : disjunct.constraints) {
    const double s = slack(constraint, values);
    if (s >= 0) continue;
    sum += s;
    terms.insert(terms.end(), constraint.terms.begin(), constraint.terms.end());
  }
  return sum;
}

}  // namespace axiom
