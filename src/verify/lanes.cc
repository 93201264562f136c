// Backward through the lines for a bound, forward along the minimising input for its supergradient.
#include "verify/lanes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "verify/adam.h"

namespace axiom {
namespace {

// Steps of slopes; those of multipliers are longer, by the greatest coefficient of the sweep.
constexpr float kColdRate = 0.3f, kWarmRate = 0.05f, kRateDecay = 0.95f, kMultiplierRate = 3;

// What the file format can say.
float in_steps(float slope) { return std::round(slope * 128) / 128; }

}  // namespace

Lanes::Lanes(const BoundProgram& program)
    : program_(program),
      weights_(program.ops.size()),
      transposed_(program.ops.size()),
      backward_(program.ops.size()),
      forward_(program.ops.size()) {
  const Program& core = program.program;
  bool pools = false, products = false;
  uint32_t largest = 0;
  for (uint32_t p = 0; p < core.ops.size(); ++p) {
    const CoreOp& op = core.ops[p];
    const BoundOp& data = program.ops[p];
    largest = std::max({largest, op.count, static_cast<uint32_t>(data.dense_width)});
    pools |= op.kind == CoreKind::kMaxPool;
    products |= op.kind == CoreKind::kProduct;
    if (op.kind == CoreKind::kAffine && data.dense_width > 0) {
      weights_[p].assign(data.dense.begin(), data.dense.end());
      transposed_[p].assign(data.transposed.begin(), data.transposed.end());
    } else if (op.kind == CoreKind::kAffine) {
      weights_[p].assign(op.rows.weight.begin(), op.rows.weight.end());
      backward_[p] = backward_blocks<float>(op.rows);
      forward_[p] = forward_blocks<float>(op.rows);
    }
    if (!is_hinge(op)) continue;
    for (uint32_t i = 0; i < op.count; ++i) {
      const ElementId c = op.source[i];
      hinges_.push_back({op.first + i, c, static_cast<float>(op.unary == UnaryKind::kLeakyRelu ? op.alpha : 0),
                         core.ops[program.op_of[c]].kind == CoreKind::kAffine});
    }
  }
  top_ = static_cast<uint32_t>(core.ops.size()) - 1;
  hinge_end_ = hinges_.size();
  active_.resize(largest);
  const size_t elements = size_t{core.element_count} * kCount, hinges = hinges_.size() * kCount;
  for (auto* v : {&a_, &value_, &low_slope_, &low_offset_, &up_slope_, &up_offset_}) v->assign(elements, 0);
  for (auto* v : {&slope_, &open_, &lo_, &hi_, &mean_, &square_, &best_slope_}) v->assign(hinges, 0);
  for (auto* v : {&input_lo_, &input_hi_}) v->assign(size_t{core.input_count} * kCount, 0);
  if (pools) pool_source_.assign(elements, 0);
  for (uint32_t p = 0; p < core.ops.size(); ++p) {
    const CoreOp& op = core.ops[p];
    if (!program.ops[p].sharp) continue;
    share_slopes_.resize(core.element_count);
    for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
      const uint32_t length = op.window_begin[g + 1] - op.window_begin[g];
      for (uint32_t i = op.window_begin[g]; i < op.window_begin[g + 1]; ++i)
        share_slopes_[op.first + i].assign(size_t{length} * kCount, 0);
    }
  }
  if (products) {
    for (auto* v : {&low_second_, &up_second_}) v->assign(elements, 0);
  }
}

void Lanes::clear() {
  loaded_.fill(false);
  best_bound_.fill(0);
  target_constant_.fill(0);
  scale_.fill(0);
  for (int k = 0; k < kCount; ++k) {
    target_[static_cast<size_t>(k)].clear();
    splits_[static_cast<size_t>(k)].clear();
    best_splits_[static_cast<size_t>(k)].clear();
  }
  std::fill(mean_.begin(), mean_.end(), 0.0f);
  std::fill(square_.begin(), square_.end(), 0.0f);
}

