// Ascent of the bounds of an operator's rows, eight at a time.
//
// The supergradient of a bound with respect to a slope is a_e * z_e, where a_e is the
// coefficient that the sweep had at the neuron and z its value when the minimising input goes forward through the
// chosen lines.
#include "verify/tightening.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/batched_matrix.h"
#include "verify/adam.h"

namespace axiom {
namespace {

constexpr int kLanes = Sweep::kMaxLanes;
constexpr double kFirstRate = 0.25, kRateDecay = 0.85;
constexpr int kMostIterations = 20, kLeastIterations = 4;
constexpr double kMostWork = 3e10;  // Multiplications for all bounds together.
// A bound that gains less than this share of the interval is not worth its bytes.
constexpr double kWorthKeeping = 1e-3;

/// The lower or the upper bound of a row.
struct Target {
  uint32_t row;
  bool upper;
};

class Ascent {
 public:
  Ascent(uint32_t p, Workspace& work)
      : work_(work),
        context_(work.context),
        program_(work.context.program()),
        p_(p),
        hinges_(open_hinges(work.context, p)),
        values_(size_t{program_.program.element_count} * kLanes) {
    size_t widest = 0;
    for (const BoundOp& op : program_.ops) widest = std::max(widest, op.dense_width);
    all_columns_.resize(widest);
    std::iota(all_columns_.begin(), all_columns_.end(), 0u);
  }

  /// Best bounds of up to eight targets with the slopes that give them.
  void run(std::span<const Target> targets, int iterations, std::vector<Tightening>& out);
  bool has_hinges() const { return !hinges_.empty(); }

 private:
  void sweep(std::span<const Target> targets);
  void forward(size_t lanes);
  void forward_affine(uint32_t p);

