// The rules of spec/certificate.md section 5: the figures of the rows of an
// affine operator over the bounds of what they read.
#pragma once

#include <vector>

#include "program.h"
#include "property.h"

namespace checker {

// What depends on the weights alone.
struct RowConstants {
  std::vector<double> w1, gamma;  // per row
  double most = 0;                // m
  // Rows that all read the same run of elements: weights as a matrix. Empty otherwise.
  bool dense = false;
  std::vector<double> transposed;  // [column][row], rows padded to `stride`
  uint64_t stride = 0;
};

// What depends on the bounds of the elements read.
struct RowFigures {
  std::vector<double> s, slack, q;  // S, slackI, Q
  std::vector<double> lo, hi;       // the results of the interval step, before intersection
};

RowConstants row_constants(const Operator& op);

// S, slackI and Q of every row; `x` is X per element, `most_x` is XM.
void compute_charges(const Operator& op, const RowConstants& constants, const double* x, double most_x,
                     Semantics semantics, RowFigures& figures);

// lo' and hi' of every row, after compute_charges.
void compute_intervals(const Operator& op, const RowConstants& constants, const double* lo, const double* hi,
                       RowFigures& figures);

// Whether no covered evaluation of row i overflows.
bool premise_holds(const Operator& op, const RowConstants& constants, const RowFigures& figures, uint32_t i);

}  // namespace checker