void Lanes::set_lines(int lane, const BoundContext& context) {
  for (uint32_t j = 0; j < program_.program.input_count; ++j) {
    input_lo_[at(j, lane)] = static_cast<float>(context.lo(j));
    input_hi_[at(j, lane)] = static_cast<float>(context.hi(j));
  }
  for (uint32_t p = 0; p <= top_; ++p) {
    const CoreOp& op = program_.program.ops[p];
    if (op.kind == CoreKind::kInput || op.kind == CoreKind::kAffine) continue;
    for (ElementId e = op.first; e < op.first + op.count; ++e) {
      const Lines& lines = context.lines(e);
      low_slope_[at(e, lane)] = static_cast<float>(lines.lower_slope);
      low_offset_[at(e, lane)] = static_cast<float>(lines.lower_offset);
      up_slope_[at(e, lane)] = static_cast<float>(lines.upper_slope);
      up_offset_[at(e, lane)] = static_cast<float>(lines.upper_offset);
      if (op.kind == CoreKind::kMaxPool) pool_source_[at(e, lane)] = context.line_source(e);
      if (op.kind == CoreKind::kSoftmax && !share_slopes_.empty() && !share_slopes_[e].empty()) {
        const std::vector<double>& slopes = context.share_slopes(e);
        const size_t length = share_slopes_[e].size() / kCount;
        for (size_t j = 0; j < length; ++j)
          share_slopes_[e][static_cast<size_t>(lane) * length + j] = slopes.empty() ? 0 : static_cast<float>(slopes[j]);
      }
      if (op.kind == CoreKind::kProduct) {
        low_second_[at(e, lane)] = static_cast<float>(context.second_slopes(e).lower);
        up_second_[at(e, lane)] = static_cast<float>(context.second_slopes(e).upper);
      }
    }
  }
}

// An unstable hinge follows its slope; a stable one has none.
void Lanes::set_slope(uint32_t h, int lane, float slope) {
  const Hinge& hinge = hinges_[h];
  slope_[at(h, lane)] = std::clamp(slope, hinge.alpha, 1.0f);
  if (open_[at(h, lane)] != 0)
    low_slope_[at(hinge.element, lane)] = std::max(hinge.alpha, in_steps(slope_[at(h, lane)]));
}

void Lanes::set_hinge(uint32_t h, int lane, const BoundContext& context) {
  const double l = context.lo(hinges_[h].source), u = context.hi(hinges_[h].source);
  lo_[at(h, lane)] = static_cast<float>(l);
  hi_[at(h, lane)] = static_cast<float>(u);
  open_[at(h, lane)] = l < 0 && u > 0 ? 1.0f : 0.0f;
}

void Lanes::load(int lane, BoundContext& context, const NumericConstraint& constraint, const SweepParameters& start,
                 float enough) {
  const size_t k = static_cast<size_t>(lane);
  context.refresh_relaxations();
  set_lines(lane, context);
  for (uint32_t h = 0; h < hinge_end_; ++h) {
    set_hinge(h, lane, context);
    set_slope(h, lane, start.slopes.empty() ? low_slope_[at(hinges_[h].element, lane)] : start.slopes[h]);
  }
  for (size_t s = 0; s < start.splits.size(); ++s) {
    const ElementId e = start.splits[s];
    const bool from_below = context.lo(e) >= 0;
    const double bound = from_below ? context.lo(e) : context.hi(e);
    splits_[k].push_back({e, start.multipliers[s], static_cast<float>(bound), from_below});
  }
  for (const auto& [e, t] : constraint.terms) target_[k].emplace_back(e, static_cast<float>(t));
  target_constant_[k] = static_cast<float>(-constraint.bound);
  enough_[k] = enough;
  loaded_[k] = true;
}

