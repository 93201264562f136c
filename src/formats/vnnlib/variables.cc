// Declarations of VNN-LIB 1 and what its words stand for.
#include "formats/vnnlib/variables.h"

#include <charconv>
#include <string>
#include <utility>

namespace axiom::vnnlib {
namespace {

constexpr uint32_t kMaxVariables = 10'000'000;

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

}  // namespace

bool Indices::declare(uint32_t index) {
  if (contains(index)) return false;
  if (index >= declared_.size()) declared_.resize(index + 1, false);
  declared_[index] = true;
  ++count_;
  return true;
}

std::optional<uint32_t> Indices::gap() const {
  for (uint32_t i = 0; i < declared_.size(); ++i) {
    if (!declared_[i]) return i;
  }
  return std::nullopt;
}

Status Variables::declare(Lexer& lexer, int line) {
  const Token name = lexer.next();
  const auto variable = variable_named(name.text);
  if (!variable) return unexpected(name, "a variable X_0, X_1, ... or Y_0, Y_1, ...");
  const Token type = lexer.next();
  if (type.text != "Real") return unexpected(type, "Real");
  if (!(variable->is_output ? outputs_ : inputs_).declare(variable->index)) {
    return error_at(line, std::string(name.text) + " is declared twice");
  }
  const Token end = lexer.next();
  if (end.kind != Token::Kind::kClose) return unexpected(end, "')' after the declaration");
  return {};
}

Result<Linear> Variables::operand(const Token& token) const {
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

Status Variables::check() const {
  for (const bool output : {false, true}) {
    const std::string prefix = output ? "Y_" : "X_";
    const Indices& indices = output ? outputs_ : inputs_;
    if (indices.count() == 0) {
      return invalid_input("vnnlib: the property declares no " + prefix + "0; is this a VNN-LIB file?");
    }
    if (const auto gap = indices.gap()) {
      return invalid_input("vnnlib: " + prefix + std::to_string(*gap) +
                           " is not declared although a variable with a greater number is");
    }
  }
  return {};
}

}  // namespace axiom::vnnlib
