// The operator interface: one object per ONNX operator that knows its shape rule, meaning, gradient and lowering.
//
// Each family implements it in one file of ops/; ops/registry.cc holds the one list. Suites walk the list, so an
// operator cannot be forgotten. What an operator does not support is a clear error naming the node.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/lowering.h"

namespace axiom {

/// What an operator sees of its inputs at shape inference: types, and values where they are constant.
struct InferContext {
  const Node& node;
  std::vector<const TensorType*> types;  ///< nullptr for an omitted input.
  std::vector<const Tensor*> constants;  ///< nullptr when not constant.
};

/// What an operator sees at a backward step.
struct GradientContext {
  const Node& node;
  std::span<const Tensor* const> inputs;     ///< As in eval.
  std::span<const Tensor> outputs;           ///< What eval returned.
  std::span<const Tensor> output_gradients;  ///< One per output, of its shape and dtype.
  std::vector<bool> wanted;                  ///< By input: whether anybody asks for its gradient.
};

class Operator {
 public:
  virtual ~Operator() = default;
  virtual std::string_view name() const = 0;

  /// Types of the outputs; checks arity, attributes, dtypes and shapes, naming the node in errors.
  virtual Result<std::vector<TensorType>> infer(const InferContext& context) const = 0;

  /// The meaning: float32, plain loops, products accumulated in increasing index order (spec/operators.md).
  /// `inputs` holds nullptr for omitted ones; `types` are the inferred output types.
  virtual Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                           std::span<const TensorType> types) const = 0;

  /// Gradients with respect to the inputs, one Tensor each, of the input's shape and dtype; an empty Tensor (size 0, no
  /// bytes) where there is none or it is not wanted. At kinks any one-sided derivative.
  virtual Result<std::vector<Tensor>> gradient(const GradientContext& context) const = 0;

  /// Lowering to the core program, from which bounds and proofs are derived. The default is
  /// not_certifiable("no certified meaning: node ...").
  virtual Status lower(const Node& node, LoweringContext& context) const;

  /// True when the outputs follow from the constant inputs and are exact in float32 (data movement, integer shape
  /// arithmetic): only such results are folded. `inputs` holds nullptr where an input is omitted or not constant; an
  /// operator that answers true all the same uses nothing but the shape of that input.
  virtual bool folds_exactly(const Node& node, std::span<const Tensor* const> inputs) const = 0;
};

}  // namespace axiom
