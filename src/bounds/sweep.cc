// Backward sweeps with rounding charges (spec/certificate.md, section 7); one function per step of the section.
#include "bounds/sweep.h"

#include <algorithm>
#include <utility>

#include "runtime/batched_matrix.h"

namespace axiom {

static_assert(sizeof(Lines) == 4 * sizeof(double));

Sweep::Sweep(const BoundProgram& program) : program_(program) {
  a_.assign(size_t{program.program.element_count} * kMaxLanes, 0.0);
  range_.resize(program.ops.size());
  uint32_t largest = 0;
  for (const CoreOp& op : program.program.ops) largest = std::max(largest, op.count);
  active_.resize(largest);
}

void Sweep::begin(int lanes) {
  lanes_ = lanes;
  width_ = lanes == 1 ? 1 : lanes <= 4 ? 4 : 8;
  std::fill_n(a_.begin(), size_t{program_.program.input_count} * kMaxLanes, 0.0);
  std::fill(range_.begin(), range_.end(), Range{});
  constant_.fill(0);
  failed_.fill(0);
  specs_.fill(nullptr);
}

void Sweep::add(int lane, ElementId e, double coefficient) {
  a_[size_t{e} * width_ + lane] += coefficient;
  touch(program_.op_of[e], e, e);
}

void Sweep::touch(uint32_t p, ElementId first, ElementId last) {
  const CoreOp& op = program_.program.ops[p];
  first = std::max(first, op.first);
  last = std::min(last, op.first + op.count - 1);
  if (first > last) return;
  Range& range = range_[p];
  range = range.empty() ? Range{first, last} : Range{std::min(range.first, first), std::max(range.last, last)};
}

bool Sweep::custom_slopes() const {
  return std::any_of(specs_.begin(), specs_.begin() + lanes_,
                     [](const SlopeSpec* s) { return s != nullptr && s->rule != SlopeRule::kAdaptive; });
}

bool Sweep::custom_multipliers() const {
  return std::any_of(specs_.begin(), specs_.begin() + lanes_,
                     [](const SlopeSpec* s) { return s != nullptr && !s->multipliers.empty(); });
}

void Sweep::run(BoundContext& context, uint32_t top, bool keep) {
  keep_ = keep;
  context.refresh(top + 1);
  slopes_differ_ = custom_slopes();
  if (slopes_differ_) fill_lane_slopes(context, top);
  if (keep && kept_.size() != a_.size()) kept_.assign(a_.size(), 0.0);
  const bool multipliers = custom_multipliers();
  for (uint32_t p = top; p > 0; --p) {
    if (multipliers) apply_multipliers(context, p);
    if (keep) keep_coefficients(p);
    if (!range_[p].empty()) step(context, p);
  }
  finish(context);
}

// Lower slopes per lane for lanes whose rule is not the default, and their charges, of the operators up to `top`.
void Sweep::fill_lane_slopes(BoundContext& context, uint32_t top) {
  lane_slopes_.resize(a_.size());
  lane_charges_.resize(a_.size());
  std::array<size_t, kMaxLanes> next{};
  for (uint32_t p = 0; p <= top; ++p) {
    const CoreOp& op = program_.program.ops[p];
    if (op.kind == CoreKind::kInput || op.kind == CoreKind::kAffine) continue;
    for (ElementId e = op.first; e < op.first + op.count; ++e) {
      double* slopes = lane_slopes_.data() + size_t{e} * width_;
      double* charges = lane_charges_.data() + size_t{e} * width_;
      std::fill_n(slopes, width_, context.lines(e).lower_slope);
      std::fill_n(charges, width_, context.charge_factor(e));
      if (!is_hinge(op)) continue;
      const ElementId c = context.line_source(e);
      const double l = context.lo(c), h = context.hi(c);
      if (!(l < 0 && h > 0)) continue;
      for (int k = 0; k < lanes_; ++k) {
        const SlopeSpec* spec = specs_[k];
        if (spec == nullptr || spec->rule == SlopeRule::kAdaptive) continue;
        const bool explicit_rule = spec->rule == SlopeRule::kExplicit;
        slopes[k] = lower_slope(spec->rule, l, h, op.alpha, explicit_rule ? spec->bytes[next[k]++] : 0);
        charges[k] = context.hinge_charge(e, slopes[k]);
      }
    }
  }
}

void Sweep::apply_multipliers(BoundContext& context, uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  if (op.kind != CoreKind::kAffine) return;
  for (int k = 0; k < lanes_; ++k) {
    if (specs_[k] == nullptr) continue;
    const auto& list = specs_[k]->multipliers;
    auto it = std::lower_bound(list.begin(), list.end(), op.first,
                               [](const Multiplier& m, ElementId e) { return m.element < e; });
    for (; it != list.end() && it->element < op.first + op.count; ++it) {
      const double beta = it->beta;
      const double bound = beta > 0 ? context.lo(it->element) : context.hi(it->element);
      const double v = beta * bound;
      add(k, it->element, -beta);
      const double a = a_[size_t{it->element} * width_ + k];
      constant_[k] += v;
      charge_constant(
          k, (2 * kUnit) * (std::fabs(v) + (std::fabs(a) + std::fabs(beta)) * context.magnitude(it->element)) + kTau);
    }
  }
}

void Sweep::keep_coefficients(uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  if (op.kind != CoreKind::kUnary && op.kind != CoreKind::kProduct) return;
  const size_t from = size_t{op.first} * width_, count = size_t{op.count} * width_;
  std::copy_n(a_.begin() + static_cast<std::ptrdiff_t>(from), count, kept_.begin() + static_cast<std::ptrdiff_t>(from));
}

void Sweep::step(BoundContext& context, uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  const BoundOp& data = program_.ops[p];
  const Range range = std::exchange(range_[p], Range{});
  const uint32_t offset = range.first - op.first, count = range.last - range.first + 1;
  double* a = a_.data() + size_t{op.first} * width_;
  double* held = a + size_t{offset} * width_;
  const size_t found = find_active(held, count, width_, kCoefficientCap, active_.data(), failed_.data());
  if (found == 0) return;
  for (size_t k = 0; k < found; ++k) active_[k] += offset;
  const std::span<const uint32_t> active(active_.data(), found);
  for (int k = 0; k < lanes_; ++k) failed_[k] = failed_[k] != 0 || !(std::fabs(constant_[k]) <= kConstantCap);

  const bool shared = std::any_of(data.reads.begin(), data.reads.end(), [&](uint32_t q) { return !range_[q].empty(); });
  if (shared && temp_.size() != a_.size()) temp_.assign(a_.size(), 0.0);
  double* out = shared ? temp_.data() : a_.data();
  ElementId first = ~ElementId{0}, last = 0;  // Columns that the step writes.
  if (op.kind == CoreKind::kAffine) {
    weighted_sums(active, a, width_, op.bias.data(), &context.charge_factors()[op.first], t1_.data(), t2_.data(),
                  t3_.data());
    if (data.dense_width > 0) {
      multiply_accumulate(DenseMatrixView{data.dense.data(), data.dense_width}, active, a, width_,
                          out + size_t{data.dense_first} * width_);
    } else if (width_ > 1 && data.blocks.pays(active.size())) {
      multiply_accumulate(data.blocks, active, a, width_, out);
    } else {
      multiply_accumulate(SparseMatrixView{op.rows.begin.data(), op.rows.column.data(), op.rows.weight.data()}, active,
                          a, width_, out);
    }
    for (const uint32_t r : active) {
      if (data.first_column[r] > data.last_column[r]) continue;
      first = std::min(first, data.first_column[r]);
      last = std::max(last, data.last_column[r]);
    }
  } else if (op.kind == CoreKind::kSoftmax) {
    softmax_sums(context, p, range);
    if (data.sharp) {
      apply_shares(context, p, range, out);
      for (const ElementId c : op.source) {
        first = std::min(first, c);
        last = std::max(last, c);
      }
    }
  } else if (op.kind == CoreKind::kProduct) {
    apply_products(context, p, active, out);
    for (const uint32_t r : active) {
      for (const ElementId c : {op.source[2 * size_t{r}], op.source[2 * size_t{r} + 1]}) {
        first = std::min(first, c);
        last = std::max(last, c);
      }
    }
  } else {
    const LinesView view{reinterpret_cast<const double*>(&context.lines(op.first)),
                         slopes_differ_ ? lane_slopes_.data() + size_t{op.first} * width_ : nullptr,
                         &context.line_sources()[op.first], &context.charge_factors()[op.first],
                         slopes_differ_ ? lane_charges_.data() + size_t{op.first} * width_ : nullptr};
    apply_lines(view, active, a, width_, out, t1_.data(), t2_.data(), t3_.data());
    for (const uint32_t r : active) {
      first = std::min(first, view.source[r]);
      last = std::max(last, view.source[r]);
    }
  }
  const double scale = (2 * data.step_rows + 16) * kUnit;
  const double underflow = kTau * (1 + data.term_count * context.source_magnitude(p));
  for (int k = 0; k < lanes_; ++k) {
    const bool idle = t2_[k] == 0 && t3_[k] == 0 && t1_[k] == 0 && lane_is_idle(a, active, k);
    if (idle) continue;
    const double size = std::fabs(constant_[k]) + t3_[k];
    constant_[k] = ((constant_[k] + t1_[k]) - t2_[k]) - (scale * (size + t2_[k]) + underflow);
  }
  std::fill_n(held, size_t{count} * width_, 0.0);
  if (shared) merge(context, p, first, last);
  for (const uint32_t q : data.reads) touch(q, first, last);
}

// The lines of products have a term for each factor.
void Sweep::apply_products(const BoundContext& context, uint32_t p, std::span<const uint32_t> active, double* out) {
  const CoreOp& op = program_.program.ops[p];
  for (auto* sum : {&t1_, &t2_, &t3_}) sum->fill(0);
  for (const uint32_t r : active) {
    const ElementId e = op.first + r;
    const Lines& lines = context.lines(e);
    const SecondSlopes second = context.second_slopes(e);
    double* x = out + size_t{op.source[2 * size_t{r}]} * width_;
    double* y = out + size_t{op.source[2 * size_t{r} + 1]} * width_;
    for (int k = 0; k < lanes_; ++k) {
      const double a = a_[size_t{e} * width_ + k];
      if (a == 0) continue;
      const double offset = a > 0 ? lines.lower_offset : lines.upper_offset;
      t1_[k] += a * offset;
      t2_[k] += std::fabs(a) * context.charge_factor(e);
      t3_[k] += std::fabs(a) * std::fabs(offset);
      x[k] += a * (a > 0 ? lines.lower_slope : lines.upper_slope);
      y[k] += a * (a > 0 ? second.lower : second.upper);
    }
  }
}

// One row a group, with the least coefficient of the group: what the others are above it belongs to elements that are
// not negative, and the sum of the group is about 1.
void Sweep::softmax_sums(const BoundContext& context, uint32_t p, Range range) {
  const CoreOp& op = program_.program.ops[p];
  for (auto* sum : {&t1_, &t2_, &t3_}) sum->fill(0);
  for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
    const ElementId first = op.first + op.window_begin[g], end = op.first + op.window_begin[g + 1];
    if (end <= range.first || range.last < first) continue;  // All its coefficients are 0.
    const double error = softmax_bounds(end - first, context.semantics()).error;
    const double q = (error + ((program_.ops[p].step_rows + 4) * kUnit) * 1) + kTau;
    for (int k = 0; k < lanes_; ++k) {
      double least = a_[size_t{first} * width_ + k];
      for (ElementId e = first + 1; e < end; ++e) least = spec_min(least, a_[size_t{e} * width_ + k]);
      t1_[k] += least;
      t2_[k] += std::fabs(least) * q;
      t3_[k] += std::fabs(least);
    }
  }
}

