// Grouping of columns by the rows that reach them.
#include "runtime/block_matrix.h"

#include <algorithm>
#include <unordered_map>

namespace axiom {
namespace {

// Blocks pay when a row meets at least so many columns of a block on average.
constexpr double kFewestColumns = 2;

// Per column the rows that reach it, and the weights.
struct Columns {
  std::vector<uint32_t> id;
  std::vector<uint64_t> begin{0};
  std::vector<uint32_t> row;
  std::vector<double> weight;

  std::span<const uint32_t> rows_of(size_t i) const {
    return std::span(row).subspan(begin[i], begin[i + 1] - begin[i]);
  }
  bool increasing() const {
    for (size_t i = 0; i < id.size(); ++i) {
      for (uint64_t t = begin[i] + 1; t < begin[i + 1]; ++t) {
        if (row[t] <= row[t - 1]) return false;
      }
    }
    return true;
  }
};

Columns by_column(const SparseRows& rows) {
  Columns out;
  if (rows.column.empty()) return out;
  const auto [least, greatest] = std::minmax_element(rows.column.begin(), rows.column.end());
  std::vector<uint64_t> count(*greatest - *least + 1);
  for (const ElementId c : rows.column) ++count[c - *least];
  std::vector<uint64_t> next(count.size());
  for (uint32_t j = 0; j < count.size(); ++j) {
    if (count[j] == 0) continue;
    next[j] = out.begin.back();
    out.id.push_back(*least + j);
    out.begin.push_back(out.begin.back() + count[j]);
  }
  out.row.resize(rows.column.size());
  out.weight.resize(rows.column.size());
  for (uint32_t r = 0; r < rows.rows(); ++r) {
    for (uint64_t t = rows.begin[r]; t < rows.begin[r + 1]; ++t) {
      const uint64_t at = next[rows.column[t] - *least]++;
      out.row[at] = r;
      out.weight[at] = rows.weight[t];
    }
  }
  return out;
}

Columns by_row(const SparseRows& rows) {
  Columns out{{}, rows.begin, rows.column, rows.weight};
  for (uint32_t r = 0; r < rows.rows(); ++r) out.id.push_back(r);
  return out;
}

template <typename Values>
uint64_t hash_of(const Values& values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const auto& v : values) hash = (hash ^ std::hash<std::decay_t<decltype(v)>>()(v)) * 0x100000001b3;
  return hash;
}

// Columns with the same rows.
std::vector<std::vector<size_t>> groups_of(const Columns& columns) {
  std::vector<std::vector<size_t>> groups;
  std::unordered_map<uint64_t, std::vector<size_t>> by_hash;
  for (size_t i = 0; i < columns.id.size(); ++i) {
    const auto rows = columns.rows_of(i);
    std::vector<size_t>& same = by_hash[hash_of(rows)];
    const auto found = std::find_if(same.begin(), same.end(),
                                    [&](size_t g) { return std::ranges::equal(rows, columns.rows_of(groups[g][0])); });
    if (found != same.end()) {
      groups[*found].push_back(i);
      continue;
    }
    same.push_back(groups.size());
    groups.push_back({i});
  }
  return groups;
}

template <typename T>
BlockMatrix<T> blocks_of(const Columns& columns, uint32_t row_end) {
  BlockMatrix<T> out;
  out.row_end = row_end;
  if (!columns.increasing()) return out;
  const std::vector<std::vector<size_t>> groups = groups_of(columns);
  double row_entries = 0;
  for (const auto& group : groups) row_entries += static_cast<double>(columns.rows_of(group[0]).size());
  if (static_cast<double>(columns.row.size()) < kFewestColumns * row_entries) return out;
  std::unordered_map<uint64_t, std::vector<size_t>> by_hash;  // Starts of weights.
  for (const auto& group : groups) {
    const auto rows = columns.rows_of(group[0]);
    if (rows.empty()) continue;
    out.most_rows = std::max(out.most_rows, rows.size());
    out.weights_of_all += rows.size() * group.size();
    typename BlockMatrix<T>::Block block{out.rows.size(), rows.size(), out.columns.size(), group.size(), 0};
    std::vector<T> weights;
    for (size_t k = 0; k < rows.size(); ++k) {
      for (const size_t i : group) weights.push_back(static_cast<T>(columns.weight[columns.begin[i] + k]));
    }
    std::vector<size_t>& same = by_hash[hash_of(weights)];
    const auto found = std::find_if(same.begin(), same.end(), [&](size_t at) {
      return at + weights.size() <= out.weights.size() &&
             std::equal(weights.begin(), weights.end(), out.weights.begin() + static_cast<std::ptrdiff_t>(at));
    });
    if (found != same.end()) {
      block.weights = *found;
    } else {
      block.weights = out.weights.size();
      same.push_back(out.weights.size());
      out.weights.insert(out.weights.end(), weights.begin(), weights.end());
    }
    out.rows.insert(out.rows.end(), rows.begin(), rows.end());
    for (const size_t i : group) out.columns.push_back(columns.id[i]);
    out.blocks.push_back(block);
  }
  return out;
}

}  // namespace

template <typename T>
BlockMatrix<T> backward_blocks(const SparseRows& rows) {
  return blocks_of<T>(by_column(rows), static_cast<uint32_t>(rows.rows()));
}

template <typename T>
BlockMatrix<T> forward_blocks(const SparseRows& rows) {
  const uint32_t end = rows.column.empty() ? 0 : *std::max_element(rows.column.begin(), rows.column.end()) + 1;
  return blocks_of<T>(by_row(rows), end);
}

template BlockMatrix<double> backward_blocks(const SparseRows& rows);
template BlockMatrix<float> backward_blocks(const SparseRows& rows);
template BlockMatrix<float> forward_blocks(const SparseRows& rows);

}  // namespace axiom
