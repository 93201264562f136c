// VNN-LIB text of the suite's questions.
#include "question.h"

#include <cstdio>

namespace axiom::soundness {
namespace {

std::string variable(bool output, int index) { return (output ? "Y_" : "X_") + std::to_string(index); }

std::string atom(const std::string& relation, const std::string& left, const std::string& right) {
  return "(" + relation + " " + left + " " + right + ")";
}

std::string inequality_text(const Inequality& inequality) {
  std::string sum;
  for (const Inequality::Term& term : inequality.terms) {
    sum += " (* " + term.coefficient + " " + variable(term.output, term.index) + ")";
  }
  return atom("<=", inequality.terms.empty() ? "0.0" : "(+" + sum + ")", inequality.bound);
}

std::string case_text(const UnsafeCase& unsafe) {
  std::string text = "(and";
  for (size_t j = 0; j < unsafe.box.size(); ++j) {
    const std::string x = variable(false, static_cast<int>(j));
    text += " " + atom(">=", x, unsafe.box[j].lower) + " " + atom("<=", x, unsafe.box[j].upper);
  }
  for (const Inequality& inequality : unsafe.inequalities) text += " " + inequality_text(inequality);
  return text + ")";
}

}  // namespace

Rational Inequality::slack(const std::vector<Rational>& x, const std::vector<Rational>& y) const {
  Rational left = parse_decimal(bound);
  for (const Term& term : terms) left -= term.exact() * (term.output ? y : x)[static_cast<size_t>(term.index)];
  return left;
}

std::string Question::text() const {
  std::string text;
  for (int j = 0; j < inputs; ++j) text += "(declare-const " + variable(false, j) + " Real)\n";
  for (int k = 0; k < outputs; ++k) text += "(declare-const " + variable(true, k) + " Real)\n";
  text += "(assert (or";
  for (const UnsafeCase& unsafe : cases) text += "\n  " + case_text(unsafe);
  return text + "))\n";
}

ExactBox exact_box(const std::vector<Side>& box) {
  ExactBox out;
  for (const Side& side : box) {
    out.lower.push_back(parse_decimal(side.lower));
    out.upper.push_back(parse_decimal(side.upper));
  }
  return out;
}

ExactBox float_box(const std::vector<Side>& box) {
  ExactBox out = exact_box(box);
  for (auto* ends : {&out.lower, &out.upper}) {
    for (Rational& end : *ends) end = nearest_float(end);
  }
  return out;
}

std::string decimal_of(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string short_decimal(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

}  // namespace axiom::soundness
