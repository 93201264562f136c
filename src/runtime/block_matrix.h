// Sparse maps as dense blocks: columns that the same rows reach, like the channels of a convolution at one place, stand
// together, so that a product keeps its sums in registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/program.h"

namespace axiom {

/// How many looks at a row of a block a multiplication by one column saves.
inline constexpr double kWorthOfColumn = 2.5;

/// Blocks with the same weights, like those of all places inside a convolution, share them.
template <typename T>
struct BlockMatrix {
  struct Block {
    size_t first_row = 0, row_count = 0;        ///< In `rows`.
    size_t first_column = 0, column_count = 0;  ///< In `columns`.
    size_t weights = 0;                         ///< Of rows x columns of them, where the first one is.
  };
  std::vector<Block> blocks;            ///< Every column is in one block.
  std::vector<uint32_t> rows, columns;  ///< Increasing within a block.
  std::vector<T> weights;
  uint32_t row_end = 0;  ///< Above all rows, those without a term included.
  size_t most_rows = 0;  ///< Of a block.

  bool empty() const { return blocks.empty(); }
  /// Whether a product with so many of its rows is faster by blocks, which look at all rows, than row by row.
  bool pays(size_t active_rows) const {
    return kWorthOfColumn * static_cast<double>(active_rows) * static_cast<double>(weights_of_all) >
           static_cast<double>(row_end) * static_cast<double>(rows.size());
  }
  uint64_t weights_of_all = 0;  ///< With those that are shared counted as often as they stand in a block.
};

/// For products from rows to columns: the rows are 0 .. rows() and the columns global elements. Empty where blocks do
/// not pay, and where a row has two terms in one column.
template <typename T>
BlockMatrix<T> backward_blocks(const SparseRows& rows);

/// For products from columns to rows, so that what is called row and column above is exchanged. Empty also where the
/// terms of a row are not in the order of their columns.
template <typename T>
BlockMatrix<T> forward_blocks(const SparseRows& rows);

}  // namespace axiom