void Lanes::load_all(const BoundContext& context, uint32_t top) {
  top_ = top;
  const ElementId first = program_.program.ops[top].first;
  hinge_end_ = 0;
  while (hinge_end_ < hinges_.size() && hinges_[hinge_end_].element < first) ++hinge_end_;
  for (int lane = 0; lane < kCount; ++lane) {
    set_lines(lane, context);
    for (uint32_t h = 0; h < hinge_end_; ++h) set_hinge(h, lane, context);
  }
}

void Lanes::restart(const BoundContext& context) {
  clear();
  for (uint32_t h = 0; h < hinge_end_; ++h) {
    const auto slope = static_cast<float>(context.lines(hinges_[h].element).lower_slope);
    for (int lane = 0; lane < kCount; ++lane) set_slope(h, lane, slope);
  }
}

void Lanes::aim(int lane, ElementId e, float sign, float enough) {
  const size_t k = static_cast<size_t>(lane);
  target_[k].emplace_back(e, sign);
  enough_[k] = enough;
  loaded_[k] = true;
}

FloatLinesView Lanes::lines_of(const CoreOp& op) const {
  const size_t first = at(op.first, 0);
  return {&low_slope_[first], &low_offset_[first], &up_slope_[first], &up_offset_[first], op.source.data()};
}

void Lanes::backward_lines(const CoreOp& op) {
  const float* a = &a_[at(op.first, 0)];
  const std::span<const uint32_t> active(active_.data(), find_active(a, op.count, active_.data()));
  if (op.kind == CoreKind::kUnary) return apply_lines(lines_of(op), active, a, a_.data(), constant_.data());
  for (const uint32_t i : active) {
    const ElementId e = op.first + i;
    for (int k = 0; k < kCount; ++k) {
      const float v = a_[at(e, k)];
      const bool low = v > 0;
      constant_[static_cast<size_t>(k)] += v * (low ? low_offset_ : up_offset_)[at(e, k)];
      if (op.kind == CoreKind::kMaxPool)
        a_[at(pool_source_[at(e, k)], k)] += v * (low ? low_slope_ : up_slope_)[at(e, k)];
    }
  }
}

// What a coefficient has above the least of its group goes to the line of its element.
void Lanes::backward_shares(uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
    const uint32_t begin = op.window_begin[g], length = op.window_begin[g + 1] - begin;
    for (int k = 0; k < kCount; ++k) {
      float least = a_[at(op.first + begin, k)];
      for (uint32_t i = 1; i < length; ++i) least = std::min(least, a_[at(op.first + begin + i, k)]);
      for (uint32_t i = 0; i < length; ++i) {
        const ElementId e = op.first + begin + i;
        const float w = a_[at(e, k)] - least, *slopes = &share_slopes_[e][static_cast<size_t>(k) * length];
        if (w == 0) continue;
        constant_[static_cast<size_t>(k)] += w * low_offset_[at(e, k)];
        for (uint32_t j = 0; j < length; ++j) a_[at(op.source[begin + j], k)] += w * slopes[j];
      }
    }
  }
}

void Lanes::backward_products(const CoreOp& op) {
  for (uint32_t i = 0; i < op.count; ++i) {
    const ElementId e = op.first + i;
    for (int k = 0; k < kCount; ++k) {
      const float v = a_[at(e, k)];
      const bool low = v > 0;
      constant_[static_cast<size_t>(k)] += v * (low ? low_offset_ : up_offset_)[at(e, k)];
      a_[at(op.source[2 * size_t{i}], k)] += v * (low ? low_slope_ : up_slope_)[at(e, k)];
      a_[at(op.source[2 * size_t{i} + 1], k)] += v * (low ? low_second_ : up_second_)[at(e, k)];
    }
  }
}

void Lanes::forward_products(const CoreOp& op) {
  for (uint32_t i = 0; i < op.count; ++i) {
    const ElementId e = op.first + i;
    for (int k = 0; k < kCount; ++k) {
      const bool low = a_[at(e, k)] > 0;
      const float x = value_[at(op.source[2 * size_t{i}], k)], y = value_[at(op.source[2 * size_t{i} + 1], k)];
      value_[at(e, k)] = (low ? low_slope_ : up_slope_)[at(e, k)] * x + (low ? low_second_ : up_second_)[at(e, k)] * y +
                         (low ? low_offset_ : up_offset_)[at(e, k)];
    }
  }
}

