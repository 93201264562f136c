// The backward sweep, step by step as spec/certificate.md section 7 numbers them.
// Elements that may have a coefficient are marked in a bit set, so that a step
// touches what a target depends on and no more.
#include "sweep.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "arithmetic.h"

namespace checker {
namespace {

void mark(std::vector<uint64_t>& marks, uint32_t e) { marks[e / 64] |= uint64_t(1) << (e % 64); }

// Of the word of elements base .. base + 63, the bits of those in [first, end).
uint64_t mask_of(uint64_t base, uint64_t first, uint64_t end) {
  uint64_t mask = ~uint64_t(0);
  if (base < first) mask &= ~uint64_t(0) << (first - base);
  if (end - base < 64) mask &= (uint64_t(1) << (end - base)) - 1;
  return mask;
}

void mark_run(std::vector<uint64_t>& marks, uint64_t first, uint64_t end) {
  for (uint64_t e = first; e < end;) {
    const uint64_t in_word = std::min<uint64_t>(64 - e % 64, end - e);
    marks[e / 64] |= (in_word == 64 ? ~uint64_t(0) : (uint64_t(1) << in_word) - 1) << (e % 64);
    e += in_word;
  }
}

bool any_marked(const std::vector<uint64_t>& marks, uint64_t first, uint64_t end) {
  for (uint64_t base = first / 64 * 64; base < end; base += 64) {
    if ((marks[base / 64] & mask_of(base, first, end)) != 0) return true;
  }
  return false;
}

// Calls visit(e) for every marked e in [first, end), increasing, and unmarks it.
template <class Visit>
void take_marked(std::vector<uint64_t>& marks, uint64_t first, uint64_t end, const Visit& visit) {
  for (uint64_t base = first / 64 * 64; base < end; base += 64) {
    uint64_t bits = marks[base / 64] & mask_of(base, first, end);
    marks[base / 64] &= ~bits;
    for (; bits != 0; bits &= bits - 1) visit(uint32_t(base + uint64_t(std::countr_zero(bits))));
  }
}

constexpr double kMostCoefficient = 0x1p500, kMostConstant = 0x1p1000;

}  // namespace

template <int L>
Sweep<L>::Sweep(const Program& program)
    : program_(program),
      a_(program_.elements()),
      temp_(program_.elements()),
      a_marks_(program_.elements() / 64 + 1),
      temp_marks_(program_.elements() / 64 + 1) {}

template <int L>
void Sweep<L>::add(int l, uint32_t e, double coefficient) {
  a_[e].v[l] = a_[e].v[l] + coefficient;
  mark(a_marks_, e);
}

template <int L>
void Sweep<L>::clear() {
  take_marked(a_marks_, 0, program_.elements(), [&](uint32_t e) { a_[e] = {}; });
  c_ = {};
  std::fill(failed_, failed_ + L, false);
}

template <int L>
void Sweep<L>::run(Context& context, uint32_t top, const Slopes& slopes) {
  std::fill(slopes_, slopes_ + L, slopes);
  slopes_differ_ = false;
  run(context, top);
}

template <int L>
void Sweep<L>::run(Context& context, uint32_t top, std::span<const Hints> hints) {
  std::fill(slopes_, slopes_ + L, Slopes{});
  for (size_t l = 0; l < hints.size(); ++l) {
    slopes_[l] = hints[l].slopes;
    multipliers_[l] = hints[l].multipliers;
  }
  slopes_differ_ = L > 1;
  run(context, top);
  std::fill(multipliers_, multipliers_ + L, std::span<const Multiplier>());
}

template <int L>
void Sweep<L>::run(Context& context, uint32_t top) {
  context_ = &context;
  context.refresh(top);
  for (uint32_t o = top; o-- > 1;) {
    const Operator& op = program_.operators[o];
    for (int l = 0; l < L; ++l) {
      if (!multipliers_[l].empty()) take_multipliers(op, l);
    }
    if (!collect(op)) continue;
    const bool hopeless = std::all_of(failed_, failed_ + L, [](bool failed) { return failed; });
    const bool first = choose_target(op);
    if (!hopeless) step(o);
    for (const uint32_t i : rows_) a_[op.first + i] = {};
    if (hopeless) return;
    if (!first) merge(op);
  }
  finish();
}

// Step 1. They are taken from the end, since operators come in decreasing order,
// but applied by increasing element.
template <int L>
void Sweep<L>::take_multipliers(const Operator& op, int l) {
  std::span<const Multiplier>& multipliers = multipliers_[l];
  size_t first = multipliers.size();
  while (first > 0 && multipliers[first - 1].element >= op.first) --first;
  for (const auto& [e, beta] : multipliers.subspan(first)) {
    add(l, e, -beta);
    const double v = beta * (beta > 0 ? context_->lo(e) : context_->hi(e));
    double& c = c_.v[l];
    c = c + v;
    c = charge(c, (2 * kU) * (std::fabs(v) + (std::fabs(a_[e].v[l]) + std::fabs(beta)) * context_->x(e)) + kTau);
  }
  multipliers = multipliers.first(first);
}

// Lists the rows of `op` with a coefficient and notes per lane whether there is
// one. False if all are 0. Step 2: a lane whose coefficients are too large fails.
// In a block, a row that is 0 in all lanes may stay in the list, where it adds zeros.
template <int L>
bool Sweep<L>::collect(const Operator& op) {
  rows_.clear();
  take_marked(a_marks_, op.first, uint64_t(op.first) + op.count, [&](uint32_t e) {
    if (L > 1 || a_[e].v[0] != 0) rows_.push_back(e - op.first);
  });
  Lanes<L> size;
  measure(rows_.data(), rows_.size(), a_.data() + op.first, size);
  bool any = false;
  for (int l = 0; l < L; ++l) {
    active_[l] = size.v[l] != 0;
    any = any || active_[l];
    const bool within = size.v[l] <= kMostCoefficient && std::fabs(c_.v[l]) <= kMostConstant;
    if (active_[l] && !within) failed_[l] = true;
  }
  return any;
}

// The temp of step 3. If nothing that `op` reads has a coefficient yet, temp becomes A as it is: then it is A from the
// start, which is true.
template <int L>
bool Sweep<L>::choose_target(const Operator& op) {
  const bool first = std::none_of(op.reads.begin(), op.reads.end(), [this](uint32_t read) {
    const Operator& source = program_.operators[read];
    return any_marked(a_marks_, source.first, uint64_t(source.first) + source.count);
  });
  to_ = first ? a_.data() : temp_.data();
  to_marks_ = first ? &a_marks_ : &temp_marks_;
  return first;
}

// Step 3.
template <int L>
void Sweep<L>::step(uint32_t o) {
  switch (program_.operators[o].kind) {
    case Kind::affine:
      return affine_step(o);
    case Kind::softmax:
      return group_step(o);
    case Kind::product:
      return product_step(o);
    case Kind::relu:
    case Kind::leaky_relu:
      return slopes_differ_ ? hinge_step(o) : line_step(o, slopes_[0]);
    default:
      return line_step(o, slopes_[0]);
  }
}

// For rows.
template <int L>
void Sweep<L>::affine_step(uint32_t o) {
  const Operator& op = program_.operators[o];
  const RowFigures& figures = context_->charges(o);
  const RowConstants& constants = context_->constants(o);
  RowSums<L> sums;
  const Lanes<L>* a = a_.data() + op.first;
  sum_rows(rows_.data(), rows_.size(), a, op.bias.data(), figures.q.data(), sums);
  // In chunks, so that the terms are still at hand when their elements are marked.
  constexpr size_t kChunk = 16;
  for (size_t r = 0; !constants.dense && r < rows_.size(); r += kChunk) {
    const size_t count = std::min(kChunk, rows_.size() - r);
    accumulate(op, false, rows_.data() + r, count, a, to_);
    for (const uint32_t i : std::span(rows_).subspan(r, count)) {
      for (uint64_t t = op.start[i]; t < op.start[i + 1]; ++t) mark(*to_marks_, op.source[t]);
    }
  }
  if (constants.dense) {
    accumulate(op, true, rows_.data(), rows_.size(), a, to_);
    mark_run(*to_marks_, op.source[0], op.source[0] + op.terms() / op.count);
  }
  take_sums(op, sums, constants.most, double(op.terms()));
}

// For lines.
template <int L>
void Sweep<L>::line_step(uint32_t o, const Slopes& slopes) {
  const Operator& op = program_.operators[o];
  const Lines& lines = context_->lines(o, slopes);
  const uint32_t* sources = op.kind == Kind::maxpool ? lines.source.data() : op.source.data();
  if (op.kind == Kind::constant) sources = nullptr;
  RowSums<L> sums;
  accumulate_lines(lines.line.data(), lines.q.data(), sources, rows_.data(), rows_.size(), a_.data() + op.first, to_,
                   sums);
  for (const uint32_t i : rows_) {
    const bool flat = lines.line[i].s_lo == 0 && lines.line[i].s_hi == 0;
    if (sources != nullptr && !flat) mark(*to_marks_, sources[i]);
  }
  take_sums(op, sums, double(op.count), double(op.count));
}

// For lines of relu and leaky_relu, whose lower slope is another one in every lane.
template <int L>
void Sweep<L>::hinge_step(uint32_t o) {
  const Operator& op = program_.operators[o];
  const Lines& lines = context_->lines(o, {});
  const double alpha = op.kind == Kind::relu ? 0 : op.alpha;
  hinges_.clear();
  hinge_slopes_.clear();
  for (const uint32_t i : rows_) {
    const uint32_t source = op.source[i];
    const Line& line = lines.line[i];
    hinges_.push_back({line.s_hi, line.k_hi, context_->x(source), context_->line_error(o, i)});
    Lanes<L>& slopes = hinge_slopes_.emplace_back();
    const bool open = context_->is_open(source);
    for (int l = 0; l < L; ++l) {
      slopes.v[l] = open ? lower_slope(context_->lo(source), context_->hi(source), alpha, slopes_[l].of(op.first + i))
                         : line.s_lo;
    }
    mark(*to_marks_, source);
  }
  RowSums<L> sums;
  accumulate_hinges(hinges_.data(), hinge_slopes_.data(), double(op.count), op.source.data(), rows_.data(),
                    rows_.size(), a_.data() + op.first, to_, sums);
  take_sums(op, sums, double(op.count), double(op.count));
}

// For lines over two sources.
template <int L>
void Sweep<L>::product_step(uint32_t o) {
  const Operator& op = program_.operators[o];
  const Lines& lines = context_->lines(o, slopes_[0]);
  const Lanes<L>* a = a_.data() + op.first;
  RowSums<L> sums;
  for (const uint32_t i : rows_) {
    const Line& line = lines.line[i];
    const SecondSlopes& second = lines.second[i];
    const uint32_t first_source = op.source[2 * i], second_source = op.source[2 * i + 1];
    for (int l = 0; l < L; ++l) {
      const double v = a[i].v[l];
      if (v == 0) continue;
      const bool low = v > 0;
      const double k = low ? line.k_lo : line.k_hi, s = low ? line.s_lo : line.s_hi, t = low ? second.lo : second.hi;
      sums.t1.v[l] = sums.t1.v[l] + v * k;
      sums.t2.v[l] = sums.t2.v[l] + std::fabs(v) * lines.q[i];
      sums.t3.v[l] = sums.t3.v[l] + std::fabs(v) * std::fabs(k);
      to_[first_source].v[l] = to_[first_source].v[l] + v * s;
      if (t != 0) to_[second_source].v[l] = to_[second_source].v[l] + v * t;
    }
    mark(*to_marks_, first_source);
    mark(*to_marks_, second_source);
  }
  take_sums(op, sums, double(op.count), 2 * double(op.count));
}

// For softmax. The least coefficient of a group is multiplied by the sum of the group, which is about 1; what the
// others are above it belongs to elements that are not negative and, where a product reads them, above their lines.
template <int L>
void Sweep<L>::group_step(uint32_t o) {
  const Operator& op = program_.operators[o];
  const Lanes<L>* a = a_.data() + op.first;
  RowSums<L> sums;
  for (size_t g = 0; g + 1 < op.start.size(); ++g) {
    const double e = softmax_error(double(op.start[g + 1] - op.start[g]), context_->semantics());
    const double q = line_charge({.s_lo = 0, .s_hi = 0, .k_lo = 1, .k_hi = 1}, 0, e, double(op.count));
    for (int l = 0; l < L; ++l) {
      double lowest = a[op.start[g]].v[l];
      for (uint64_t t = op.start[g] + 1; t < op.start[g + 1]; ++t) lowest = least(lowest, a[t].v[l]);
      if (lowest == 0) continue;
      sums.t1.v[l] = sums.t1.v[l] + lowest;
      sums.t2.v[l] = sums.t2.v[l] + std::fabs(lowest) * q;
      sums.t3.v[l] = sums.t3.v[l] + std::fabs(lowest);
    }
  }
  double terms = double(op.count);
  if (op.sharp) {
    terms = 0;
    for (size_t g = 0; g + 1 < op.start.size(); ++g) {
      terms = terms + double(op.start[g + 1] - op.start[g]) * double(op.start[g + 1] - op.start[g]);
      share_step(o, g, sums);
    }
  }
  take_sums(op, sums, double(op.count), terms);
}

// What the elements of one group have above the least coefficient goes to the lines of those that have one.
template <int L>
void Sweep<L>::share_step(uint32_t o, size_t g, RowSums<L>& sums) {
  const Operator& op = program_.operators[o];
  const Lines& lines = context_->shares(o);
  const uint64_t begin = op.start[g], end = op.start[g + 1];
  const Lanes<L>* a = a_.data() + op.first;
  Lanes<L> lowest = a[begin];
  for (uint64_t t = begin + 1; t < end; ++t) {
    for (int l = 0; l < L; ++l) lowest.v[l] = least(lowest.v[l], a[t].v[l]);
  }
  for (uint64_t t = begin; t < end; ++t) {
    const double k = lines.line[t].k_lo, q = lines.q[t];
    const std::vector<double>& slope = lines.slopes[t];
    if (k == 0 && std::all_of(slope.begin(), slope.end(), [](double s) { return s == 0; })) continue;
    for (int l = 0; l < L; ++l) {
      const double w = a[t].v[l] - lowest.v[l];
      if (!(w > 0)) continue;
      sums.t1.v[l] = sums.t1.v[l] + w * k;
      sums.t2.v[l] = sums.t2.v[l] + w * q;
      sums.t3.v[l] = sums.t3.v[l] + w * std::fabs(k);
      for (uint64_t s = begin; s < end; ++s) {
        double& temp = to_[op.source[s]].v[l];
        temp = temp + w * slope[s - begin];
      }
    }
    for (uint64_t s = begin; s < end; ++s) mark(*to_marks_, op.source[s]);
  }
}

template <int L>
void Sweep<L>::take_sums(const Operator& op, const RowSums<L>& sums, double most, double terms) {
  const double underflow = kTau * (1 + terms * context_->most_x(op.reads));
  for (int l = 0; l < L; ++l) {
    if (!active_[l]) continue;
    const double c = c_.v[l], t2 = sums.t2.v[l];
    c_.v[l] = ((c + sums.t1.v[l]) - t2) - (((2 * most + 16) * kU) * ((std::fabs(c) + sums.t3.v[l]) + t2) + underflow);
  }
}

// Step 4: temp becomes part of A; a sum of two coefficients is rounded, which is charged.
template <int L>
void Sweep<L>::merge(const Operator& op) {
  Lanes<L> t4{};
  bool merged[L] = {};
  for (const uint32_t read : op.reads) {
    const uint64_t first = program_.operators[read].first, end = first + program_.operators[read].count;
    take_marked(temp_marks_, first, end, [&](uint32_t e) {
      const bool fresh = (a_marks_[e / 64] >> (e % 64) & 1) == 0;  // all A[e] are 0
      if (fresh) {
        a_[e] = temp_[e];
      } else {
        for (int l = 0; l < L; ++l) {
          const double old = a_[e].v[l], temp = temp_[e].v[l];
          a_[e].v[l] = old + temp;
          if (old == 0 || temp == 0) continue;
          t4.v[l] = t4.v[l] + std::fabs(a_[e].v[l]) * context_->x(e);
          merged[l] = true;
        }
      }
      temp_[e] = {};
      mark(a_marks_, e);
    });
  }
  for (int l = 0; l < L; ++l) {
    if (merged[l]) c_.v[l] = charge(c_.v[l], (2 * kU) * t4.v[l]);
  }
}

// At the inputs.
template <int L>
void Sweep<L>::finish() {
  const uint32_t n = program_.inputs();
  for (int l = 0; l < L; ++l) {
    double t1 = 0, t3 = 0;
    bool within = std::fabs(c_.v[l]) <= kMostConstant;
    for (uint32_t j = 0; j < n; ++j) {
      const double a = a_[j].v[l];
      within = within && std::fabs(a) <= kMostCoefficient;
      t1 = t1 + (a > 0 ? a * context_->lo(j) : a * context_->hi(j));
      t3 = t3 + std::fabs(a) * context_->x(j);
    }
    bound_[l] = (c_.v[l] + t1) - (((2 * double(n) + 16) * kU) * (std::fabs(c_.v[l]) + t3) + kTau);
    failed_[l] = failed_[l] || !within || !std::isfinite(bound_[l]);
  }
}

template class Sweep<1>;
template class Sweep<kLanes>;

}  // namespace checker
