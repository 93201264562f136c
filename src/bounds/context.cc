// Bounds in scope and the numbers derived from them (spec/certificate.md, sections 4 to 6).
#include "bounds/context.h"

#include <algorithm>

#include "runtime/batched_matrix.h"

namespace axiom {

BoundContext::BoundContext(const BoundProgram& program, Semantics semantics)
    : program_(program), semantics_(semantics) {
  const size_t n = program.program.element_count;
  for (auto* v : {&lo_, &hi_, &magnitude_, &q_, &error_, &size_}) v->assign(n, 0.0);
  lines_.resize(n);
  source_.assign(n, 0);
  for (const CoreOp& op : program.program.ops) {
    if (op.kind == CoreKind::kProduct) second_.resize(n);
  }
  for (const BoundOp& op : program.ops) {
    if (op.sharp) share_slopes_.resize(n);
  }
  source_magnitude_.assign(program.ops.size(), 0.0);
  dirty_.assign(program.ops.size(), 1);
  for (const CoreOp& op : program.program.ops) {
    if (op.kind != CoreKind::kInput && op.kind != CoreKind::kAffine) continue;
    for (uint32_t i = 0; i < op.count; ++i) stored_.push_back(op.first + i);
  }
}

void BoundContext::set(ElementId e, double lo, double hi) {
  lo_[e] = lo;
  hi_[e] = hi;
  magnitude_[e] = spec_max(std::fabs(lo), std::fabs(hi));
}

void BoundContext::reset(std::span<const double> input_lo, std::span<const double> input_hi) {
  empty_ = false;
  for (ElementId e : stored_) {
    const bool input = e < program_.program.input_count;
    set(e, input ? input_lo[e] : -kInfinity, input ? input_hi[e] : kInfinity);
    empty_ |= lo_[e] > hi_[e];
  }
  std::fill(dirty_.begin(), dirty_.end(), uint8_t{1});
}

void BoundContext::load(const StoredBounds& bounds) {
  empty_ = false;
  for (size_t k = 0; k < stored_.size(); ++k) {
    set(stored_[k], bounds.lo[k], bounds.hi[k]);
    empty_ |= bounds.lo[k] > bounds.hi[k];
  }
  std::fill(dirty_.begin(), dirty_.end(), uint8_t{1});
}

StoredBounds BoundContext::store() const {
  StoredBounds bounds;
  bounds.lo.reserve(stored_.size());
  bounds.hi.reserve(stored_.size());
  for (ElementId e : stored_) {
    bounds.lo.push_back(lo_[e]);
    bounds.hi.push_back(hi_[e]);
  }
  return bounds;
}

void BoundContext::touch(uint32_t p) {
  for (uint32_t reader : program_.ops[p].readers) dirty_[reader] = 1;
}

void BoundContext::intersect(ElementId e, double lo, double hi) {
  const double new_lo = spec_max(lo_[e], lo), new_hi = spec_min(hi_[e], hi);
  if (new_lo == lo_[e] && new_hi == hi_[e]) return;
  set(e, new_lo, new_hi);
  empty_ |= new_lo > new_hi;
  touch(program_.op_of[e]);
}

double BoundContext::greatest_source_magnitude(uint32_t p) const {
  double greatest = 0;
  for (uint32_t q : program_.ops[p].reads) {
    const CoreOp& op = program_.program.ops[q];
    for (uint32_t i = 0; i < op.count; ++i) greatest = spec_max(greatest, magnitude_[op.first + i]);
  }
  return greatest;
}

void BoundContext::refresh(uint32_t end) {
  for (uint32_t p = 0; p < end; ++p) {
    if (!dirty_[p]) continue;
    dirty_[p] = 0;
    source_magnitude_[p] = greatest_source_magnitude(p);
    switch (program_.program.ops[p].kind) {
      case CoreKind::kInput:
        break;
      case CoreKind::kAffine:
        refresh_affine(p);
        break;
      case CoreKind::kSoftmax:
        refresh_softmax(p);
        break;
      case CoreKind::kProduct:
        refresh_products(p);
        break;
      default:
        refresh_lines(p);
    }
  }
}

void BoundContext::refresh_relaxations() {
  for (uint32_t p = 0; p < program_.ops.size(); ++p) {
    const CoreKind kind = program_.program.ops[p].kind;
    if (!dirty_[p] || kind == CoreKind::kInput || kind == CoreKind::kAffine) continue;
    dirty_[p] = 0;
    source_magnitude_[p] = greatest_source_magnitude(p);
    if (kind == CoreKind::kSoftmax)
      refresh_softmax(p);
    else if (kind == CoreKind::kProduct)
      refresh_products(p);
    else
      refresh_lines(p);
  }
}

// S, E and Q of every row; also the sums of the interval step, which read the same numbers.
void BoundContext::refresh_affine(uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  const BoundOp& data = program_.ops[p];
  low_sum_.assign(op.bias.begin(), op.bias.end());
  high_sum_ = low_sum_;
  double* size = size_.data() + op.first;
  std::copy(op.magnitude.begin(), op.magnitude.end(), size);
  if (data.dense_width > 0) {
    interval_accumulate(data.transposed.data(), op.count, data.dense_width, lo_.data() + data.dense_first,
                        hi_.data() + data.dense_first, magnitude_.data() + data.dense_first, low_sum_.data(),
                        high_sum_.data(), size);
  } else {
    for (uint32_t i = 0; i < op.count; ++i) {
      double low = low_sum_[i], high = high_sum_[i], s = size[i];
      for (uint64_t t = op.rows.begin[i]; t < op.rows.begin[i + 1]; ++t) {
        const double w = op.rows.weight[t];
        const ElementId c = op.rows.column[t];
        low += w > 0 ? w * lo_[c] : w * hi_[c];
        high += w > 0 ? w * hi_[c] : w * lo_[c];
        s += std::fabs(w) * magnitude_[c];
      }
      low_sum_[i] = low;
      high_sum_[i] = high;
      size[i] = s;
    }
  }
  for (uint32_t i = 0; i < op.count; ++i) {
    const ElementId e = op.first + i;
    const double nt = static_cast<double>(op.rows.begin[i + 1] - op.rows.begin[i]);
    const double s = size[i] * data.size_factor[i];
    size[i] = s;
    error_[e] =
        semantics_ == Semantics::kReal
            ? op.real_error * s
            : (data.gamma_factor[i] + op.real_error) * s +
                  ((2 * kFloatTiny) * op.factor) * ((op.underflow[i] + data.weight_sum[i]) + nt * source_magnitude_[p]);
    q_[e] = (error_[e] + ((data.step_rows + 4) * kUnit) * s) + kTau;
  }
}

bool BoundContext::interval_step(uint32_t p, bool check_premise) {
  dirty_[p] = 1;  // The interval sums are by-products of refresh_affine.
  refresh(p + 1);
  const CoreOp& op = program_.program.ops[p];
  const BoundOp& data = program_.ops[p];
  for (uint32_t i = 0; i < op.count; ++i) {
    const ElementId e = op.first + i;
    const double nt = static_cast<double>(op.rows.begin[i + 1] - op.rows.begin[i]);
    if (check_premise && !(((1 + data.gamma_factor[i]) * op.factor) * size_[e] + 1 < 0x1p127)) return false;
    const double slack = error_[e] + ((nt + 4) * kUnit) * size_[e];
    intersect(e, lower(low_sum_[i], slack), upper(high_sum_[i], slack));
  }
  return true;
}

void BoundContext::refresh_lines(uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  const double m = program_.ops[p].step_rows;
  for (uint32_t i = 0; i < op.count; ++i) {
    const ElementId e = op.first + i;
    Lines lines;
    LineBounds bounds;
    if (op.kind == CoreKind::kConstant) {
      const double v = op.constant[i];
      lines = {0, v, 0, v};
      bounds = {v, v, 0};
    } else if (op.kind == CoreKind::kMaxPool) {
      ElementId best = op.source[op.window_begin[i]];
      for (uint32_t t = op.window_begin[i]; t < op.window_begin[i + 1]; ++t) {
        if (lo_[op.source[t]] > lo_[best]) best = op.source[t];
      }
      double greatest = hi_[best], others = -kInfinity;
      bool skipped = false;  // Only the first occurrence of `best` is j*.
      for (uint32_t t = op.window_begin[i]; t < op.window_begin[i + 1]; ++t) {
        const ElementId c = op.source[t];
        greatest = spec_max(greatest, hi_[c]);
        if (c == best && !skipped)
          skipped = true;
        else
          others = spec_max(others, hi_[c]);
      }
      source_[e] = best;
      lines = lo_[best] >= others ? Lines{1, 0, 1, 0} : Lines{1, 0, 0, greatest};
      bounds.error = semantics_ == Semantics::kFloat32 ? kFloatTiny : 0;
      bounds.lo = lower(lo_[best], bounds.error);
      bounds.hi = upper(greatest, bounds.error);
    } else {
      const ElementId c = source_[e] = op.source[i];
      const double l = lo_[c], h = hi_[c];
      switch (op.unary) {
        case UnaryKind::kRelu:
          lines = relu_lines(l, h);
          bounds = relu_bounds(l, h, semantics_);
          break;
        case UnaryKind::kLeakyRelu:
          lines = leaky_relu_lines(l, h, op.alpha);
          bounds = leaky_relu_bounds(l, h, op.alpha, magnitude_[c], semantics_);
          break;
        case UnaryKind::kSigmoid:
          std::tie(lines, bounds) = sigmoid_lines(l, h, semantics_);
          break;
        case UnaryKind::kTanh:
          std::tie(lines, bounds) = tanh_lines(l, h, semantics_);
          break;
        case UnaryKind::kExp:
        case UnaryKind::kReciprocal:
        case UnaryKind::kSqrt:
        case UnaryKind::kSin:
        case UnaryKind::kCos:
          std::tie(lines, bounds) = smooth_lines(op.unary, l, h, semantics_);
          break;
      }
    }
    const double slope = spec_max(std::fabs(lines.lower_slope), std::fabs(lines.upper_slope));
    const double offset = spec_max(std::fabs(lines.lower_offset), std::fabs(lines.upper_offset));
    const double s = op.kind == CoreKind::kConstant ? offset : offset + slope * magnitude_[source_[e]];
    lines_[e] = lines;
    error_[e] = bounds.error;
    q_[e] = (bounds.error + ((m + 4) * kUnit) * s) + kTau;
    if (bounds.lo != lo_[e] || bounds.hi != hi_[e]) {
      set(e, bounds.lo, bounds.hi);
      touch(p);
    }
  }
}

double BoundContext::hinge_charge(ElementId e, double lower_slope) const {
  const Lines& lines = lines_[e];
  const double offset = spec_max(std::fabs(lines.lower_offset), std::fabs(lines.upper_offset));
  const double size = offset + spec_max(std::fabs(lower_slope), std::fabs(lines.upper_slope)) * magnitude_[source_[e]];
  return (error_[e] + ((program_.ops[program_.op_of[e]].step_rows + 4) * kUnit) * size) + kTau;
}

void BoundContext::refresh_products(uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  const double m = program_.ops[p].step_rows;
  for (uint32_t i = 0; i < op.count; ++i) {
    const ElementId e = op.first + i, x = op.source[2 * size_t{i}], y = op.source[2 * size_t{i} + 1];
    const auto [lines, second, bounds] =
        x == y ? square_lines(factor(x), semantics_) : product_lines(factor(x), factor(y), semantics_);
    const double offset = spec_max(std::fabs(lines.lower_offset), std::fabs(lines.upper_offset));
    const double size =
        (offset + spec_max(std::fabs(lines.lower_slope), std::fabs(lines.upper_slope)) * magnitude_[x]) +
        spec_max(std::fabs(second.lower), std::fabs(second.upper)) * magnitude_[y];
    source_[e] = x;
    lines_[e] = lines;
    second_[e] = second;
    q_[e] = (bounds.error + ((m + 4) * kUnit) * size) + kTau;
    if (bounds.lo == lo_[e] && bounds.hi == hi_[e]) continue;
    set(e, bounds.lo, bounds.hi);
    touch(p);
  }
}

bool BoundContext::is_defined(uint32_t p) {
  refresh(p);
  const CoreOp& op = program_.program.ops[p];
  for (uint32_t i = 0; i < op.count; ++i) {
    if (op.kind == CoreKind::kProduct) {
      if (!product_stays_finite(factor(op.source[2 * size_t{i}]), factor(op.source[2 * size_t{i} + 1]))) return false;
    } else if (op.kind == CoreKind::kUnary) {
      if (!axiom::is_defined(op.unary, lo_[op.source[i]], hi_[op.source[i]])) return false;
    }
  }
  return true;
}

void BoundContext::refresh_shares(uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  const double m = program_.ops[p].share_rows;
  std::vector<FactorBounds> sources;
  for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
    const uint32_t begin = op.window_begin[g], end = op.window_begin[g + 1];
    sources.clear();
    for (uint32_t i = begin; i < end; ++i) sources.push_back(factor(op.source[i]));
    for (uint32_t i = begin; i < end; ++i) {
      const ElementId e = op.first + i;
      ShareLine share = share_line(sources, i - begin, semantics_);
      lines_[e] = {0, share.offset, 0, share.bounds.hi};
      source_[e] = op.source[i];
      q_[e] = (share.bounds.error + ((m + 4) * kUnit) * share.size) + kTau;
      share_slopes_[e] = std::move(share.slopes);
      if (share.bounds.lo == lo_[e] && share.bounds.hi == hi_[e]) continue;
      set(e, share.bounds.lo, share.bounds.hi);
      touch(p);
    }
  }
}

// The bounds depend on the size of the group alone, so they change once, from the zeros of the beginning.
void BoundContext::refresh_softmax(uint32_t p) {
  if (program_.ops[p].sharp) return refresh_shares(p);
  const CoreOp& op = program_.program.ops[p];
  const double m = program_.ops[p].step_rows;
  for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
    const LineBounds bounds = softmax_bounds(op.window_begin[g + 1] - op.window_begin[g], semantics_);
    for (ElementId e = op.first + op.window_begin[g]; e < op.first + op.window_begin[g + 1]; ++e) {
      lines_[e] = {0, bounds.lo, 0, bounds.hi};
      q_[e] = (bounds.error + ((m + 4) * kUnit) * 1) + kTau;
      if (bounds.hi == hi_[e]) continue;
      set(e, bounds.lo, bounds.hi);
      touch(p);
    }
  }
}

}  // namespace axiom