// What the coefficients of a sharp group have above the least one goes to the lines of its elements.
void Sweep::apply_shares(const BoundContext& context, uint32_t p, Range range, double* out) {
  const CoreOp& op = program_.program.ops[p];
  for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
    const uint32_t begin = op.window_begin[g], end = op.window_begin[g + 1];
    if (op.first + end <= range.first || range.last < op.first + begin) continue;
    for (int k = 0; k < lanes_; ++k) {
      double least = a_[size_t{op.first + begin} * width_ + k];
      for (uint32_t i = begin + 1; i < end; ++i) least = spec_min(least, a_[size_t{op.first + i} * width_ + k]);
      for (uint32_t i = begin; i < end; ++i) {
        const ElementId e = op.first + i;
        const std::vector<double>& slopes = context.share_slopes(e);
        const double w = a_[size_t{e} * width_ + k] - least;
        if (slopes.empty() || !(w > 0)) continue;
        const double offset = context.lines(e).lower_offset;
        t1_[k] += w * offset;
        t2_[k] += w * context.charge_factor(e);
        t3_[k] += w * std::fabs(offset);
        for (uint32_t j = begin; j < end; ++j) out[size_t{op.source[j]} * width_ + k] += w * slopes[j - begin];
      }
    }
  }
}

// The specification skips an operator for a target that has no coefficient there.
bool Sweep::lane_is_idle(const double* a, std::span<const uint32_t> active, int lane) const {
  return std::none_of(active.begin(), active.end(), [&](uint32_t r) { return a[size_t{r} * width_ + lane] != 0; });
}