void Lanes::backward() {
  const Program& core = program_.program;
  const CoreOp& top = core.ops[top_];
  std::fill_n(a_.begin(), size_t{top.first + top.count} * kCount, 0.0f);
  constant_ = target_constant_;
  std::array<size_t, kCount> next{};
  for (size_t k = 0; k < kCount; ++k) {
    for (const auto& [e, t] : target_[k]) a_[at(e, static_cast<int>(k))] += t;
    next[k] = splits_[k].size();
  }
  for (uint32_t p = top_; p > 0; --p) {
    const CoreOp& op = core.ops[p];
    for (size_t k = 0; k < kCount; ++k) {
      for (; next[k] > 0 && splits_[k][next[k] - 1].element >= op.first; --next[k]) {
        const Split& split = splits_[k][next[k] - 1];
        a_[at(split.element, static_cast<int>(k))] -= split.beta;
        constant_[k] += split.beta * split.bound;
      }
    }
    if (op.kind == CoreKind::kAffine) {
      const float* a = a_.data() + size_t{op.first} * kCount;
      const std::span<const uint32_t> active(active_.data(), find_active(a, op.count, active_.data()));
      for (const uint32_t i : active) {
        const float b = static_cast<float>(op.bias[i]);
        for (size_t k = 0; k < kCount; ++k) constant_[k] += a[i * kCount + k] * b;
      }
      const BoundOp& data = program_.ops[p];
      if (data.dense_width > 0) {
        multiply_accumulate(FloatDenseView{weights_[p].data(), data.dense_width}, active, a,
                            a_.data() + size_t{data.dense_first} * kCount);
      } else if (backward_[p].pays(active.size())) {
        multiply_accumulate(backward_[p], active, a, a_.data());
      } else {
        multiply_accumulate(FloatSparseView{op.rows.begin.data(), op.rows.column.data(), weights_[p].data()}, active, a,
                            a_.data());
      }
    } else if (op.kind == CoreKind::kSoftmax) {
      if (program_.ops[p].sharp) backward_shares(p);
      for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
        for (int k = 0; k < kCount; ++k) {
          float least = a_[at(op.first + op.window_begin[g], k)];
          for (uint32_t i = op.window_begin[g]; i < op.window_begin[g + 1]; ++i)
            least = std::min(least, a_[at(op.first + i, k)]);
          constant_[static_cast<size_t>(k)] += least;
        }
      }
    } else if (op.kind == CoreKind::kProduct) {
      backward_products(op);
    } else {
      backward_lines(op);
    }
  }
  bound_ = constant_;
  for (uint32_t j = 0; j < core.input_count; ++j) {
    for (int k = 0; k < kCount; ++k) {
      const float a = a_[at(j, k)];
      const float v = a > 0 ? input_lo_[at(j, k)] : input_hi_[at(j, k)];
      value_[at(j, k)] = v;
      bound_[static_cast<size_t>(k)] += a * v;
    }
  }
}