  Workspace& work_;
  BoundContext& context_;
  const BoundProgram& program_;
  uint32_t p_;
  std::vector<OpenHinge> hinges_;
  std::array<SlopeSpec, kLanes> specs_;
  std::vector<float> slopes_, mean_, square_;  // hinge-major, kLanes each
  std::vector<double> values_;                 // element-major, kLanes each
  std::vector<uint32_t> all_columns_;
};

void Ascent::sweep(std::span<const Target> targets) {
  const CoreOp& op = program_.program.ops[p_];
  work_.sweep.begin(kLanes);
  for (size_t k = 0; k < targets.size(); ++k) {
    SlopeSpec& spec = specs_[k];
    spec.rule = SlopeRule::kExplicit;
    spec.bytes.resize(hinges_.size());
    for (size_t h = 0; h < hinges_.size(); ++h)
      spec.bytes[h] = static_cast<uint8_t>(std::lround(slopes_[h * kLanes + k] * 128));
    const int lane = static_cast<int>(k);
    work_.sweep.set_slopes(lane, &spec);
    work_.sweep.add(lane, op.first + targets[k].row, targets[k].upper ? -1 : 1);
  }
  work_.sweep.run(context_, p_, /*keep=*/true);
}

void Ascent::forward_affine(uint32_t p) {
  const CoreOp& op = program_.program.ops[p];
  const BoundOp& data = program_.ops[p];
  double* out = values_.data() + size_t{op.first} * kLanes;
  for (uint32_t i = 0; i < op.count; ++i) std::fill_n(out + size_t{i} * kLanes, kLanes, op.bias[i]);
  if (data.dense_width > 0) {
    multiply_accumulate(DenseMatrixView{data.transposed.data(), op.count},
                        std::span(all_columns_).first(data.dense_width),
                        values_.data() + size_t{data.dense_first} * kLanes, kLanes, out);
    return;
  }
  for (uint32_t i = 0; i < op.count; ++i) {
    double* row = out + size_t{i} * kLanes;
    for (uint64_t t = op.rows.begin[i]; t < op.rows.begin[i + 1]; ++t) {
      const double w = op.rows.weight[t];
      const double* v = values_.data() + size_t{op.rows.column[t]} * kLanes;
      for (int k = 0; k < kLanes; ++k) row[k] += w * v[k];
    }
  }
}

// Every lane's minimising input through the lines that its sweep chose.
void Ascent::forward(size_t lanes) {
  const Program& program = program_.program;
  for (uint32_t j = 0; j < program.input_count; ++j) {
    for (size_t k = 0; k < lanes; ++k) {
      const bool low = work_.sweep.input_coefficient(static_cast<int>(k), j) > 0;
      values_[size_t{j} * kLanes + k] = low ? context_.lo(j) : context_.hi(j);
    }
  }
  for (uint32_t p = 1; p < p_; ++p) {
    const CoreOp& op = program.ops[p];
    if (op.kind == CoreKind::kAffine) {
      forward_affine(p);
      continue;
    }
    for (uint32_t i = 0; i < op.count; ++i) {
      const ElementId e = op.first + i;
      double* out = values_.data() + size_t{e} * kLanes;
      if (op.kind == CoreKind::kConstant) {
        std::fill_n(out, kLanes, op.constant[i]);
        continue;
      }
      const Lines& lines = context_.lines(e);
      const double* in = values_.data() + size_t{context_.line_source(e)} * kLanes;
      for (int k = 0; k < kLanes; ++k) {
        const bool low = work_.sweep.line_coefficient(k, e) > 0;
        out[k] = low ? work_.sweep.used_lower_slope(k, e, lines.lower_slope) * in[k] + lines.lower_offset
                     : lines.upper_slope * in[k] + lines.upper_offset;
      }
      if (op.kind != CoreKind::kProduct) continue;
      const SecondSlopes second = context_.second_slopes(e);
      const double* factor = values_.data() + size_t{op.source[2 * size_t{i} + 1]} * kLanes;
      for (int k = 0; k < kLanes; ++k)
        out[k] += (work_.sweep.line_coefficient(k, e) > 0 ? second.lower : second.upper) * factor[k];
    }
  }
}

void Ascent::run(std::span<const Target> targets, int iterations, std::vector<Tightening>& out) {
  const size_t lanes = targets.size(), size = hinges_.size() * kLanes;
  const ElementId first = program_.program.ops[p_].first;
  slopes_.resize(size);
  for (size_t h = 0; h < hinges_.size(); ++h)
    std::fill_n(slopes_.begin() + static_cast<std::ptrdiff_t>(h * kLanes), kLanes,
                static_cast<float>(context_.lines(hinges_[h].element).lower_slope));
  mean_.assign(size, 0);
  square_.assign(size, 0);
  std::vector<Tightening> best(lanes);
  double rate = kFirstRate;
  for (int t = 1; t <= iterations; ++t, rate *= kRateDecay) {
    sweep(targets);
    bool useful = false;
    for (size_t k = 0; k < lanes; ++k) {
      const double bound = work_.sweep.bound(static_cast<int>(k));
      if (t == 1 || bound > best[k].bound) best[k] = {targets[k].row, targets[k].upper, specs_[k], bound};
      useful |= best[k].bound < 0;  // At 0 the neuron is fixed; nothing is gained beyond.
    }
    if (!useful || t == iterations) break;
    forward(lanes);
    const Adam adam(static_cast<float>(rate), t);
    for (size_t h = 0; h < hinges_.size(); ++h) {
      const double* z = values_.data() + size_t{hinges_[h].source} * kLanes;
      for (size_t k = 0; k < lanes; ++k) {
        const double a = work_.sweep.line_coefficient(static_cast<int>(k), hinges_[h].element);
        const float g = a > 0 ? static_cast<float>(a * z[k]) : 0.0f;
        const size_t at = h * kLanes + k;
        slopes_[at] = std::clamp(slopes_[at] + adam(mean_[at], square_[at], g), 0.0f, 1.0f);
      }
    }
  }
  for (Tightening& found : best) {
    const ElementId e = first + found.row;
    const double gain = found.upper ? context_.hi(e) + found.bound : found.bound - context_.lo(e);
    if (gain > kWorthKeeping * (context_.hi(e) - context_.lo(e))) out.push_back(std::move(found));
  }
}

// The bounds of one operator's unstable rows that ascending improves; none when stopped.
std::vector<Tightening> optimize_rows(uint32_t p, std::span<const Target> targets, int iterations, Workspace& work) {
  std::vector<Tightening> found;
  Ascent ascent(p, work);
  if (!ascent.has_hinges()) return found;
  for (size_t first = 0; first < targets.size(); first += kLanes) {
    if (work.stop && work.stop()) return {};
    ascent.run(targets.subspan(first, std::min<size_t>(kLanes, targets.size() - first)), iterations, found);
  }
  std::sort(found.begin(), found.end(), [](const Tightening& a, const Tightening& b) {
    return a.row < b.row || (a.row == b.row && a.upper < b.upper);
  });
  return found;
}

}  // namespace

void tighten(Workspace& work, ProofCode& code) {
  BoundContext& context = work.context;
  const BoundProgram& program = context.program();
  double below = 0, left = kMostWork;
  bool changed = false;
  for (uint32_t p = 1; p < program.ops.size(); ++p) {
    if (program.program.ops[p].kind != CoreKind::kAffine) continue;
    below += program.ops[p].term_count;
    if (program.ops[p].relevant_rows.empty() || context.empty()) continue;
    if (changed) {
      PropagatePlan plan;
      plan.sweep_all = false;
      plan.sweep_ops = {p};
      plan.stop = work.stop;
      code.propagate(plan);
      if (propagate(context, work.sweep, plan) == PropagateEnd::kStopped) return;
    }
    context.refresh(p + 1);
    std::vector<Target> targets;
    for (const uint32_t i : swept_rows(context, p)) targets.insert(targets.end(), {{i, false}, {i, true}});
    const double sweep = 2 * below * static_cast<double>(targets.size());
    const int iterations = static_cast<int>(std::min<double>(kMostIterations, left / std::max(sweep, 1.0)));
    if (iterations < kLeastIterations) continue;
    left -= sweep * iterations;
    const std::vector<Tightening> found = optimize_rows(p, targets, iterations, work);
    if (found.empty()) continue;
    apply(context, p, found);
    code.tighten(p, found);
    changed = true;
  }
}

}  // namespace axiom
