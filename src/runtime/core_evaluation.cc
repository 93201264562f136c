// The error formula E of section 5, with the errors of the operands carried along. The roundings of this evaluation
// itself, some 2^-50 of what they belong to, are covered by a margin of 2^-40.
#include "runtime/core_evaluation.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace axiom {
namespace {

constexpr double kUnit = 0x1p-24, kTiny = 0x1p-126, kMargin = 1 + 0x1p-40;

void evaluate_affine(const CoreOp& op, CoreEvaluation& at) {
  for (size_t row = 0; row < op.count; ++row) {
    double value = op.bias[row], size = op.magnitude[row], carried = 0, weights = 0, operands = 0, zeros = 0;
    for (uint64_t t = op.rows.begin[row]; t < op.rows.begin[row + 1]; ++t) {
      const double w = op.rows.weight[t], x = at.value[op.rows.column[t]], e = at.error[op.rows.column[t]];
      value += w * x;
      size += std::fabs(w) * (std::fabs(x) + e);
      carried += std::fabs(w) * e;
      weights += std::fabs(w);
      operands += std::fabs(x) + e;
      zeros += x == 0 && e == 0;
    }
    const double k = std::max(op.gamma[row] - zeros, 0.0);
    const double gamma = k * kUnit / (1 - k * kUnit);
    const double error =
        (gamma + op.real_error) * size + 2 * kTiny * op.factor * (op.underflow[row] + weights + operands);
    at.value[op.first + row] = value;
    at.error[op.first + row] = (error + carried) * kMargin + 0x1p-50 * size;
  }
}

// y is off by what the function makes of the error of x, from its slope over [x - e, x + e], and by its own budget.
void evaluate_smooth(UnaryKind kind, double x, double e, double& y, double& error) {
  const double low = x - e, high = x + e;
  switch (kind) {
    case UnaryKind::kExp:
      y = std::exp(x);
      error = (std::exp(high) - y) * kMargin + std::exp(high) * 0x1p-20 * kMargin + 2 * kTiny;
      break;
    case UnaryKind::kReciprocal: {
      y = 1 / x;
      const double nearest = std::min(std::fabs(low), std::fabs(high));
      const bool excludes_zero = low > 0 || high < 0;
      error = excludes_zero ? (e / (std::fabs(x) * nearest) + 0x1p-22 / nearest) * kMargin + 2 * kTiny : HUGE_VAL;
      break;
    }
    case UnaryKind::kSqrt:
      y = std::sqrt(x);
      error = low >= 0 ? (y - std::sqrt(low)) * kMargin + std::sqrt(high) * 0x1p-22 * kMargin + 0x1p-62 : HUGE_VAL;
      break;
    default:
      y = kind == UnaryKind::kSin ? std::sin(x) : std::cos(x);
      error = e + 0x1p-20 * kMargin;
  }
  error += std::fabs(y) * 0x1p-45;
}

void evaluate_unary(const CoreOp& op, CoreEvaluation& at) {
  for (size_t i = 0; i < op.count; ++i) {
    const double x = at.value[op.source[i]], e = at.error[op.source[i]];
    double& y = at.value[op.first + i];
    double& error = at.error[op.first + i];
    switch (op.unary) {
      case UnaryKind::kRelu:
        y = std::max(0.0, x);
        error = e + kTiny;
        break;
      case UnaryKind::kLeakyRelu:
        y = x < 0 ? op.alpha * x : x;
        error = (e + kUnit * op.alpha * (std::fabs(x) + e)) * kMargin + 2 * kTiny;
        break;
      case UnaryKind::kSigmoid:
        y = x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
        error = e / 4 + 0x1p-20 * kMargin;
        break;
      case UnaryKind::kTanh:
        y = std::tanh(x);
        error = e + 0x1p-20 * kMargin;
        break;
      default:
        evaluate_smooth(op.unary, x, e, y, error);
    }
  }
}

void evaluate_products(const CoreOp& op, CoreEvaluation& at) {
  for (size_t i = 0; i < op.count; ++i) {
    const ElementId a = op.source[2 * i], b = op.source[2 * i + 1];
    const double x = std::fabs(at.value[a]) + at.error[a], y = std::fabs(at.value[b]) + at.error[b];
    const double carried = at.error[a] * y + std::fabs(at.value[a]) * at.error[b];
    at.value[op.first + i] = at.value[a] * at.value[b];
    at.error[op.first + i] = (carried + x * y * 0x1p-23) * kMargin + 2 * kTiny * (1 + x + y);
  }
}

void evaluate_maxpool(const CoreOp& op, CoreEvaluation& at) {
  for (size_t i = 0; i < op.count; ++i) {
    double largest = -HUGE_VAL, error = 0;
    for (uint32_t t = op.window_begin[i]; t < op.window_begin[i + 1]; ++t) {
      largest = std::max(largest, at.value[op.source[t]]);
      error = std::max(error, at.error[op.source[t]]);
    }
    at.value[op.first + i] = largest;
    at.error[op.first + i] = error + kTiny;
  }
}

// The relation of float32 fixes the sum of a group, not how it is distributed.
void evaluate_softmax(const CoreOp& op, CoreEvaluation& at) {
  for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
    const uint32_t begin = op.window_begin[g], end = op.window_begin[g + 1];
    double largest = -HUGE_VAL, sum = 0;
    for (uint32_t i = begin; i < end; ++i) largest = std::max(largest, at.value[op.source[i]]);
    for (uint32_t i = begin; i < end; ++i) sum += std::exp(at.value[op.source[i]] - largest);
    const double k = static_cast<double>(end - begin) + 8;
    const double most = 1 + k * kUnit / (1 - k * kUnit) * kMargin;
    for (uint32_t i = begin; i < end; ++i) {
      const double y = std::exp(at.value[op.source[i]] - largest) / sum;
      at.value[op.first + i] = y;
      at.error[op.first + i] = std::max(y, most - y) * kMargin;
    }
  }
}

}  // namespace

CoreEvaluation evaluate(const Program& program, std::span<const double> input) {
  AXIOM_CHECK(input.size() == program.input_count);
  CoreEvaluation at{std::vector<double>(program.element_count), std::vector<double>(program.element_count)};
  std::copy(input.begin(), input.end(), at.value.begin());
  for (const CoreOp& op : program.ops) {
    switch (op.kind) {
      case CoreKind::kInput:
        break;
      case CoreKind::kConstant:
        std::copy(op.constant.begin(), op.constant.end(), at.value.begin() + op.first);
        break;
      case CoreKind::kAffine:
        evaluate_affine(op, at);
        break;
      case CoreKind::kUnary:
        evaluate_unary(op, at);
        break;
      case CoreKind::kMaxPool:
        evaluate_maxpool(op, at);
        break;
      case CoreKind::kSoftmax:
        evaluate_softmax(op, at);
        break;
      case CoreKind::kProduct:
        evaluate_products(op, at);
        break;
    }
  }
  return at;
}

}  // namespace axiom
