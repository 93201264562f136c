// The core program: the form in which networks are bounded and proved (spec/operators.md, section "Core program").
//
// Every value of the network is an *element*, a float32 number with one global index. A core operator defines a
// contiguous range of elements from earlier ones. There are seven kinds; everything ONNX offers is lowered to them,
// and data movement (Reshape, Transpose, ...) disappears because it only permutes element indices.
// The checker lowers the same ONNX bytes on its own to the same program; a difference makes it reject certificates.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace axiom {

using ElementId = uint32_t;

/// Sparse rows over global element ids; the term order inside a row is part of the meaning of the bounds' bits.
/// Row r has terms begin[r] .. begin[r+1].
struct SparseRows {
  std::vector<uint64_t> begin{0};
  std::vector<ElementId> column;
  std::vector<double> weight;  ///< Non-zero; each exact (a float32 number, or a product of two of them).
  size_t rows() const { return begin.size() - 1; }
};

enum class CoreKind : uint8_t { kInput, kConstant, kAffine, kUnary, kMaxPool, kSoftmax, kProduct };
enum class UnaryKind : uint8_t { kRelu, kLeakyRelu, kSigmoid, kTanh, kExp, kReciprocal, kSqrt, kSin, kCos };

struct CoreOp {
  CoreKind kind = CoreKind::kInput;
  ElementId first = 0;  ///< Elements first .. first + count.
  uint32_t count = 0;
  std::string name;  ///< Name of the ONNX node that ended it; for messages only.

  std::vector<double> constant;  ///< kConstant: the values.

  // kAffine: element i = sum of weight * element[column] + bias[i], with |error| <= E_i (spec/operators.md).
  SparseRows rows;
  std::vector<double> bias;
  std::vector<std::vector<double>> constants;  ///< constants[j][i]: bias[i] is their rounded sum; empty if it is exact.
  std::vector<double> magnitude;               ///< M_i: the constant part of S_i (|bias| for a sum cluster).
  std::vector<double> gamma;                   ///< k_i of gamma_k, an integer.
  std::vector<double> underflow;               ///< c0_i of the underflow term.
  double factor = 1.0;                         ///< F of the operator (1 unless Gemm has alpha or beta).
  double real_error = 0.0;  ///< rho: error relative to S_i that also the real semantics has (0 for a sum).

  // kUnary: element i = phi(element[source[i]]). kProduct: element i = element[source[2 i]] * element[source[2 i + 1]].
  UnaryKind unary = UnaryKind::kRelu;
  double alpha = 0.0;  ///< kLeakyRelu: slope for negative arguments.
  std::vector<ElementId> source;

  // kMaxPool: element i = max over source[window_begin[i] .. window_begin[i+1]].
  // kSoftmax: element i belongs to source[i]; group g has the elements window_begin[g] .. window_begin[g+1].
  std::vector<uint32_t> window_begin;
};

/// Whether an operator is of relu or leaky_relu elements, whose lower slope may be chosen.
inline bool is_hinge(const CoreOp& op) {
  return op.kind == CoreKind::kUnary && (op.unary == UnaryKind::kRelu || op.unary == UnaryKind::kLeakyRelu);
}

/// False for a product and for the functions that the Coq development has no rule for.
bool is_proved_in_coq(const CoreOp& op);
/// The name of the kind in spec/operators.md.
std::string_view core_name(const CoreOp& op);

struct Program {
  std::vector<CoreOp> ops;         ///< ops[0] is kInput; each reads only elements of earlier ones.
  uint32_t element_count = 0;      ///< All elements.
  uint32_t input_count = 0;        ///< Elements 0 .. input_count are X_0, X_1, ...
  std::vector<ElementId> outputs;  ///< outputs[i] is Y_i.
};

}  // namespace axiom