void Lanes::forward() {
  const Program& core = program_.program;
  for (uint32_t p = 1; p < top_; ++p) {
    const CoreOp& op = core.ops[p];
    float* out = value_.data() + size_t{op.first} * kCount;
    if (op.kind == CoreKind::kAffine) {
      for (uint32_t i = 0; i < op.count; ++i)
        std::fill_n(out + size_t{i} * kCount, kCount, static_cast<float>(op.bias[i]));
      const BoundOp& data = program_.ops[p];
      if (data.dense_width > 0) {
        const float* in = value_.data() + size_t{data.dense_first} * kCount;
        const std::span<const uint32_t> active(active_.data(), find_active(in, data.dense_width, active_.data()));
        multiply_accumulate(FloatDenseView{transposed_[p].data(), op.count}, active, in, out);
      } else if (!forward_[p].empty()) {
        multiply_accumulate(forward_[p], value_.data(), out);
      } else {
        gather_accumulate(FloatSparseView{op.rows.begin.data(), op.rows.column.data(), weights_[p].data()}, op.count,
                          value_.data(), out);
      }
      continue;
    }
    if (op.kind == CoreKind::kUnary) {
      follow_lines(lines_of(op), op.count, &a_[at(op.first, 0)], value_.data(), out);
      continue;
    }
    if (op.kind == CoreKind::kProduct) {
      forward_products(op);
      continue;
    }
    for (ElementId e = op.first; e < op.first + op.count; ++e) {
      for (int k = 0; k < kCount; ++k) {
        const bool low = a_[at(e, k)] > 0;
        const float x = op.kind == CoreKind::kMaxPool ? value_[at(pool_source_[at(e, k)], k)] : 0;
        value_[at(e, k)] = (low ? low_slope_ : up_slope_)[at(e, k)] * x + (low ? low_offset_ : up_offset_)[at(e, k)];
      }
    }
  }
}

void Lanes::step(int t, float rate) {
  const Adam adam(rate, t);
  for (uint32_t h = 0; h < hinge_end_; ++h) {
    const Hinge& hinge = hinges_[h];
    const float *a = &a_[at(hinge.element, 0)], *x = &value_[at(hinge.source, 0)], *open = &open_[at(h, 0)];
    float *slope = &slope_[at(h, 0)], *mean = &mean_[at(h, 0)], *square = &square_[at(h, 0)];
    float any = 0;
    for (int k = 0; k < kCount; ++k) any += open[k];
    if (any == 0) continue;
    float* low = &low_slope_[at(hinge.element, 0)];
    for (int k = 0; k < kCount; ++k) {
      const float gradient = a[k] > 0 ? open[k] * a[k] * x[k] : 0.0f;
      slope[k] = std::clamp(slope[k] + adam(mean[k], square[k], gradient), hinge.alpha, 1.0f);
      low[k] = open[k] != 0 ? std::max(hinge.alpha, in_steps(slope[k])) : low[k];
    }
  }
  for (size_t k = 0; k < kCount; ++k) {
    // Multipliers live on the scale of sweep coefficients; their steps follow the greatest one.
    if (t == 1 && !splits_[k].empty()) {
      for (const Hinge& hinge : std::span(hinges_).first(hinge_end_))
        scale_[k] = std::max(scale_[k], std::fabs(a_[at(hinge.element, static_cast<int>(k))]));
    }
    const Adam scaled(rate * kMultiplierRate * scale_[k], t);
    for (Split& split : splits_[k]) {
      const float gradient = split.bound - value_[at(split.element, static_cast<int>(k))];
      split.beta += scaled(split.mean, split.square, gradient);
      split.beta = split.from_below ? std::max(split.beta, 0.0f) : std::min(split.beta, 0.0f);
    }
  }
}

bool Lanes::ascend(int iterations, bool warm, const std::function<bool()>& stop) {
  for (size_t k = 0; k < kCount; ++k) resting_[k] = !loaded_[k];
  float rate = warm ? kWarmRate : kColdRate;
  for (int t = 1;; ++t, rate *= kRateDecay) {
    backward();
    std::array<uint32_t, kCount> better{};  // All bits set, or none: a choice for the compiler's vectors.
    for (size_t k = 0; k < kCount; ++k) {
      if (resting_[k] || (t > 1 && !(bound_[k] > best_bound_[k]))) continue;
      better[k] = ~0u;
      best_bound_[k] = bound_[k];
      best_splits_[k] = splits_[k];
      resting_[k] = best_bound_[k] > enough_[k];
    }
    for (size_t i = 0; i < hinge_end_ * kCount; i += kCount) {
      for (size_t k = 0; k < kCount; ++k) best_slope_[i + k] = better[k] != 0 ? slope_[i + k] : best_slope_[i + k];
    }
    if (t > iterations || std::all_of(resting_.begin(), resting_.end(), [](bool rests) { return rests; })) return true;
    if (stop && stop()) return false;
    forward();
    step(t, rate);
  }
}

