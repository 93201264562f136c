// Exact linear arithmetic. Text of a few bytes can ask for enormous numbers (1e10000 * 1e10000 * ...) or for endless
// work (a long sum under a thousand multiplications), so sizes and steps are limited.
#include "formats/vnnlib/linear.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace axiom::vnnlib {
namespace {

constexpr int64_t kMaxWork = 50'000'000;

std::pair<bool, uint32_t> variable(const Term& term) { return {term.is_output, term.index}; }

void negate(Linear& a) {
  for (Term& term : a.terms) term.coefficient = -term.coefficient;
  a.constant = -a.constant;
}

const Decimal& one() {
  static const Decimal value = Decimal::exact(1.0);
  return value;
}

bool is_unit(const Decimal& value) { return value == one() || -value == one(); }

}  // namespace

Status Arithmetic::charge(const Decimal& a, const Decimal& b) {
  work_ += 1 + static_cast<int64_t>(a.digit_count() + b.digit_count()) / 16;
  if (work_ > kMaxWork)
    return invalid_input("the arithmetic up to here takes too long; write the terms multiplied out");
  return {};
}

Status Arithmetic::add(Decimal& a, const Decimal& b) {
  if (b.is_zero()) return {};
  if (auto charged = charge(a, b); !charged) return charged;
  a = a + b;
  return a.is_small() ? Status() : invalid_input("a sum has more than 2,000 digits");
}

Status Arithmetic::add(Linear& a, Linear b) {
  if (a.terms.size() < b.terms.size()) std::swap(a.terms, b.terms);
  std::move(b.terms.begin(), b.terms.end(), std::back_inserter(a.terms));
  return add(a.constant, b.constant);
}

Status Arithmetic::subtract(Linear& a, Linear b) {
  negate(b);
  return add(a, std::move(b));
}

Status Arithmetic::scale(Linear& a, const Decimal& factor) {
  const auto scale_one = [&](Decimal& value) -> Status {
    if (auto charged = charge(value, factor); !charged) return charged;
    value = value * factor;
    return value.is_small() ? Status() : invalid_input("a product has more than 2,000 digits");
  };
  for (Term& term : a.terms) {
    if (auto scaled = scale_one(term.coefficient); !scaled) return scaled;
  }
  return scale_one(a.constant);
}

Status Arithmetic::multiply(Linear& a, Linear b) {
  if (!a.terms.empty() && !b.terms.empty()) {
    return invalid_input("a product of two terms with variables is not linear; one factor must be a constant");
  }
  if (a.terms.empty()) std::swap(a, b);
  return scale(a, b.constant);
}

Status Arithmetic::combine(std::vector<Term>& terms) {
  std::sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) { return variable(a) < variable(b); });
  size_t count = 0;
  for (Term& term : terms) {
    if (count > 0 && variable(terms[count - 1]) == variable(term)) {
      if (auto added = add(terms[count - 1].coefficient, term.coefficient); !added) return added;
    } else {
      if (&terms[count] != &term) terms[count] = std::move(term);
      ++count;
    }
  }
  terms.resize(count);
  std::erase_if(terms, [](const Term& term) { return term.coefficient.is_zero(); });
  return {};
}

Result<Atom> make_atom(Arithmetic& arithmetic, Linear left, Linear right, int line) {
  if (auto moved = arithmetic.subtract(left, std::move(right)); !moved) return moved.error();
  if (left.terms.size() > 1) {
    if (auto combined = arithmetic.combine(left.terms); !combined) return combined.error();
  } else {
    std::erase_if(left.terms, [](const Term& term) { return term.coefficient.is_zero(); });
  }
  Atom atom;
  atom.constraint = {.terms = std::move(left.terms), .bound = -left.constant, .line = line};
  const auto& terms = atom.constraint.terms;
  if (terms.empty()) {
    atom.kind = atom.constraint.bound.is_negative() ? Atom::Kind::kFalse : Atom::Kind::kTrue;
  } else if (terms.size() == 1 && !terms[0].is_output && is_unit(terms[0].coefficient)) {
    atom.kind = Atom::Kind::kInputBound;
  } else {
    atom.kind = Atom::Kind::kConstraint;
  }
  return atom;
}

}  // namespace axiom::vnnlib
