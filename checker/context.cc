// Bounds, their undo trail, and the dates that decide what is recomputed.
#include "context.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "arithmetic.h"
#include "error.h"

namespace checker {
namespace {

constexpr size_t kMostSaved = size_t(1) << 25;

bool is_curve(Kind kind) { return kind == Kind::sigmoid || kind == Kind::tanh || is_smooth(kind); }

// However often a group of a sharp softmax reads one element, no column gets more terms.
double most_in_step(const Operator& op) {
  double largest = 0;
  for (size_t g = 0; g + 1 < op.start.size(); ++g) largest = greatest(largest, double(op.start[g + 1] - op.start[g]));
  return greatest(double(op.count), double(op.most_in_column) * largest);
}

}  // namespace

Context::Context(const Program& program, Semantics semantics, const std::vector<double>& lo,
                 const std::vector<double>& hi)
    : program_(program),
      semantics_(semantics),
      lo_(program.elements(), -std::numeric_limits<double>::infinity()),
      hi_(program.elements(), std::numeric_limits<double>::infinity()),
      x_(program.elements(), std::numeric_limits<double>::infinity()),
      changed_at_(program.operators.size(), 1),
      most_x_(program.operators.size()),
      most_x_at_(program.operators.size()),
      affine_(program.operators.size()),
      other_(program.operators.size()),
      saved_in_(program.elements()) {
  for (uint32_t o = 0; o < program.operators.size(); ++o) {
    const Operator& op = program.operators[o];
    if (op.is_affine()) affine_[o].constants = std::make_shared<const RowConstants>(row_constants(op));
    if (op.is_bounded()) continue;
    if (op.kind == Kind::softmax && !op.sharp) {
      bound_groups(op);
      continue;
    }
    if (op.sharp) {
      other_[o].lines.slopes.resize(op.count);
      other_[o].most_in_step = most_in_step(op);
    }
    other_[o].lines.line.resize(op.count);
    other_[o].lines.q.resize(op.count);
    if (op.kind == Kind::maxpool) other_[o].lines.source.resize(op.count);
    if (op.is_product()) other_[o].lines.second.resize(op.count);
    if (is_curve(op.kind)) other_[o].sources.resize(op.count, {std::nan(""), std::nan("")});
    if (is_smooth(op.kind) || op.is_product()) other_[o].errors.resize(op.count);
  }
  for (uint32_t j = 0; j < program.inputs(); ++j) set(j, lo[j], hi[j]);
}

// ---- Changes and their undoing

void Context::changed(uint32_t op) {
  changed_at_[op] = ++clock_;
  fresh_ = std::min(fresh_, op + 1);
}

void Context::set(uint32_t e, double lo, double hi) {
  empty_ -= lo_[e] > hi_[e];
  empty_ += lo > hi;
  lo_[e] = lo;
  hi_[e] = hi;
  x_[e] = greatest(std::fabs(lo), std::fabs(hi));
  changed(program_.operator_of[e]);
}

void Context::narrow(uint32_t e, double lo, double hi) {
  if (saved_in_[e] != scope_) {
    if (trail_.size() >= kMostSaved) throw Rejected("the bounds to be restored exceed the limit");
    trail_.push_back({e, lo_[e], hi_[e]});
    saved_in_[e] = scope_;
  }
  set(e, lo, hi);
}

void Context::leave(size_t mark) {
  for (; trail_.size() > mark; trail_.pop_back()) set(trail_.back().element, trail_.back().lo, trail_.back().hi);
}

bool Context::stale(uint32_t op, uint64_t made_at) const {
  if (made_at == 0) return true;
  for (const uint32_t read : program_.operators[op].reads) {
    if (changed_at_[read] > made_at) return true;
  }
  return false;
}

// ---- Bounds of the elements that have none of their own

// They are the same in every context.
void Context::bound_groups(const Operator& op) {
  for (size_t g = 0; g + 1 < op.start.size(); ++g) {
    const Bounds bounds = softmax_bounds(double(op.start[g + 1] - op.start[g]), semantics_);
    for (uint64_t t = op.start[g]; t < op.start[g + 1]; ++t) set(op.first + uint32_t(t), bounds.lo, bounds.hi);
  }
}

void Context::refresh(uint32_t op) {
  for (; fresh_ < op; ++fresh_) {
    Other& other = other_[fresh_];
    const Operator& current = program_.operators[fresh_];
    if (current.is_bounded() || !stale(fresh_, other.bounded_at)) continue;
    if (current.kind == Kind::softmax && !current.sharp) continue;
    bool any = false;
    for (uint32_t i = 0; i < current.count; ++i) {
      const uint32_t e = current.first + i;
      const double l = lo_[e], h = hi_[e];
      if (current.sharp) {
        bound_share(fresh_, i);
      } else {
        bound_element(fresh_, i);
      }
      if (l == lo_[e] && h == hi_[e]) continue;
      x_[e] = greatest(std::fabs(lo_[e]), std::fabs(hi_[e]));
      any = true;
    }
    if (any) changed_at_[fresh_] = ++clock_;
    other.bounded_at = clock_;
  }
}

void Context::bound_element(uint32_t o, uint32_t i) {
  const Operator& op = program_.operators[o];
  Other& other = other_[o];
  const double e = error(o, i);
  Bounds bounds{};
  switch (op.kind) {
    case Kind::relu:
      bounds = relu_bounds(lo_[op.source[i]], hi_[op.source[i]]);
      break;
    case Kind::leaky_relu:
      bounds = leaky_relu_bounds(lo_[op.source[i]], hi_[op.source[i]], op.alpha, e);
      break;
    case Kind::maxpool: {
      const Pool pool = maxpool(&op.source[op.start[i]], op.start[i + 1] - op.start[i], lo_.data(), hi_.data(), e);
      other.lines.source[i] = pool.source;
      other.lines.line[i] = pool.curve.line;
      bounds = pool.curve.bounds;
      break;
    }
    case Kind::constant:
      bounds = {op.value[i], op.value[i]};
      other.lines.line[i] = {0, 0, op.value[i], op.value[i]};
      break;
    case Kind::sigmoid:
    case Kind::tanh:
    case Kind::exp:
    case Kind::reciprocal:
    case Kind::sqrt:
    case Kind::sin:
    case Kind::cos:
      bound_curve(o, i, e);
      return;
    case Kind::product:
      bound_product(o, i);
      return;
    case Kind::input:
    case Kind::affine:
    case Kind::softmax:
      return;
  }
  lo_[op.first + i] = bounds.lo;
  hi_[op.first + i] = bounds.hi;
}

// The lines of a curve take some hundred divisions: kept as long as the bounds of
// its source are the same two numbers.
void Context::bound_curve(uint32_t o, uint32_t i, double e) {
  const Operator& op = program_.operators[o];
  const double l = lo_[op.source[i]], h = hi_[op.source[i]];
  Bounds& source = other_[o].sources[i];
  if (source.lo == l && source.hi == h) return;
  Curve curve{};
  if (is_smooth(op.kind)) {
    const Relaxation relaxation = smooth(op.kind, l, h, semantics_);
    curve = {relaxation.line, relaxation.bounds};
    other_[o].errors[i] = relaxation.error;
  } else {
    curve = op.kind == Kind::sigmoid ? sigmoid(l, h, e) : tanh(l, h, e);
  }
  source = {l, h};
  other_[o].lines.line[i] = curve.line;
  lo_[op.first + i] = curve.bounds.lo;
  hi_[op.first + i] = curve.bounds.hi;
}

void Context::bound_share(uint32_t o, uint32_t i) {
  const Operator& op = program_.operators[o];
  Other& other = other_[o];
  const size_t g = size_t(std::upper_bound(op.start.begin(), op.start.end(), uint64_t(i)) - op.start.begin()) - 1;
  std::vector<Bounds> sources;
  for (uint64_t t = op.start[g]; t < op.start[g + 1]; ++t) sources.push_back(bounds(op.source[t]));
  const double n = double(sources.size()), m = other.most_in_step;
  ShareRelaxation found = share(sources, i - op.start[g], semantics_);
  other.lines.slopes[i] = std::move(found.slope);
  other.lines.line[i] = {0, 0, found.offset, 0};
  other.lines.q[i] = (share_error(n, semantics_) + ((m + 4) * kU) * found.size) + kTau;
  lo_[op.first + i] = found.bounds.lo;
  hi_[op.first + i] = found.bounds.hi;
}

void Context::bound_product(uint32_t o, uint32_t i) {
  const Operator& op = program_.operators[o];
  Other& other = other_[o];
  const uint32_t a = op.source[2 * i], b = op.source[2 * i + 1];
  const auto [of_first, second_lo, second_hi] =
      a == b ? square(bounds(a), semantics_) : product(bounds(a), bounds(b), semantics_);
  other.lines.line[i] = of_first.line;
  other.lines.second[i] = {second_lo, second_hi};
  other.errors[i] = of_first.error;
  lo_[op.first + i] = of_first.bounds.lo;
  hi_[op.first + i] = of_first.bounds.hi;
}

bool Context::domain_holds(uint32_t o, uint32_t i) {
  refresh(o);
  const Operator& op = program_.operators[o];
  if (op.is_product()) return product_domain_holds(bounds(op.source[2 * i]), bounds(op.source[2 * i + 1]));
  return !is_smooth(op.kind) || checker::domain_holds(op.kind, lo_[op.source[i]], hi_[op.source[i]]);
}

double Context::error(uint32_t o, uint32_t i) const {
  const Operator& op = program_.operators[o];
  switch (op.kind) {
    case Kind::relu:
    case Kind::maxpool:
      return relu_error(semantics_);
    case Kind::leaky_relu:
      return leaky_relu_error(x_[op.source[i]], op.alpha, semantics_);
    case Kind::sigmoid:
    case Kind::tanh:
      return curve_error(semantics_);
    case Kind::exp:
    case Kind::reciprocal:
    case Kind::sqrt:
    case Kind::sin:
    case Kind::cos:
    case Kind::product:
      return other_[o].errors[i];
    case Kind::constant:
    case Kind::input:
    case Kind::affine:
    case Kind::softmax:
      break;
  }
  return 0;
}

// ---- Derived values

double Context::most_x(const std::vector<uint32_t>& ops) {
  double most = 0;
  for (const uint32_t o : ops) {
    if (most_x_at_[o] < changed_at_[o]) {
      const Operator& op = program_.operators[o];
      most_x_[o] = 0;
      for (uint32_t e = op.first; e < op.first + op.count; ++e) most_x_[o] = greatest(most_x_[o], x_[e]);
      most_x_at_[o] = clock_;
    }
    most = greatest(most, most_x_[o]);
  }
  return most;
}

const RowFigures& Context::charges(uint32_t o) {
  refresh(o);
  Affine& affine = affine_[o];
  const Operator& op = program_.operators[o];
  if (stale(o, affine.charged_at)) {
    compute_charges(op, *affine.constants, x_.data(), most_x(op.reads), semantics_, affine.figures);
    affine.charged_at = clock_;
  }
  return affine.figures;
}

const RowFigures& Context::intervals(uint32_t o) {
  charges(o);
  Affine& affine = affine_[o];
  if (stale(o, affine.bounded_at)) {
    compute_intervals(program_.operators[o], *affine.constants, lo_.data(), hi_.data(), affine.figures);
    affine.bounded_at = clock_;
  }
  return affine.figures;
}

// Of a relu or leaky_relu.
void Context::set_line(const Operator& op, uint32_t i, const Slopes& slopes, Line& line) const {
  const double l = lo_[op.source[i]], h = hi_[op.source[i]];
  const Slope slope = l < 0 && h > 0 ? slopes.of(op.first + i) : Slope{};  // only open ones have a byte
  line = op.kind == Kind::relu ? relu_line(l, h, slope) : leaky_relu_line(l, h, op.alpha, slope);
}

const Lines& Context::lines(uint32_t o, const Slopes& slopes) {
  refresh(o + 1);
  Other& other = other_[o];
  const Operator& op = program_.operators[o];
  const bool other_rule = op.is_hinge() && (slopes.rule == Slope::by_byte || slopes.rule != other.rule);
  const bool other_bounds = stale(o, other.lined_at);
  if (!other_rule && !other_bounds) return other.lines;
  for (uint32_t i = 0; i < op.count; ++i) {
    if (!other_bounds && !is_open(op.source[i])) continue;  // its line has no choice
    if (op.is_hinge()) set_line(op, i, slopes, other.lines.line[i]);
    const double e = error(o, i), m = double(op.count);
    if (op.is_product()) {
      const double x1 = x_[op.source[2 * i]], x2 = x_[op.source[2 * i + 1]];
      const SecondSlopes& second = other.lines.second[i];
      other.lines.q[i] = product_charge(other.lines.line[i], x1, second.lo, second.hi, x2, e, m);
      continue;
    }
    const double x = op.kind == Kind::constant  ? 0
                     : op.kind == Kind::maxpool ? x_[other.lines.source[i]]
                                                : x_[op.source[i]];
    other.lines.q[i] = line_charge(other.lines.line[i], x, e, m);
  }
  other.rule = slopes.rule;
  other.lined_at = clock_;
  return other.lines;
}

}  // namespace checker
