// S-expressions over an explicit stack, reduced as they close, so that neither the depth of the text nor its length
// costs more than it should.
#include "formats/vnnlib/formula.h"

#include <array>
#include <string>
#include <utility>

namespace axiom::vnnlib {
namespace {

constexpr size_t kMaxNesting = 1'000;

std::string unknown_head(std::string_view word, Version version) {
  if (word == "=" || word == "==") {
    return quoted(word) + " is not supported; write " + (version == Version::kOne ? "(and (<= a b) (>= a b))" : "==");
  }
  if (word == "not") return "'not' is not supported; write the opposite comparison";
  if (word == "/") return "'/' is not supported; write the quotient as a decimal";
  const char* more = version == Version::kOne ? "" : ", ==, !=";
  return "unknown operator " + quoted(word) + "; known are and, or, <=, >=, <, >" + more + ", +, -, *";
}

}  // namespace

Assertions::Assertions(Lexer& lexer, Version version, Operand operand)
    : lexer_(lexer), version_(version), operand_(std::move(operand)) {}

bool Assertions::takes_formulas(Head head) { return head == Head::kAssert || head == Head::kAnd || head == Head::kOr; }

bool Assertions::is_comparison(Head head) {
  return head == Head::kLessEqual || head == Head::kGreaterEqual || head == Head::kEqual || head == Head::kNotEqual;
}

Result<Assertions::Head> Assertions::head_of(const Token& word) const {
  struct Entry {
    std::string_view name;
    Head head;
    Version since;
  };
  static constexpr std::array<Entry, 11> heads = {{{"<=", Head::kLessEqual, Version::kOne},
                                                   {">=", Head::kGreaterEqual, Version::kOne},
                                                   {"<", Head::kLessEqual, Version::kOne},
                                                   {">", Head::kGreaterEqual, Version::kOne},
                                                   {"==", Head::kEqual, Version::kTwo},
                                                   {"!=", Head::kNotEqual, Version::kTwo},
                                                   {"and", Head::kAnd, Version::kOne},
                                                   {"or", Head::kOr, Version::kOne},
                                                   {"+", Head::kAdd, Version::kOne},
                                                   {"-", Head::kSubtract, Version::kOne},
                                                   {"*", Head::kMultiply, Version::kOne}}};
  for (const Entry& entry : heads) {
    if (entry.name == word.text && (entry.since == Version::kOne || version_ == Version::kTwo)) return entry.head;
  }
  return error_at(word.line, unknown_head(word.text, version_));
}

Status Assertions::read(int line) {
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
      case Token::Kind::kOpenBracket:
      case Token::Kind::kCloseBracket:
      case Token::Kind::kComma:
      case Token::Kind::kString:
        return unexpected(token, "'(', ')', a number or a variable");
      case Token::Kind::kBad:
        return error_at(token.line, "a byte that is no text; is this a VNN-LIB file?");
      case Token::Kind::kEnd:
        return error_at(token.line, "the text ends inside the assert of line " + std::to_string(line));
    }
    if (!done) return done;
  }
  return {};
}

Result<Property> Assertions::expand(uint32_t inputs, uint32_t outputs) const {
  return normal_form_.expand(asserts_, inputs, outputs);
}

Status Assertions::open(int line) {
  const Token name = lexer_.next();
  if (name.kind != Token::Kind::kWord) return unexpected(name, "an operator");
  const auto head = head_of(name);
  if (!head) return head.error();
  const bool is_formula = takes_formulas(*head) || is_comparison(*head);
  if (is_formula != takes_formulas(stack_.back().head)) {
    return unexpected(name, is_formula ? "a term" : "a formula (and, or, <=, >=)");
  }
  if (stack_.size() >= kMaxNesting) return error_at(line, "nested more than 1,000 levels deep");
  stack_.push_back({.head = *head, .word = name.text, .line = line, .term = {}, .right = {}, .formula = {}});
  return {};
}

Status Assertions::close() {
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
    const int line = frame.line;
    auto formula = compare(std::move(frame));
    if (!formula) return error_at(line, formula.error().message);
    return give(*std::move(formula));
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

// a == b is (and (<= a b) (>= a b)). a != b is (or (<= a b) (>= a b)), the closure of what it says, as `<` is `<=`: the
// unsafe set may only grow.
Result<Disjunction> Assertions::compare(Frame frame) {
  const bool both_ways = frame.head == Head::kEqual || frame.head == Head::kNotEqual;
  Linear left = both_ways ? frame.term : Linear(), right = both_ways ? frame.right : Linear();
  if (frame.head == Head::kGreaterEqual) std::swap(frame.term, frame.right);
  auto atom = make_atom(arithmetic_, std::move(frame.term), std::move(frame.right), frame.line);
  if (!atom) return atom.error();
  Disjunction formula = normal_form_.of_atom(*std::move(atom));
  if (!both_ways) return formula;
  auto other = make_atom(arithmetic_, std::move(right), std::move(left), frame.line);
  if (!other) return other.error();
  Disjunction reversed = normal_form_.of_atom(*std::move(other));
  const Status joined = frame.head == Head::kEqual ? normal_form_.conjoin(formula, std::move(reversed))
                                                   : normal_form_.disjoin(formula, std::move(reversed));
  if (!joined) return joined.error();
  return formula;
}

Status Assertions::word(const Token& token) {
  if (takes_formulas(stack_.back().head)) {
    return unexpected(token, version_ == Version::kOne ? "a formula such as (<= X_0 1)" : "a formula such as (<= a b)");
  }
  auto value = operand_(token);
  if (!value) return value.error();
  return give(*std::move(value), token.line);
}

Status Assertions::give(Linear value, int line) {
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

Status Assertions::give(Disjunction value) {
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

}  // namespace axiom::vnnlib