// Adds temp to the coefficients that the sources already have, with the charge for it.
void Sweep::merge(BoundContext& context, uint32_t p, ElementId first, ElementId last) {
  std::array<double, kMaxLanes> t4{};
  std::array<bool, kMaxLanes> added{};
  for (uint32_t q : program_.ops[p].reads) {
    const CoreOp& source = program_.program.ops[q];
    const ElementId end = std::min(source.first + source.count, last + 1);
    for (ElementId e = std::max(source.first, first); e < end; ++e) {
      double* target = a_.data() + size_t{e} * width_;
      double* temp = temp_.data() + size_t{e} * width_;
      for (int k = 0; k < width_; ++k) {
        const double v = target[k] + temp[k];
        if (target[k] != 0 && temp[k] != 0) {
          t4[k] += std::fabs(v) * context.magnitude(e);
          added[k] = true;
        }
        target[k] = v;
        temp[k] = 0;
      }
    }
  }
  for (int k = 0; k < lanes_; ++k) {
    if (added[k]) charge_constant(k, (2 * kUnit) * t4[k]);
  }
}

void Sweep::finish(const BoundContext& context) {
  const uint32_t n = program_.program.input_count;
  std::array<double, kMaxLanes> t1{}, t3{}, greatest{};
  const double *lo = context.lows().data(), *hi = context.highs().data(), *magnitude = context.magnitudes().data();
  least_over_box(a_.data(), n, width_, lo, hi, magnitude, t1.data(), t3.data(), greatest.data());
  for (int k = 0; k < lanes_; ++k) {
    const bool within = std::fabs(constant_[k]) <= kConstantCap && greatest[k] <= kCoefficientCap;
    const double bound = (constant_[k] + t1[k]) - (((2.0 * n + 16) * kUnit) * (std::fabs(constant_[k]) + t3[k]) + kTau);
    failed_[k] = failed_[k] != 0 || !within || !std::isfinite(bound);
    bound_[k] = failed_[k] != 0 ? -kInfinity : bound;
  }
}

