// The variables of VNN-LIB 1: X_0, X_1, ... and Y_0, Y_1, ..., each declared by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "formats/vnnlib/lexer.h"
#include "formats/vnnlib/linear.h"

namespace axiom::vnnlib {

/// The numbers declared of one letter.
class Indices {
 public:
  bool contains(uint32_t index) const { return index < declared_.size() && declared_[index]; }
  bool declare(uint32_t index);
  uint32_t count() const { return count_; }
  /// The first number that is missing below the greatest.
  std::optional<uint32_t> gap() const;

 private:
  std::vector<bool> declared_;
  uint32_t count_ = 0;
};

class Variables {
 public:
  /// What follows `(declare-const` on a line, its closing parenthesis included.
  Status declare(Lexer& lexer, int line);
  /// A number or a declared variable.
  Result<Linear> operand(const Token& token) const;
  /// That there is an X and a Y, and none is missing between.
  Status check() const;
  uint32_t inputs() const { return inputs_.count(); }
  uint32_t outputs() const { return outputs_.count(); }

 private:
  Indices inputs_, outputs_;
};

}  // namespace axiom::vnnlib
