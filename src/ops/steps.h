// Lowerings that take several core operators: the steps, one function each (spec/operators.md section 4).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graph/lowering.h"

namespace axiom::ops {

using Elements = std::vector<ElementId>;

/// The figures of an affine operator whose rows are not those of a sum cluster.
struct AffineFigures {
  double gamma = 1, underflow = 1, factor = 1, real_error = 0;
};

/// Appends core operators for one node. The first failure is kept; after it nothing more is appended and results are
/// empty.
class Steps {
 public:
  Steps(const Node& node, LoweringContext& context) : node_(node), context_(context) {}

  /// The elements of input i, which must depend on the inputs of the model.
  Elements varying(size_t i);

  /// Entry by entry; lists have equal lengths.
  Elements unary(UnaryKind kind, Elements source);
  Elements product(const Elements& a, const Elements& b);

  /// Affine rows: row i has the terms terms[i] and the constant bias[i]; no bias at all is all 0.
  using Row = std::vector<std::pair<ElementId, double>>;
  Elements affine(const std::vector<Row>& rows, std::vector<double> bias, const AffineFigures& figures);
  /// weight_a a + weight_b b + bias, of which float32 makes no error but by flushing; b may be empty.
  Elements exact(const Elements& a, double weight_a, const Elements& b, double weight_b, std::vector<double> bias = {});

  /// max(a, b) = a + relu(b - a), min(a, b) = a - relu(a - b).
  Elements extreme(bool greatest, const Elements& a, const Elements& b);
  /// The same with constants: max(a, c) = c + relu(a - c), min(a, c) = c - relu(c - a); relu(a) when all are 0.
  Elements extreme(bool greatest, const Elements& a, const std::vector<double>& c);

  /// Output 0 of the node is these elements, unless a step failed.
  Status finish(Elements elements);
  const Status& status() const { return status_; }

 private:
  Elements emit(CoreOp op);

  const Node& node_;
  LoweringContext& context_;
  Status status_;
};

/// Entry i of the result is entry index[i] of the list.
template <typename T>
std::vector<T> picked(const std::vector<T>& list, const std::vector<int64_t>& index) {
  std::vector<T> out;
  out.reserve(index.size());
  for (const int64_t i : index) out.push_back(list[static_cast<size_t>(i)]);
  return out;
}

}  // namespace axiom::ops
