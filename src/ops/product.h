// Matrix products: sums over k of a(m, k) * b(k, n), where a matrix is any strided part of a tensor.
//
// MatMul and Gemm are written in this form: evaluation, gradients (products of the same form) and the rows of the
// lowering (spec/operators.md section 3).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/lowering.h"

namespace axiom::ops {

/// Entry (i, j) of a matrix lies at offset + i * row + j * column.
struct Matrix {
  int64_t offset = 0, row = 0, column = 0;
  Matrix transposed() const { return {offset, column, row}; }
};

/// y(m, n) += sum over increasing k of a(m, k) * b(k, n); one rounding per operation.
template <typename T>
void multiply(int64_t rows, int64_t depth, int64_t columns, std::span<const T> a, Matrix at_a, std::span<const T> b,
              Matrix at_b, std::span<T> y, Matrix at_y) {
  for (int64_t m = 0; m < rows; ++m) {
    if (at_b.column == 1 && at_y.column == 1) {
      T* out = y.data() + at_y.offset + m * at_y.row;
      for (int64_t k = 0; k < depth; ++k) {
        const T scale = a[at_a.offset + m * at_a.row + k * at_a.column];
        const T* row = b.data() + at_b.offset + k * at_b.row;
        for (int64_t n = 0; n < columns; ++n) out[n] += scale * row[n];
      }
      continue;
    }
    for (int64_t n = 0; n < columns; ++n) {
      T& sum = y[at_y.offset + m * at_y.row + n * at_y.column];
      for (int64_t k = 0; k < depth; ++k)
        sum += a[at_a.offset + m * at_a.row + k * at_a.column] * b[at_b.offset + k * at_b.row + n * at_b.column];
    }
  }
}

/// The non-zero entries of each list of a constant matrix, where list i holds the entries (i, 0), (i, 1), ...
struct SparseLists {
  std::vector<uint64_t> begin;
  std::vector<uint32_t> index;
  std::vector<float> weight;
};

/// Compresses `lists` lists of `length` entries each; entry (i, k) lies where `at` says.
SparseLists compress(std::span<const float> values, Matrix at, int64_t lists, int64_t length);

/// One product as the lowering sees it: entry (i, k) of the view meets the weights of one list.
struct ViewProduct {
  const std::vector<ElementId>& elements;
  Matrix at;  ///< (i, k) in `elements`; i counts rows when the view stands left, columns when right
  bool view_is_left;
  const SparseLists& lists;
  double scale = 1.0;
};

/// Appends the rows of a product, entry by entry: its terms, then, unless `addend` is empty, one term of weight
/// `addend_weight` for the element of `addend` with the entry's number. One product per k, increasing.
Status append_rows(const Node& node, int64_t rows, int64_t columns, const ViewProduct& product,
                   const std::vector<ElementId>& addend, double addend_weight, RowBuilder& builder);

}  // namespace axiom::ops