void Lanes::restore() {
  for (uint32_t h = 0; h < hinge_end_; ++h) {
    for (int k = 0; k < kCount; ++k) set_slope(h, k, best_slope_[at(h, k)]);
  }
  splits_ = best_splits_;
  backward();
}

SweepParameters Lanes::parameters(int lane) const {
  SweepParameters parameters;
  for (uint32_t h = 0; h < hinge_end_; ++h) parameters.slopes.push_back(best_slope_[at(h, lane)]);
  for (const Split& split : best_splits_[static_cast<size_t>(lane)]) {
    parameters.splits.push_back(split.element);
    parameters.multipliers.push_back(split.beta);
  }
  return parameters;
}

SlopeSpec Lanes::slopes(int lane) const {
  SlopeSpec spec;
  spec.rule = SlopeRule::kExplicit;
  for (uint32_t h = 0; h < hinge_end_; ++h) {
    if (open_[at(h, lane)] != 0)
      spec.bytes.push_back(static_cast<uint8_t>(std::lround(best_slope_[at(h, lane)] * 128)));
  }
  for (const Split& split : best_splits_[static_cast<size_t>(lane)]) {
    if (split.beta != 0) spec.multipliers.push_back({split.element, split.beta});
  }
  return spec;
}

void Lanes::minimizer(int lane, std::vector<double>& point) const {
  point.resize(program_.program.input_count);
  for (uint32_t j = 0; j < point.size(); ++j) point[j] = value_[at(j, lane)];
}

std::vector<Lanes::Candidate> Lanes::candidates(int lane, size_t most) const {
  std::vector<Candidate> found;
  for (uint32_t h = 0; h < hinge_end_; ++h) {
    const Hinge& hinge = hinges_[h];
    if (open_[at(h, lane)] == 0 || !hinge.splittable) continue;
    const float a = a_[at(hinge.element, lane)], slope = low_slope_[at(hinge.element, lane)];
    const float rest = std::min((slope - hinge.alpha) * -lo_[at(h, lane)], (1 - slope) * hi_[at(h, lane)]);
    const float score = a < 0 ? -a * up_offset_[at(hinge.element, lane)] : 0.2f * a * rest;
    found.push_back({hinge.source, h, score, std::max(a, 0.0f) * (1 - slope)});
  }
  const size_t count = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(),
                    [](const Candidate& x, const Candidate& y) {
                      return x.score > y.score || (x.score == y.score && x.hinge < y.hinge);
                    });
  found.resize(count);
  return found;
}

std::array<float, Lanes::kCount> Lanes::probe(const std::array<uint32_t, kCount>& hinges, bool active) {
  // On the active side the lower line stays: it is what slope 1 and the candidate's multiplier make together.
  const std::array<std::vector<float>*, 4> lines = {&low_slope_, &low_offset_, &up_slope_, &up_offset_};
  std::array<std::array<float, 4>, kCount> kept{};
  for (size_t k = 0; k < kCount; ++k) {
    if (hinges[k] == kNoHinge) continue;
    const Hinge& hinge = hinges_[hinges[k]];
    for (size_t n = active ? 2 : 0; n < lines.size(); ++n) {
      const float slope = active ? 1.0f : hinge.alpha;
      kept[k][n] = std::exchange((*lines[n])[at(hinge.element, static_cast<int>(k))], n % 2 == 0 ? slope : 0.0f);
    }
  }
  backward();
  for (size_t k = 0; k < kCount; ++k) {
    if (hinges[k] == kNoHinge) continue;
    for (size_t n = active ? 2 : 0; n < lines.size(); ++n)
      (*lines[n])[at(hinges_[hinges[k]].element, static_cast<int>(k))] = kept[k][n];
  }
  return bound_;
}

}  // namespace axiom
