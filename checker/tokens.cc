// One pass over the text; nothing is copied.
#include "tokens.h"

#include <algorithm>

#include "error.h"

namespace checker {

void Tokens::fail(const std::string& why) const { throw Malformed(text("property: line ", line_, ": ", why)); }

std::string_view Tokens::next() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ';') {
      skip_comment();
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      line_ += c == '\n';
      ++at_;
    } else {
      break;
    }
  }
  if (at_ == text_.size()) return {};
  const std::string_view alone = version_2_ ? "()[]," : "()";
  const std::string_view ends = version_2_ ? "(); \t\r\n[],\"" : "(); \t\r\n";
  const size_t begin = at_++;
  if (alone.find(text_[begin]) != std::string_view::npos) return text_.substr(begin, 1);
  if (version_2_ && text_[begin] == '"') return take_string(begin);
  at_ = std::min(text_.find_first_of(ends, at_), text_.size());
  return text_.substr(begin, at_ - begin);
}

// To the end of the line. Some readers end a line, and with it a comment, at other control characters as well.
void Tokens::skip_comment() {
  const size_t end = std::min(text_.find('\n', at_), text_.size());
  for (; at_ < end; ++at_) {
    const auto c = static_cast<unsigned char>(text_[at_]);
    const bool return_before_newline = c == '\r' && at_ + 1 == end && end < text_.size();
    if (c < ' ' && c != '\t' && !return_before_newline) fail(text("control character ", int(c), " in a comment"));
  }
}

std::string_view Tokens::take_string(size_t begin) {
  for (; at_ < text_.size(); ++at_) {
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') {
      ++at_;
      return text_.substr(begin, at_ - begin);
    }
    if (c < ' ' || c == 127) fail(text("control character ", int(c), " in a string"));
    if (c != '\\') continue;
    ++at_;
    const bool known = at_ < text_.size() && std::string_view("\"\\nt").find(text_[at_]) != std::string_view::npos;
    if (!known) fail("a backslash in a string, not before one of \", \\, n, t");
  }
  fail("a string does not end");
}

void Tokens::expect(std::string_view wanted) {
  const std::string_view token = next();
  if (token != wanted) fail(text("expected '", wanted, "' and found '", token.substr(0, 40), "'"));
}

}  // namespace checker
