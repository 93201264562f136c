// The parser of VNN-LIB 1: S-expressions over an explicit stack, reduced as they close, so that neither the depth of
// the text nor its length costs more than it should.
#include "formats/vnnlib/vnnlib.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/sha256.h"
#include "formats/vnnlib/lexer.h"
#include "formats/vnnlib/linear.h"
#include "formats/vnnlib/normal_form.h"

namespace axiom {
namespace vnnlib {
namespace {

constexpr uint64_t kMaxText = 100'000'000;
constexpr size_t kMaxNesting = 1'000;
constexpr uint32_t kMaxVariables = 10'000'000;

enum class Head { kAssert, kAnd, kOr, kLessEqual, kGreaterEqual, kAdd, kSubtract, kMultiply };

bool takes_formulas(Head head) { return head == Head::kAssert || head == Head::kAnd || head == Head::kOr; }
bool is_comparison(Head head) { return head == Head::kLessEqual || head == Head::kGreaterEqual; }

std::optional<Head> head_of(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, Head>, 9> heads = {{{"<=", Head::kLessEqual},
                                                                              {">=", Head::kGreaterEqual},
                                                                              {"<", Head::kLessEqual},
                                                                              {">", Head::kGreaterEqual},
                                                                              {"and", Head::kAnd},
                                                                              {"or", Head::kOr},
                                                                              {"+", Head::kAdd},
                                                                              {"-", Head::kSubtract},
                                                                              {"*", Head::kMultiply}}};
  for (const auto& [name, head] : heads) {
    if (name == word) return head;
  }
  return std::nullopt;
}

std::string unknown_head(std::string_view word) {
  if (word == "=") return "'=' is not supported; write (and (<= a b) (>= a b))";
  if (word == "not") return "'not' is not supported; write the opposite comparison";
  if (word == "/") return "'/' is not supported; write the quotient as a decimal";
  return "unknown operator " + quoted(word) + "; known are and, or, <=, >=, <, >, +, -, *";
}

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

/// The variables X_0, X_1, ... or Y_0, Y_1, ...
class Variables {
 public:
  bool contains(uint32_t index) const { return index < declared_.size() && declared_[index]; }
  bool declare(uint32_t index) {
    if (contains(index)) return false;
    if (index >= declared_.size()) declared_.resize(index + 1, false);
    declared_[index] = true;
    ++count_;
    return true;
  }
  uint32_t count() const { return count_; }
  /// The first number that is missing below the greatest.
  std::optional<uint32_t> gap() const {
    for (uint32_t i = 0; i < declared_.size(); ++i) {
      if (!declared_[i]) return i;
    }
    return std::nullopt;
  }

 private:
  std::vector<bool> declared_;
  uint32_t count_ = 0;
};

/// X_12 or Y_12, without leading zeros.
std::optional<Term> variable_named(std::string_view word) {
  if (word.size() < 3 || (word[0] != 'X' && word[0] != 'Y') || word[1] != '_') return std::nullopt;
  static const Decimal one = Decimal::exact(1.0);
  Term term{.is_output = word[0] == 'Y', .index = 0, .coefficient = one};
  word.remove_prefix(2);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), term.index);
  const bool leading_zero = word.size() > 1 && word[0] == '0';
  if (error != std::errc() || end != word.data() + word.size() || leading_zero || term.index >= kMaxVariables) {
    return std::nullopt;
  }
  return term;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}
  Result<Property> parse();

 private:
  Status command(int line);
  Status declare(int line);
  Status assertion(int line);
  Status open(int line);
  Status close();
  Status word(const Token& token);
  Status give(Linear value, int line);
  Status give(Disjunction value);
  Status expect_close(const char* after);
  Status check_variables() const;
  Result<Linear> operand(const Token& token) const;

  Lexer lexer_;
  Variables inputs_, outputs_;
  Arithmetic arithmetic_;
  NormalForm normal_form_;
  std::vector<Frame> stack_;
  std::vector<Disjunction> asserts_;
};

