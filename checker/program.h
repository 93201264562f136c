// The core program that claims are about (spec/operators.md): numbered elements
// and the operators that relate them. Values only; rules are elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace checker {

enum class Kind {
  input,
  constant,
  affine,
  relu,
  leaky_relu,
  sigmoid,
  tanh,
  maxpool,
  softmax,
  exp,
  reciprocal,
  sqrt,
  sin,
  cos,
  product
};

const char* name(Kind kind);

// One core operator, for the elements first .. first + count - 1. Row i belongs
// to element first + i: the terms of an affine row, the source of a unary
// element, the window of a max-pool element. Of softmax, element first + t has
// source[t], and row g is the g-th group. Of product, element first + i has
// source[2 i] and source[2 i + 1].
struct Operator {
  Kind kind = Kind::input;
  uint32_t first = 0, count = 0;

  std::vector<uint64_t> start = {};  // affine, maxpool, softmax: row i is [start[i], start[i + 1]) of source and weight
  std::vector<uint32_t> source = {};  // elements, all below `first`; unary: one per row, product: two
  std::vector<double> weight = {};    // affine only, never 0

  std::vector<double> bias = {}, magnitude = {}, k = {}, c0 = {};  // affine, per row: b, M, k, c0
  double factor = 1, real_error = 0;                               // affine: F, rho
  double alpha = 0;                                                // leaky_relu
  bool sharp = false;              // softmax: a product reads it, and its groups are small
  std::vector<double> value = {};  // constant

  std::vector<uint32_t> reads = {};  // the operators that own the sources, increasing
  uint64_t most_in_column = 0;       // the greatest number of sources that are one element

  bool is_affine() const { return kind == Kind::affine; }
  bool is_hinge() const { return kind == Kind::relu || kind == Kind::leaky_relu; }
  bool is_product() const { return kind == Kind::product; }
  bool is_bounded() const { return kind == Kind::affine || kind == Kind::input; }  // has bounds of its own in a context
  uint64_t terms() const { return source.size(); }
};

// An input or output of the model, as a property of VNN-LIB 2 declares it.
struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

struct Program {
  std::vector<Operator> operators;                        // operators[0] is the only one of kind input
  std::vector<uint32_t> outputs;                          // the element of each Y
  std::vector<uint32_t> operator_of;                      // per element
  std::vector<NamedShape> input_tensors, output_tensors;  // X and Y are their row-major entries, one after the other

  uint32_t elements() const { return uint32_t(operator_of.size()); }
  uint32_t inputs() const { return operators[0].count; }
};

}  // namespace checker
