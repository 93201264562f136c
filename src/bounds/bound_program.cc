// Static data for bounding: row sums, gammas, dependency lists, dense copies.
#include "bounds/bound_program.h"

#include <algorithm>

namespace axiom {
namespace {

// A dense copy pays when at least this share of its entries is non-zero.
constexpr double kDenseShare = 0.4;
constexpr size_t kDenseEntriesCap = size_t{1} << 25;
constexpr uint32_t kLargestSharpGroup = 256;

void add_row_data(const CoreOp& op, BoundOp& out) {
  const SparseRows& rows = op.rows;
  for (size_t i = 0; i < rows.rows(); ++i) {
    const double terms = static_cast<double>(rows.begin[i + 1] - rows.begin[i]);
    const double factor = 1 + (terms + 4) * kUnit;
    double sum = 0;
    ElementId least = 1, greatest = 0;
    for (uint64_t t = rows.begin[i]; t < rows.begin[i + 1]; ++t) {
      sum += std::fabs(rows.weight[t]);
      least = t == rows.begin[i] ? rows.column[t] : std::min(least, rows.column[t]);
      greatest = std::max(greatest, rows.column[t]);
    }
    out.first_column.push_back(least);
    out.last_column.push_back(greatest);
    out.weight_sum.push_back(sum * factor);
    out.size_factor.push_back(factor);
    const double k = op.gamma[i];
    out.gamma_factor.push_back(((k * kFloatUnit) / (1 - k * kFloatUnit)) * (1 + 0x1p-50));
  }
}

size_t greatest_count(const std::vector<ElementId>& elements, uint32_t element_count) {
  std::vector<uint32_t> counts(element_count);
  uint32_t greatest = 0;
  for (ElementId c : elements) greatest = std::max(greatest, ++counts[c]);
  return greatest;
}

void add_dense_copy(const CoreOp& op, BoundOp& out) {
  const SparseRows& rows = op.rows;
  if (rows.column.empty()) return;
  const auto [least, greatest] = std::minmax_element(rows.column.begin(), rows.column.end());
  const size_t width = *greatest - *least + 1;
  const size_t entries = width * rows.rows();
  if (entries > kDenseEntriesCap) return;
  if (static_cast<double>(rows.column.size()) < kDenseShare * static_cast<double>(entries)) return;
  for (size_t i = 0; i < rows.rows(); ++i) {  // The term order must be the column order, each column once.
    for (uint64_t t = rows.begin[i] + 1; t < rows.begin[i + 1]; ++t) {
      if (rows.column[t] <= rows.column[t - 1]) return;
    }
  }
  out.dense_first = *least;
  out.dense_width = width;
  out.dense.assign(entries, 0.0);
  out.transposed.assign(entries, 0.0);
  for (size_t i = 0; i < rows.rows(); ++i) {
    for (uint64_t t = rows.begin[i]; t < rows.begin[i + 1]; ++t) {
      const size_t j = rows.column[t] - *least;
      out.dense[i * width + j] = rows.weight[t];
      out.transposed[j * rows.rows() + i] = rows.weight[t];
    }
  }
}

bool has_small_groups(const CoreOp& op) {
  if (op.kind != CoreKind::kSoftmax) return false;
  for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
    if (op.window_begin[g + 1] - op.window_begin[g] > kLargestSharpGroup) return false;
  }
  return true;
}

}  // namespace

BoundProgram::BoundProgram(Program source) : program(std::move(source)) {
  ops.resize(program.ops.size());
  op_of.resize(program.element_count);
  for (uint32_t p = 0; p < ops.size(); ++p) {
    const CoreOp& op = program.ops[p];
    std::fill_n(op_of.begin() + op.first, op.count, p);
    ops[p].piecewise.assign(op.count, 1);
  }
  std::vector<uint8_t> relevant(program.element_count);
  for (uint32_t p = 0; p < ops.size(); ++p) {
    const CoreOp& op = program.ops[p];
    BoundOp& out = ops[p];
    const std::vector<ElementId>& columns = op.kind == CoreKind::kAffine ? op.rows.column : op.source;
    std::vector<uint8_t> read(ops.size());
    for (ElementId c : columns) read[op_of[c]] = 1;
    for (uint32_t q = 0; q < p; ++q) {
      if (!read[q]) continue;
      out.reads.push_back(q);
      ops[q].readers.push_back(p);
    }
    if (op.kind == CoreKind::kProduct) {
      for (const uint32_t q : out.reads) ops[q].sharp = has_small_groups(program.ops[q]);
    }
    out.step_rows = op.count;
    out.term_count = op.kind == CoreKind::kProduct ? 2.0 * op.count : op.count;
    if (op.kind == CoreKind::kAffine) {
      add_row_data(op, out);
      add_dense_copy(op, out);
      if (out.dense_width == 0) out.blocks = backward_blocks<double>(op.rows);
      out.term_count = static_cast<double>(op.rows.column.size());
      out.step_rows =
          static_cast<double>(std::max<size_t>(op.count, greatest_count(op.rows.column, program.element_count)));
    }
    for (ElementId c : columns) {
      if (op.kind == CoreKind::kUnary || op.kind == CoreKind::kMaxPool || op.kind == CoreKind::kProduct)
        relevant[c] = 1;
      if (!is_hinge(op)) ops[op_of[c]].piecewise[c - program.ops[op_of[c]].first] = 0;
    }
  }
  for (uint32_t p = 0; p < ops.size(); ++p) {
    if (!ops[p].sharp) continue;
    const CoreOp& op = program.ops[p];
    for (const ElementId c : op.source) relevant[c] = 1;
    ops[p].term_count = 0;
    double largest = 0;
    for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
      const double length = op.window_begin[g + 1] - op.window_begin[g];
      ops[p].term_count += length * length;
      largest = std::max(largest, length);
    }
    const auto most = static_cast<double>(greatest_count(op.source, program.element_count));
    ops[p].share_rows = std::max(static_cast<double>(op.count), most * largest);
  }
  for (uint32_t p = 0; p < ops.size(); ++p) {
    const CoreOp& op = program.ops[p];
    if (op.kind != CoreKind::kAffine) continue;
    for (uint32_t i = 0; i < op.count; ++i) {
      if (relevant[op.first + i]) ops[p].relevant_rows.push_back(i);
    }
  }
}

}  // namespace axiom