Error unexpected(const Token& token, const std::string& wanted) {
  if (token.kind == Token::Kind::kEnd) return error_at(token.line, "the text ends where " + wanted + " is expected");
  return error_at(token.line, "found " + quoted(token.text) + " where " + wanted + " is expected");
}

Result<Property> Parser::parse() {
  for (Token token = lexer_.next(); token.kind != Token::Kind::kEnd; token = lexer_.next()) {
    if (token.kind != Token::Kind::kOpen) return unexpected(token, "'('");
    if (auto done = command(token.line); !done) return done.error();
  }
  if (auto checked = check_variables(); !checked) return checked.error();
  return normal_form_.expand(asserts_, inputs_.count(), outputs_.count());
}

Status Parser::command(int line) {
  const Token name = lexer_.next();
  if (name.text == "declare-const") return declare(line);
  if (name.text == "assert") return assertion(line);
  if (name.text == "vnnlib-version" || name.text == "declare-network") {
    return error_at(line, "this is VNN-LIB 2; write the property in VNN-LIB 1");
  }
  return unexpected(name, "declare-const or assert");
}

Status Parser::expect_close(const char* after) {
  const Token token = lexer_.next();
  if (token.kind == Token::Kind::kClose) return {};
  return unexpected(token, std::string("')' after ") + after);
}

Status Parser::declare(int line) {
  const Token name = lexer_.next();
  const auto variable = variable_named(name.text);
  if (!variable) return unexpected(name, "a variable X_0, X_1, ... or Y_0, Y_1, ...");
  const Token type = lexer_.next();
  if (type.text != "Real") return unexpected(type, "Real");
  if (!(variable->is_output ? outputs_ : inputs_).declare(variable->index)) {
    return error_at(line, std::string(name.text) + " is declared twice");
  }
  return expect_close("the declaration");
}

Status Parser::assertion(int line) {
  stack_.push_back({.head = Head::kAssert, .word = "assert", .line = line, .term = {}, .right = {}, .formula = {}});
  while (!stack_.empty()) {
    const Token token = lexer_.next();
    Status done;
    switch (token.kind) {
      case Token::Kind::kOpen:
        done = open(token.line);
        break;
      case Token::Kind::kClose:
        done = close();
        break;
      case Token::Kind::kWord:
        done = word(token);
        break;
      case Token::Kind::kBad:
        return error_at(token.line, "a byte that is no text; is this a VNN-LIB file?");
      case Token::Kind::kEnd:
        return error_at(token.line, "the text ends inside the assert of line " + std::to_string(line));
    }
    if (!done) return done;
  }
  return {};
}

Status Parser::open(int line) {
  const Token name = lexer_.next();
  if (name.kind != Token::Kind::kWord) return unexpected(name, "an operator");
  const auto head = head_of(name.text);
  if (!head) return error_at(name.line, unknown_head(name.text));
  const bool is_formula = takes_formulas(*head) || is_comparison(*head);
  if (is_formula != takes_formulas(stack_.back().head)) {
    return unexpected(name, is_formula ? "a term" : "a formula (and, or, <=, >=)");
  }
  if (stack_.size() >= kMaxNesting) return error_at(line, "nested more than 1,000 levels deep");
  stack_.push_back({.head = *head, .word = name.text, .line = line, .term = {}, .right = {}, .formula = {}});
  return {};
}

