// Tokens of VNN-LIB, with the line they stand on: parentheses and words, and in version 2 brackets, commas and strings.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace axiom::vnnlib {

struct Token {
  enum class Kind { kOpen, kClose, kWord, kOpenBracket, kCloseBracket, kComma, kString, kEnd, kBad };
  Kind kind = Kind::kEnd;
  std::string_view text;  ///< A part of the property text; for kBad the offending byte; a string has its quotes.
  int line = 1;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {}
  Token next();
  Token peek() const { return Lexer(*this).next(); }
  /// From here on `[`, `]`, `,` and strings are tokens of their own; in version 1 they are parts of words.
  void begin_version_2() { version_2_ = true; }

 private:
  void skip_blanks_and_comments();
  bool in_word(char c) const;
  size_t string_length() const;

  std::string_view rest_;
  int line_ = 1;
  bool version_2_ = false;
};

/// "vnnlib: line 12: <message>"
Error error_at(int line, const std::string& message);

/// "found 'x' where `wanted` is expected", or that the text ends there.
Error unexpected(const Token& token, const std::string& wanted);

/// A part of the text as it may appear in a message: short, one line, printable.
std::string quoted(std::string_view text);

}  // namespace axiom::vnnlib
