// Lowering of a graph to the core program: the context that operators write into.
//
// A tensor that depends on the inputs is a *view*: one element id per entry, so that data movement costs nothing.
// Sum clusters (Gemm/MatMul/Conv/ConvTranspose/Add/Sub merged along single-consumer edges) are formed here, in one
// place, by the rule of spec/operators.md section 3.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "graph/program.h"

namespace axiom {

/// Caps on the program; a term takes 12 bytes.
struct LoweringLimits {
  uint64_t elements = uint64_t{1} << 31;
  uint64_t terms = uint64_t{1} << 27;  ///< In the rows of one core operator.
};

/// Lowers a shape-inferred graph. Errors: kNotCertifiable naming the first node without certified meaning, kResource
/// when a limit is exceeded.
Result<Program> lower_to_program(const Graph& graph, const LoweringLimits& limits = {});

/// The rows of a sum node, one per entry of `shape`: terms in evaluation order, then constants.
///
/// Every row has the same number of addends and of constants; its products are the terms that are not addends.
struct SumRows {
  Shape shape;
  SparseRows terms;
  uint32_t addends = 0;                        ///< Addend terms in each row.
  std::vector<std::vector<double>> constants;  ///< constants[j][row] is b_{j+1}.
  bool scaled = false;                         ///< Gemm with alpha or beta other than 1.
  double factor = 1.0;                         ///< F; 1 unless scaled.
};

/// Appends rows to a SparseRows, dropping zero weights and watching the cap on terms.
class RowBuilder {
 public:
  RowBuilder(SparseRows& rows, const LoweringLimits& limits) : rows_(rows), limits_(limits) {}
  void term(ElementId element, double weight) {
    if (weight == 0) return;
    rows_.column.push_back(element);
    rows_.weight.push_back(weight);
  }
  /// Closes the row; an error naming `node` when there are too many terms.
  Status end_row(const Node& node);

 private:
  SparseRows& rows_;
  const LoweringLimits& limits_;
};

/// An error naming `node` and the first entry that is infinite or not a number: such constants have no certified
/// meaning.
Status require_finite(const Node& node, const Tensor& tensor, const std::string& what);

/// What lowering knows of the tensors of one graph. Operators read their inputs from it and define their outputs in it.
class LoweringContext {
 public:
  LoweringContext(const Graph& graph, const LoweringLimits& limits);

  const LoweringLimits& limits() const { return limits_; }

  const TensorType& type(ValueId value) const { return *graph_.values[value].type; }

  /// The tensor of a value that is constant in the sense of the specification, else nullptr.
  const Tensor* constant(ValueId value) const;
  /// True when the value depends on the inputs.
  bool is_view(ValueId value) const;

  /// The elements of a value's entries. A float32 constant becomes a core operator `constant` at this moment.
  Result<std::vector<ElementId>> elements(const Node& node, ValueId value);
  /// The same for an operand that must depend on the inputs: an operator of constants only has no certified meaning.
  Result<std::vector<ElementId>> varying(const Node& node, ValueId value);
  /// The operand of Add or Sub: one addend per row of a view, one constant per row of a constant, pending rows as
  /// they are (they are moved out: a pending value is used once).
  Result<SumRows> summand(const Node& node, ValueId value);

  /// Output 0 of the node is these elements (data movement).
  void define_view(const Node& node, std::vector<ElementId> elements);
  /// Output 0 of the node is the constant that shape inference folded.
  Status define_constant(const Node& node);
  /// Output 0 of the node is this sum: kept pending for an Add or Sub that alone uses it, else emitted.
  Status define_sum(const Node& node, SumRows rows);
  /// Appends a core operator of `op.count` elements, which no tensor holds: a step of a lowering of several operators.
  Result<std::vector<ElementId>> emit(const Node& node, CoreOp op);
  /// Appends a core operator of `op.count` elements, which become output 0 of the node.
  Status define_elements(const Node& node, CoreOp op);

 private:
  friend Result<Program> lower_to_program(const Graph& graph, const LoweringLimits& limits);

  struct Undefined {};
  struct Constant {};
  using View = std::vector<ElementId>;
  using State = std::variant<Undefined, Constant, View, SumRows>;

  Status lower_inputs();
  Status lower_outputs();
  Status check_ranks(const Node& node) const;
  bool stays_pending(const Node& node) const;
  Result<std::vector<ElementId>> emit_constant(const Node& node, const Tensor& tensor);
  Result<ElementId> append(const Node& node, CoreOp op);

  const Graph& graph_;
  const LoweringLimits limits_;
  std::vector<State> states_;     // by value
  std::vector<uint32_t> uses_;    // by value: operands of nodes and graph outputs
  std::vector<bool> is_summand_;  // by value: some use is an operand of Add or Sub
  std::vector<bool> is_output_;   // by value
  Program program_;
};

}  // namespace axiom
