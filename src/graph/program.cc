// Names of core operators, as spec/operators.md has them.
#include "graph/program.h"

namespace axiom {

bool is_proved_in_coq(const CoreOp& op) {
  if (op.kind == CoreKind::kUnary) return op.unary <= UnaryKind::kTanh;
  return op.kind != CoreKind::kProduct;
}

std::string_view core_name(const CoreOp& op) {
  switch (op.kind) {
    case CoreKind::kInput:
      return "input";
    case CoreKind::kConstant:
      return "constant";
    case CoreKind::kAffine:
      return "affine";
    case CoreKind::kMaxPool:
      return "maxpool";
    case CoreKind::kSoftmax:
      return "softmax";
    case CoreKind::kProduct:
      return "product";
    case CoreKind::kUnary:
      break;
  }
  switch (op.unary) {
    case UnaryKind::kRelu:
      return "relu";
    case UnaryKind::kLeakyRelu:
      return "leaky_relu";
    case UnaryKind::kSigmoid:
      return "sigmoid";
    case UnaryKind::kTanh:
      return "tanh";
    case UnaryKind::kExp:
      return "exp";
    case UnaryKind::kReciprocal:
      return "reciprocal";
    case UnaryKind::kSqrt:
      return "sqrt";
    case UnaryKind::kSin:
      return "sin";
    case UnaryKind::kCos:
      return "cos";
  }
  return "";
}

}  // namespace axiom
