// What the suite's networks mean, written down a second time: a list of scalars, each made from earlier ones.
//
// Sum clusters are formed from the text of spec/operators.md section 3, without any code of src/ or checker/. The
// scalars can be evaluated exactly, in long double, and in binary32 by a randomly chosen covered evaluation.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "network.h"
#include "rational.h"

namespace axiom::soundness {

using Random = std::mt19937_64;

enum class ScalarKind {
  kInput,
  kConstant,
  kSum,
  kNormalize,
  kRelu,
  kLeakyRelu,
  kSigmoid,
  kTanh,
  kMax,
  kMin,
  kSoftmax,
  kAbs,
  kExp,
  kReciprocal,
  kSqrt,
  kSin,
  kCos,
  kProduct,   ///< Of two sources.
  kQuotient,  ///< Of two sources.
  kDot        ///< Sum of the products of sources 0 and 1, 2 and 3, ...
};

/// weight * scalar[source]; an addend has the weight 1 or -1 and is not multiplied.
struct Leaf {
  int source = 0;
  float weight = 1;
  bool product = true;
};

/// The figures of a BatchNormalization channel.
struct Normalization {
  float scale = 1, shift = 0, mean = 0, variance = 1, epsilon = 0;
};

struct Scalar {
  ScalarKind kind = ScalarKind::kInput;
  std::vector<int> sources;      ///< All but sums; of a softmax, those of its group.
  size_t own = 0;                ///< Softmax: which of them is its own.
  bool sharp = false;            ///< Softmax: a product may read it, so that its exponentials must be good.
  float value = 0;               ///< Constant; slope of LeakyRelu and PRelu.
  std::vector<Leaf> leaves;      ///< Sums.
  std::vector<float> constants;  ///< Sums: added as they are.
  float alpha = 1, beta = 1;     ///< Scaled Gemm: products times alpha, addends and constants times beta.
  Normalization normalization;
};

struct Meaning {
  std::vector<Scalar> scalars;  ///< The first ones are X_0, X_1, ...
  std::vector<int> operators;   ///< First scalar of every core operator, in the order of spec/operators.md section 1.
  int input_count = 0;
  std::vector<int> outputs;
  bool piecewise_linear = true;  ///< Sums, maxima, hinges only; normalisations have rational figures.
};

Meaning meaning_of(const Network& network);

/// Marks every softmax as sharp when a product reads one.
void mark_sharp(Meaning& meaning);

/// sqrt(variance + epsilon) if that is rational.
std::optional<Rational> exact_deviation(const Normalization& normalization);

std::vector<Rational> evaluate_exactly(const Meaning& meaning, std::span<const Rational> input);
std::vector<long double> evaluate_widely(const Meaning& meaning, std::span<const long double> input);

/// One covered evaluation: sums in an order, formats, fusions and flushes of subnormals drawn from `random`.
std::vector<float> evaluate_somehow(const Meaning& meaning, std::span<const float> input, Random& random);

template <typename T>
std::vector<T> outputs_of(const Meaning& meaning, const std::vector<T>& values) {
  std::vector<T> out;
  for (const int y : meaning.outputs) out.push_back(values[static_cast<size_t>(y)]);
  return out;
}

}  // namespace axiom::soundness
