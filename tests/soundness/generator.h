// Random networks and questions. Everything follows from the generator handed in.
#pragma once

#include <vector>

#include "enumeration.h"
#include "meaning.h"
#include "network.h"
#include "question.h"

namespace axiom::soundness {

/// Kinds of numbers that weights are drawn from.
enum class Weights { kCoarse, kFloats, kScattered };

struct Draw {
  Random& random;

  int integer(int least, int greatest) { return std::uniform_int_distribution<int>(least, greatest)(random); }
  double uniform(double lo, double hi) { return std::uniform_real_distribution<double>(lo, hi)(random); }
  bool chance(double probability) { return uniform(0, 1) < probability; }
  float weight(Weights kind);
  std::vector<float> weights(int64_t count, Weights kind);
};

/// At most three inputs, piecewise linear, few hinges: small enough for exact enumeration.
Network tiny_network(Random& random);

/// Any of the certified operators, up to a few dozen inputs.
Network varied_network(Random& random);

/// Boxes of every kind: wide, narrow, of one point, with ends that are no floats.
std::vector<Side> random_box(int inputs, Random& random);

/// A single linear inequality over the outputs whose bound lies near the exact minimum (margins from large to none).
Question near_question(const Meaning& meaning, Random& random);
/// Several cases and inequalities, some over inputs; bounds near values that occur.
Question mixed_question(const Meaning& meaning, Random& random);

/// A point of a box; corners are likely.
std::vector<double> random_point(const ExactBox& box, Random& random);

}  // namespace axiom::soundness
