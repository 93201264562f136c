// Rows of products from the non-zero weights only: dense weights that are nearly all zero cost one walk in memory
// order.
#include "ops/product.h"

namespace axiom::ops {

// Reads the matrix in memory order, whichever way the lists run: a transposed walk over 67 M weights would be slow.
SparseLists compress(std::span<const float> values, Matrix at, int64_t lists, int64_t length) {
  SparseLists result;
  result.begin.assign(static_cast<size_t>(lists) + 1, 0);
  const bool along = at.column <= at.row;
  const auto visit = [&](auto&& body) {
    for (int64_t outer = 0; outer < (along ? lists : length); ++outer)
      for (int64_t inner = 0; inner < (along ? length : lists); ++inner) {
        const int64_t list = along ? outer : inner, k = along ? inner : outer;
        const float w = values[at.offset + list * at.row + k * at.column];
        if (w != 0) body(list, k, w);
      }
  };
  visit([&](int64_t list, int64_t, float) { ++result.begin[list + 1]; });
  for (int64_t i = 0; i < lists; ++i) result.begin[i + 1] += result.begin[i];
  result.index.resize(result.begin.back());
  result.weight.resize(result.begin.back());
  std::vector<uint64_t> next(result.begin.begin(), result.begin.end() - 1);
  visit([&](int64_t list, int64_t k, float w) {
    const uint64_t position = next[list]++;
    result.index[position] = static_cast<uint32_t>(k);
    result.weight[position] = w;
  });
  return result;
}

Status append_rows(const Node& node, int64_t rows, int64_t columns, const ViewProduct& product,
                   const std::vector<ElementId>& addend, double addend_weight, RowBuilder& builder) {
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t n = 0; n < columns; ++n) {
      const int64_t list = product.view_is_left ? n : m, i = product.view_is_left ? m : n;
      for (uint64_t t = product.lists.begin[list]; t < product.lists.begin[list + 1]; ++t) {
        const int64_t position = product.at.offset + i * product.at.row + product.lists.index[t] * product.at.column;
        builder.term(product.elements[position], product.scale * product.lists.weight[t]);
      }
      if (!addend.empty()) builder.term(addend[m * columns + n], addend_weight);
      if (auto done = builder.end_row(node); !done) return done;
    }
  return {};
}

}  // namespace axiom::ops
