// The lexer: one pass over the text, no copies.
#include "formats/vnnlib/lexer.h"

#include <algorithm>
#include <array>

namespace axiom::vnnlib {
namespace {

enum class ByteClass : unsigned char { kBad, kWord, kBlank, kOpen, kClose, kComment };

constexpr std::array<ByteClass, 256> byte_classes() {
  std::array<ByteClass, 256> classes = {};
  for (int c = '!'; c <= '~'; ++c) classes[static_cast<size_t>(c)] = ByteClass::kWord;
  for (char c : {' ', '\t', '\r', '\n'}) classes[static_cast<size_t>(c)] = ByteClass::kBlank;
  classes['('] = ByteClass::kOpen;
  classes[')'] = ByteClass::kClose;
  classes[';'] = ByteClass::kComment;
  return classes;
}

constexpr auto kClasses = byte_classes();

ByteClass class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

// A control character in a comment, at which some readers end the line and with it the comment; a carriage return
// before the line break, and a tab, are harmless.
size_t find_control(std::string_view comment, bool ends_in_newline) {
  for (size_t i = 0; i < comment.size(); ++i) {
    const bool harmless = comment[i] == '\t' || (comment[i] == '\r' && i + 1 == comment.size() && ends_in_newline);
    if (static_cast<unsigned char>(comment[i]) < ' ' && !harmless) return i;
  }
  return std::string_view::npos;
}

}  // namespace

void Lexer::skip_blanks_and_comments() {
  size_t i = 0;
  for (; i < rest_.size(); ++i) {
    if (rest_[i] == '\n') ++line_;
    const ByteClass kind = class_of(rest_[i]);
    if (kind == ByteClass::kBlank) continue;
    if (kind != ByteClass::kComment) break;
    const size_t end = std::min(rest_.find('\n', i), rest_.size());
    const size_t control = find_control(rest_.substr(i, end - i), end < rest_.size());
    if (control != std::string_view::npos) {  // Left in front, where it is no token.
      i += control;
      break;
    }
    i = end - 1;  // The loop moves on to the line break.
  }
  rest_.remove_prefix(i);
}

bool Lexer::in_word(char c) const {
  if (class_of(c) != ByteClass::kWord) return false;
  return !version_2_ || (c != '[' && c != ']' && c != ',' && c != '"');
}

// The bytes of the string at the front, quotes included: anything but control characters, and after a backslash one of
// `"`, `\`, `n` and `t`. 0 when it does not end.
size_t Lexer::string_length() const {
  for (size_t i = 1; i < rest_.size(); ++i) {
    const auto c = static_cast<unsigned char>(rest_[i]);
    if (c == '"') return i + 1;
    if (c < ' ' || c == 0x7f) return 0;
    if (c != '\\') continue;
    ++i;
    if (i == rest_.size() || std::string_view("\"\\nt").find(rest_[i]) == std::string_view::npos) return 0;
  }
  return 0;
}

Token Lexer::next() {
  skip_blanks_and_comments();
  Token token{.kind = Token::Kind::kEnd, .text = rest_.substr(0, 1), .line = line_};
  if (rest_.empty()) return token;
  const ByteClass first = class_of(rest_.front());
  if (first == ByteClass::kOpen) {
    token.kind = Token::Kind::kOpen;
  } else if (first == ByteClass::kClose) {
    token.kind = Token::Kind::kClose;
  } else if (in_word(rest_.front())) {
    size_t length = 1;
    while (length < rest_.size() && in_word(rest_[length])) ++length;
    token.kind = Token::Kind::kWord;
    token.text = rest_.substr(0, length);
  } else if (first != ByteClass::kWord) {
    token.kind = Token::Kind::kBad;
  } else if (rest_.front() == '"') {
    const size_t length = string_length();
    token.kind = length == 0 ? Token::Kind::kBad : Token::Kind::kString;
    if (length > 0) token.text = rest_.substr(0, length);
  } else {
    const char c = rest_.front();
    token.kind = c == '[' ? Token::Kind::kOpenBracket : c == ']' ? Token::Kind::kCloseBracket : Token::Kind::kComma;
  }
  rest_.remove_prefix(token.text.size());
  return token;
}

Error error_at(int line, const std::string& message) {
  return invalid_input("vnnlib: line " + std::to_string(line) + ": " + message);
}

Error unexpected(const Token& token, const std::string& wanted) {
  if (token.kind == Token::Kind::kEnd) return error_at(token.line, "the text ends where " + wanted + " is expected");
  return error_at(token.line, "found " + quoted(token.text) + " where " + wanted + " is expected");
}

std::string quoted(std::string_view text) {
  constexpr size_t longest = 40;
  std::string out = "'";
  for (char c : text.substr(0, longest)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > longest ? "...'" : "'");
}

}  // namespace axiom::vnnlib
