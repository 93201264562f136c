// Tokens of VNN-LIB: parentheses and words, with the line they stand on.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace axiom::vnnlib {

struct Token {
  enum class Kind { kOpen, kClose, kWord, kEnd, kBad };
  Kind kind = Kind::kEnd;
  std::string_view text;  ///< A part of the property text; for kBad the offending byte.
  int line = 1;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {}
  Token next();

 private:
  void skip_blanks_and_comments();

  std::string_view rest_;
  int line_ = 1;
};

/// "vnnlib: line 12: <message>"
Error error_at(int line, const std::string& message);

/// A part of the text as it may appear in a message: short, one line, printable.
std::string quoted(std::string_view text);

}  // namespace axiom::vnnlib
