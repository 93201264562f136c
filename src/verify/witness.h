// A counterexample and what is known about it.
#pragma once

#include <string>
#include <vector>

namespace axiom {

/// An input at which some execution reaches the unsafe set.
struct Witness {
  std::vector<double> input;  ///< X_0, X_1, ...: binary32 numbers under float32; under real, where the box holds none,
                              ///< the double next to the exact decimal.
  std::vector<float> output;  ///< Y_0, Y_1, ... of the reference executor.
  uint32_t disjunct = 0;      ///< Which conjunction of the property holds there.
  int constraint_line = 0;    ///< Line of the property text of the constraint with the least slack.
  double margin = 0;          ///< Least slack over the constraints of the disjunct (0 = exactly on the border).
  bool robust = false;        ///< Every covered float32 evaluation violates, not only the reference one.
  bool inside_exact_box = false;  ///< The input also lies in the box of exact decimals.
  std::string origin;             ///< "centre", "corner", "pgd", "branch and bound".
};

}  // namespace axiom