std::vector<OpenHinge> open_hinges(const BoundContext& context, uint32_t end) {
  std::vector<OpenHinge> hinges;
  for (uint32_t p = 0; p < end; ++p) {
    const CoreOp& op = context.program().program.ops[p];
    if (!is_hinge(op)) continue;
    for (ElementId e = op.first; e < op.first + op.count; ++e) {
      const ElementId c = context.line_source(e);
      if (context.lo(c) < 0 && context.hi(c) > 0) hinges.push_back({e, c});
    }
  }
  return hinges;
}

std::vector<uint32_t> swept_rows(const BoundContext& context, uint32_t p) {
  const BoundOp& data = context.program().ops[p];
  const CoreOp& op = context.program().program.ops[p];
  std::vector<uint32_t> rows;
  for (uint32_t i : data.relevant_rows) {
    const double l = context.lo(op.first + i), h = context.hi(op.first + i);
    if (!(l < h)) continue;
    if (!data.piecewise[i] || (l < 0 && h > 0)) rows.push_back(i);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [&](uint32_t a, uint32_t b) { return data.first_column[a] < data.first_column[b]; });
  return rows;
}

namespace {

constexpr size_t kPairs = Sweep::kMaxLanes / 2;
// Rows that one thread takes at a time, and how many there must be for that.
constexpr int64_t kShare = 16 * kPairs;

// Lower bounds of the rows and of their negatives, of up to kPairs of them.
void bound_rows(BoundContext& context, Sweep& sweep, uint32_t p, SlopeRule rule, std::span<const uint32_t> rows,
                double* conclusions) {
  const ElementId first = context.program().program.ops[p].first;
  const SlopeSpec spec{rule, {}, {}};
  sweep.begin(static_cast<int>(2 * rows.size()));
  for (size_t k = 0; k < rows.size(); ++k) {
    const int low = static_cast<int>(2 * k);
    for (int lane : {low, low + 1}) sweep.set_slopes(lane, &spec);
    sweep.add(low, first + rows[k], 1);
    sweep.add(low + 1, first + rows[k], -1);
  }
  sweep.run(context, p);
  for (size_t k = 0; k < 2 * rows.size(); ++k) conclusions[k] = sweep.bound(static_cast<int>(k));
}

}  // namespace

