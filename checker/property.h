// VNN-LIB text, version 1 or 2, as the disjunction that spec/certificate.md section 3
// defines, with its numbers rounded for the checker.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "program.h"

namespace checker {

enum class Semantics { real = 0, float32 = 1 };

inline const char* name(Semantics semantics) { return semantics == Semantics::real ? "real" : "float32"; }

// sum t_k v_k <= r: t rounded to nearest, r rounded up.
struct Constraint {
  struct Term {
    bool is_output;  // Y_index, otherwise X_index
    uint32_t index;
    double t;
  };
  std::vector<Term> terms;  // X by index, then Y by index; never empty
  double r;
};

struct Disjunct {
  std::vector<double> lo, hi;         // the box, per input
  std::vector<uint32_t> constraints;  // indices into Property::constraints
};

struct Property {
  uint32_t inputs = 0, outputs = 0;
  std::vector<Constraint> constraints;
  std::vector<Disjunct> disjuncts;
};

// Throws Malformed with the line. A text of version 2 declares tensors, which must be those of the program; of version
// 1 the numbers of X and Y are still to be compared with it.
Property read_property(std::span<const uint8_t> bytes, Semantics semantics, const Program& program);

}  // namespace checker
