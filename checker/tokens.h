// The words of a property text, and the line of each.
#pragma once

#include <string>
#include <string_view>

namespace checker {

class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  // The next parenthesis or word; in version 2 also a bracket, a comma, or a string with its quotes. Empty at the end
  // of the file. Throws Malformed, as the others do, for a control character in a comment and a string that is none.
  std::string_view next();
  std::string_view peek() const { return Tokens(*this).next(); }
  // Takes the next token, which must be this one.
  void expect(std::string_view wanted);
  [[noreturn]] void fail(const std::string& why) const;
  size_t line() const { return line_; }
  // In version 1, brackets, commas and quotes are parts of words.
  void begin_version_2() { version_2_ = true; }

 private:
  void skip_comment();
  std::string_view take_string(size_t begin);

  std::string_view text_;
  size_t at_ = 0, line_ = 1;
  bool version_2_ = false;
};

}  // namespace checker
