// A core program prepared for bounding: the numbers of spec/certificate.md that do not depend on the context.
#pragma once

#include <cstdint>
#include <vector>

#include "bounds/arithmetic.h"
#include "graph/program.h"
#include "runtime/block_matrix.h"

namespace axiom {

/// Static data of one core operator.
struct BoundOp {
  // Affine only, one entry a row.
  std::vector<double> weight_sum;    ///< W1
  std::vector<double> gamma_factor;  ///< gam
  std::vector<double> size_factor;   ///< 1 + (nt + 4) U

  std::vector<ElementId> first_column,
      last_column;  ///< Least and greatest column of a row; (1, 0) when it has no terms.

  double step_rows = 0;   ///< m: the greater of the number of rows and of the terms in one column.
  double term_count = 0;  ///< N: all terms (line operators: elements; products: twice as many).

  double share_rows = 0;  ///< Of a sharp softmax, its m: no column gets more terms, however often a group reads it.
  bool sharp = false;     ///< Of a softmax: some product reads it and its groups are small, so that it has lines.

  std::vector<uint32_t> reads;          ///< Core operators that some element of this one reads, increasing.
  std::vector<uint32_t> readers;        ///< Core operators that read this one, increasing.
  std::vector<uint32_t> relevant_rows;  ///< Affine rows that a unary, maxpool or product operator reads.
  std::vector<uint8_t> piecewise;       ///< Per element: 1 when every operator that reads it is relu or leaky_relu.

  // Dense copy of an affine operator whose rows span one contiguous range of columns; empty otherwise.
  ElementId dense_first = 0;
  size_t dense_width = 0;
  std::vector<double> dense;       ///< rows x width
  std::vector<double> transposed;  ///< width x rows
  // Another affine operator as blocks; empty where they do not pay.
  BlockMatrix<double> blocks;
};

struct BoundProgram {
  Program program;
  std::vector<BoundOp> ops;
  std::vector<uint32_t> op_of;  ///< Element -> core operator.

  explicit BoundProgram(Program source);
};

}  // namespace axiom
