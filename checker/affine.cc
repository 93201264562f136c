// Rows of an affine operator: S bounds the size of what is summed, E how far an
// execution may be from the exact sum, slackI and Q what the checker's own
// rounding may add in an interval step and in a sweep.
#include "affine.h"

#include <cmath>

#include "arithmetic.h"
#include "kernels.h"

namespace checker {
namespace {

double terms_of(const Operator& op, uint32_t i) { return double(op.start[i + 1] - op.start[i]); }

// Every row reads the elements source[0], source[0] + 1, ...
bool reads_one_run(const Operator& op) {
  const uint64_t n = op.terms() / op.count;
  if (op.terms() == 0 || op.terms() != n * op.count) return false;
  for (uint64_t t = 0; t < op.terms(); ++t) {
    if (op.source[t] != op.source[0] + t % n) return false;
  }
  for (uint32_t i = 0; i <= op.count; ++i) {
    if (op.start[i] != n * i) return false;
  }
  return true;
}

void transpose(const Operator& op, RowConstants& constants) {
  const uint64_t n = op.terms() / op.count;
  constants.stride = (op.count + kRowBlock - 1) / kRowBlock * kRowBlock;
  constants.transposed.assign(n * constants.stride, 0);
  for (uint64_t i = 0; i < op.count; ++i) {
    for (uint64_t k = 0; k < n; ++k) constants.transposed[k * constants.stride + i] = op.weight[i * n + k];
  }
}

}  // namespace

RowConstants row_constants(const Operator& op) {
  RowConstants constants;
  for (uint32_t i = 0; i < op.count; ++i) {
    double sum = 0;
    for (uint64_t t = op.start[i]; t < op.start[i + 1]; ++t) sum = sum + std::fabs(op.weight[t]);
    constants.w1.push_back(sum * (1 + (terms_of(op, i) + 4) * kU));
    const double ku = op.k[i] * kSingleU;
    constants.gamma.push_back((ku / (1 - ku)) * (1 + 0x1p-50));
  }
  constants.most = greatest(double(op.count), double(op.most_in_column));
  constants.dense = reads_one_run(op);
  if (constants.dense) transpose(op, constants);
  return constants;
}

void compute_charges(const Operator& op, const RowConstants& constants, const double* x, double most_x,
                     Semantics semantics, RowFigures& figures) {
  figures.s.resize(op.count);
  figures.slack.resize(op.count);
  figures.q.resize(op.count);
  sum_magnitudes(op, constants, x, figures.s.data());
  for (uint32_t i = 0; i < op.count; ++i) {
    const double nt = terms_of(op, i);
    const double s = figures.s[i] * (1 + (nt + 4) * kU);
    double e = op.real_error * s;
    if (semantics == Semantics::float32) {
      e = (constants.gamma[i] + op.real_error) * s +
          ((2 * kEta) * op.factor) * ((op.c0[i] + constants.w1[i]) + nt * most_x);
    }
    figures.s[i] = s;
    figures.slack[i] = e + ((nt + 4) * kU) * s;
    figures.q[i] = (e + ((constants.most + 4) * kU) * s) + kTau;
  }
}

void compute_intervals(const Operator& op, const RowConstants& constants, const double* lo, const double* hi,
                       RowFigures& figures) {
  figures.lo.resize(op.count);
  figures.hi.resize(op.count);
  sum_intervals(op, constants, lo, hi, figures.lo.data(), figures.hi.data());
  for (uint32_t i = 0; i < op.count; ++i) {
    figures.lo[i] = lower(figures.lo[i], figures.slack[i]);
    figures.hi[i] = upper(figures.hi[i], figures.slack[i]);
  }
}

bool premise_holds(const Operator& op, const RowConstants& constants, const RowFigures& figures, uint32_t i) {
  return ((1 + constants.gamma[i]) * op.factor) * figures.s[i] + 1 < 0x1p127;
}

}  // namespace checker
