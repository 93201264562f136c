// Maxima are made from relu rather than from maxpool, because a relu has a slope to choose and a side to split on; the
// differences they are made from are exact, since the runtime never computes them.
#include "ops/steps.h"

#include <algorithm>
#include <cmath>

namespace axiom::ops {

Elements Steps::varying(size_t i) {
  if (!status_) return {};
  auto elements = context_.varying(node_, node_.inputs[i]);
  if (elements) return std::move(*elements);
  status_ = elements.error();
  return {};
}

Elements Steps::emit(CoreOp op) {
  if (!status_) return {};
  auto elements = context_.emit(node_, std::move(op));
  if (elements) return std::move(*elements);
  status_ = elements.error();
  return {};
}

Elements Steps::unary(UnaryKind kind, Elements source) {
  CoreOp op{.kind = CoreKind::kUnary};
  op.count = static_cast<uint32_t>(source.size());
  op.unary = kind;
  op.source = std::move(source);
  return emit(std::move(op));
}

Elements Steps::product(const Elements& a, const Elements& b) {
  if (!status_) return {};
  AXIOM_CHECK(a.size() == b.size());
  CoreOp op{.kind = CoreKind::kProduct};
  op.count = static_cast<uint32_t>(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    op.source.push_back(a[i]);
    op.source.push_back(b[i]);
  }
  return emit(std::move(op));
}

Elements Steps::affine(const std::vector<Row>& rows, std::vector<double> bias, const AffineFigures& figures) {
  if (!status_) return {};
  CoreOp op{.kind = CoreKind::kAffine};
  op.count = static_cast<uint32_t>(rows.size());
  RowBuilder builder(op.rows, context_.limits());
  for (const Row& row : rows) {
    for (const auto& [element, weight] : row) builder.term(element, weight);
    if (auto done = builder.end_row(node_); !done) {
      status_ = done.error();
      return {};
    }
  }
  bias.resize(rows.size(), 0.0);
  op.bias = std::move(bias);
  for (const double b : op.bias) op.magnitude.push_back(std::fabs(b));
  op.gamma.assign(rows.size(), figures.gamma);
  op.underflow.assign(rows.size(), figures.underflow);
  op.factor = figures.factor;
  op.real_error = figures.real_error;
  return emit(std::move(op));
}

Elements Steps::exact(const Elements& a, double weight_a, const Elements& b, double weight_b,
                      std::vector<double> bias) {
  if (!status_) return {};
  std::vector<Row> rows(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    rows[i].emplace_back(a[i], weight_a);
    if (!b.empty()) rows[i].emplace_back(b[i], weight_b);
  }
  return affine(rows, std::move(bias), {});
}

Elements Steps::extreme(bool greatest, const Elements& a, const Elements& b) {
  const double sign = greatest ? 1 : -1;
  const Elements excess = unary(UnaryKind::kRelu, exact(b, sign, a, -sign));
  return exact(a, 1, excess, sign);
}

Elements Steps::extreme(bool greatest, const Elements& a, const std::vector<double>& c) {
  if (greatest && std::all_of(c.begin(), c.end(), [](double v) { return v == 0; })) return unary(UnaryKind::kRelu, a);
  const double sign = greatest ? 1 : -1;
  std::vector<double> shift = c;
  for (double& v : shift) v = -sign * v;
  const Elements excess = unary(UnaryKind::kRelu, exact(a, sign, {}, 0, std::move(shift)));
  return exact(excess, sign, {}, 0, c);
}

Status Steps::finish(Elements elements) {
  if (status_) context_.define_view(node_, std::move(elements));
  return status_;
}

}  // namespace axiom::ops
