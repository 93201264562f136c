// The assertions of a property: formulas over linear terms, the same in both versions of VNN-LIB but for the names of
// variables, the spelling of numbers, and `==` and `!=`, which only version 2 has.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/vnnlib/lexer.h"
#include "formats/vnnlib/linear.h"
#include "formats/vnnlib/normal_form.h"
#include "graph/property.h"

namespace axiom::vnnlib {

enum class Version { kOne, kTwo };

class Assertions {
 public:
  /// The value of a word where a number or a variable is expected. It may read on, such as the indices of a variable.
  using Operand = std::function<Result<Linear>(const Token&)>;

  /// `lexer` and what `operand` refers to must outlive this.
  Assertions(Lexer& lexer, Version version, Operand operand);

  /// What follows `(assert` on a line, up to its closing parenthesis.
  Status read(int line);
  /// The property of all assertions read.
  Result<Property> expand(uint32_t inputs, uint32_t outputs) const;

 private:
  enum class Head { kAssert, kAnd, kOr, kLessEqual, kGreaterEqual, kEqual, kNotEqual, kAdd, kSubtract, kMultiply };

  /// An open parenthesis and what its operands have come to so far.
  struct Frame {
    Head head;
    std::string_view word;
    int line;
    size_t operands = 0;
    Linear term;          ///< Of +, -, *; the left side of a comparison.
    Linear right;         ///< The right side of a comparison.
    Disjunction formula;  ///< Of assert, and, or.
  };

  static bool takes_formulas(Head head);
  static bool is_comparison(Head head);
  Result<Head> head_of(const Token& word) const;
  Status open(int line);
  Status close();
  Status word(const Token& token);
  Status give(Linear value, int line);
  Status give(Disjunction value);
  Result<Disjunction> compare(Frame frame);

  Lexer& lexer_;
  Version version_;
  Operand operand_;
  Arithmetic arithmetic_;
  NormalForm normal_form_;
  std::vector<Frame> stack_;
  std::vector<Disjunction> asserts_;
};

}  // namespace axiom::vnnlib