bool sweep_rows(BoundContext& context, Sweep& sweep, uint32_t p, const PropagatePlan& plan,
                std::vector<double>* record) {
  const ElementId first = context.program().program.ops[p].first;
  const uint32_t inputs = context.program().program.input_count;
  const std::vector<uint32_t> rows = swept_rows(context, p);
  std::vector<double> conclusions(rows.size() * 2);
  const auto stopped = [&] { return plan.stop && plan.stop(); };
  const auto bound = [&](Sweep& with, size_t from, size_t end) {
    for (; from < end && !stopped(); from += kPairs) {
      const size_t count = std::min(kPairs, end - from);
      bound_rows(context, with, p, plan.rule, std::span(rows).subspan(from, count), &conclusions[2 * from]);
      for (size_t k = 0; record != nullptr && k < count; ++k) {
        double* row = record->data() + size_t{first + rows[from + k]} * inputs;
        for (uint32_t j = 0; j < inputs; ++j) row[j] = with.input_coefficient(static_cast<int>(2 * k), j);
      }
    }
  };
  if (plan.threads != nullptr && rows.size() > kShare) {
    context.refresh(p + 1);  // The threads find nothing to refresh.
    plan.threads->parallel_for(static_cast<int64_t>(rows.size()), kShare, [&](int64_t begin, int64_t end) {
      Sweep own(context.program());
      bound(own, static_cast<size_t>(begin), static_cast<size_t>(end));
    });
  } else {
    bound(sweep, 0, rows.size());
  }
  if (stopped()) return false;
  for (size_t k = 0; k < rows.size(); ++k) {
    context.intersect(first + rows[k], conclusions[2 * k], -conclusions[2 * k + 1]);
  }
  return true;
}

void apply(BoundContext& context, uint32_t p, std::span<const Tightening> found) {
  const ElementId first = context.program().program.ops[p].first;
  for (const Tightening& t : found) {
    if (t.upper)
      context.intersect(first + t.row, -kInfinity, -t.bound);
    else
      context.intersect(first + t.row, t.bound, kInfinity);
  }
}

PropagateEnd propagate(BoundContext& context, Sweep& sweep, const PropagatePlan& plan, std::vector<double>* record) {
  const BoundProgram& program = context.program();
  for (uint32_t p = 1; p < program.ops.size(); ++p) {
    if (program.program.ops[p].kind != CoreKind::kAffine) {
      if (plan.check_premise && !context.is_defined(p)) return PropagateEnd::kOverflow;
      continue;
    }
    if (!context.interval_step(p, plan.check_premise)) return PropagateEnd::kOverflow;
    const bool listed = std::binary_search(plan.sweep_ops.begin(), plan.sweep_ops.end(), p);
    if ((plan.sweep_all || listed) && !sweep_rows(context, sweep, p, plan, record)) return PropagateEnd::kStopped;
  }
  return PropagateEnd::kDone;
}

}  // namespace axiom