Status Parser::close() {
  Frame frame = std::move(stack_.back());
  stack_.pop_back();
  const auto wrong_count = [&frame](const char* wanted) {
    return error_at(frame.line,
                    quoted(frame.word) + " has " + std::to_string(frame.operands) + " operands; it takes " + wanted);
  };
  if (frame.head == Head::kAssert) {
    if (frame.operands != 1) return wrong_count("one");
    asserts_.push_back(std::move(frame.formula));
    return {};
  }
  if (is_comparison(frame.head)) {
    if (frame.operands != 2) return wrong_count("two");
    if (frame.head == Head::kGreaterEqual) std::swap(frame.term, frame.right);
    auto atom = make_atom(arithmetic_, std::move(frame.term), std::move(frame.right), frame.line);
    if (!atom) return error_at(frame.line, atom.error().message);
    return give(normal_form_.of_atom(*std::move(atom)));
  }
  if (frame.operands == 0) return wrong_count("at least one");
  if (takes_formulas(frame.head)) return give(std::move(frame.formula));
  if (frame.head == Head::kSubtract && frame.operands == 1) {
    Linear zero;
    if (auto done = arithmetic_.subtract(zero, std::move(frame.term)); !done)
      return error_at(frame.line, done.error().message);
    frame.term = std::move(zero);
  }
  return give(std::move(frame.term), frame.line);
}

Result<Linear> Parser::operand(const Token& token) const {
  Linear result;
  if (auto variable = variable_named(token.text)) {
    if (!(variable->is_output ? outputs_ : inputs_).contains(variable->index)) {
      return error_at(token.line, std::string(token.text) + " is not declared; add (declare-const " +
                                      std::string(token.text) + " Real) before it");
    }
    result.terms.push_back(*std::move(variable));
    return result;
  }
  auto number = Decimal::parse(token.text);
  if (!number) {
    const char first = token.text.front();
    const bool numeric = (first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.';
    if (numeric) return error_at(token.line, number.error().message);
    return unexpected(token, "a number or a variable X_i, Y_j");
  }
  result.constant = *std::move(number);
  return result;
}

Status Parser::word(const Token& token) {
  if (takes_formulas(stack_.back().head)) return unexpected(token, "a formula such as (<= X_0 1)");
  auto value = operand(token);
  if (!value) return value.error();
  return give(*std::move(value), token.line);
}

Status Parser::give(Linear value, int line) {
  Frame& frame = stack_.back();
  ++frame.operands;
  if (frame.operands == 1) {
    frame.term = std::move(value);
    return {};
  }
  Status done;
  switch (frame.head) {
    case Head::kAdd:
      done = arithmetic_.add(frame.term, std::move(value));
      break;
    case Head::kSubtract:
      done = arithmetic_.subtract(frame.term, std::move(value));
      break;
    case Head::kMultiply:
      done = arithmetic_.multiply(frame.term, std::move(value));
      break;
    default:
      frame.right = std::move(value);  // Of a comparison; a third operand is counted and refused at its end.
  }
  return done ? Status() : error_at(line, done.error().message);
}

Status Parser::give(Disjunction value) {
  Frame& frame = stack_.back();
  ++frame.operands;
  if (frame.operands == 1) {
    frame.formula = std::move(value);
    return {};
  }
  const auto done = frame.head == Head::kOr ? normal_form_.disjoin(frame.formula, std::move(value))
                                            : normal_form_.conjoin(frame.formula, std::move(value));
  return done ? Status() : error_at(frame.line, done.error().message);
}

Status Parser::check_variables() const {
  for (const bool output : {false, true}) {
    const std::string prefix = output ? "Y_" : "X_";
    const Variables& variables = output ? outputs_ : inputs_;
    if (variables.count() == 0) {
      return invalid_input("vnnlib: the property declares no " + prefix + "0; is this a VNN-LIB file?");
    }
    if (const auto gap = variables.gap()) {
      return invalid_input("vnnlib: " + prefix + std::to_string(*gap) +
                           " is not declared although a variable with a greater number is");
    }
  }
  return {};
}

}  // namespace
}  // namespace vnnlib

Result<Property> parse_vnnlib(std::string_view text) {
  if (text.size() > vnnlib::kMaxText) return invalid_input("vnnlib: the text is larger than 100 MB");
  auto property = vnnlib::Parser(text).parse();
  if (property) property->digest = sha256_hex(text);
  return property;
}

Result<Property> read_vnnlib(const std::string& path) {
  auto text = read_file(path, vnnlib::kMaxText);
  if (!text) return text.error();
  return parse_vnnlib(*text);
}

}  // namespace axiom
