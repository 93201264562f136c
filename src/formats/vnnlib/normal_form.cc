// Expansion to disjuncts. A picture's property has thousands of asserts that bound one pixel each and one assert with
// the alternatives, so asserts with a single conjunction go into one common part; only the others are multiplied out.
// A box is a pair of atom numbers per input until it is known to differ from the box before.
#include "formats/vnnlib/normal_form.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace axiom::vnnlib {
namespace {

constexpr size_t kMaxDisjuncts = 100'000;
constexpr size_t kMaxReferences = 16'000'000;
constexpr size_t kMaxExpandedBytes = size_t{256} << 20;

constexpr uint32_t kUnbounded = UINT32_MAX;

/// Atom numbers of the greatest lower and the least upper bound of an input.
struct Ends {
  uint32_t lower = kUnbounded, upper = kUnbounded;
};

/// One conjunction of a factor, its atoms told apart.
struct Alternative {
  Conjunction bounds, constraints;
};
using Factor = std::vector<Alternative>;

class Expansion {
 public:
  Expansion(const std::vector<Atom>& atoms, uint32_t inputs) : atoms_(atoms), common_(inputs) {}

  void add_assert(const Disjunction& disjunction);
  Result<std::vector<Disjunct>> disjuncts();

 private:
  Alternative split(const Conjunction& conjunction) const;
  void tighten(std::vector<Ends>& box, uint32_t atom) const;
  Result<Box> make_box(const std::vector<Ends>& ends);
  Result<Box> box_of(const std::vector<const Alternative*>& chosen);
  Status append_constraints(Disjunct& disjunct, const Conjunction& constraints);
  Status charge(size_t bytes);

  const std::vector<Atom>& atoms_;
  std::vector<Ends> common_;
  std::vector<Factor> factors_;
  std::optional<Box> common_box_;
  Box last_box_;
  size_t bytes_ = 0;
};

Status Expansion::charge(size_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= kMaxExpandedBytes) return {};
  return invalid_input("vnnlib: the disjuncts of this property take more than 256 MiB; split it into several files");
}

Alternative Expansion::split(const Conjunction& conjunction) const {
  Alternative result;
  for (const uint32_t atom : conjunction) {
    (atoms_[atom].kind == Atom::Kind::kInputBound ? result.bounds : result.constraints).push_back(atom);
  }
  return result;
}

void Expansion::add_assert(const Disjunction& disjunction) {
  Factor factor;
  for (const Conjunction& conjunction : disjunction) factor.push_back(split(conjunction));
  if (factor.size() != 1) return factors_.push_back(std::move(factor));
  for (const uint32_t atom : factor[0].bounds) tighten(common_, atom);
  Conjunction& constraints = factor[0].constraints;
  if (constraints.empty()) return;
  factor[0].bounds.clear();
  if (factors_.empty() || factors_.back().size() != 1) return factors_.push_back(std::move(factor));
  std::copy(constraints.begin(), constraints.end(), std::back_inserter(factors_.back()[0].constraints));
}

void Expansion::tighten(std::vector<Ends>& box, uint32_t atom) const {
  const LinearConstraint& bound = atoms_[atom].constraint;
  Ends& ends = box[bound.terms[0].index];
  // An upper bound is x <= bound, a lower one -x <= bound: in both the smaller bound is tighter.
  uint32_t& end = bound.terms[0].coefficient.is_negative() ? ends.lower : ends.upper;
  if (end == kUnbounded || compare(bound.bound, atoms_[end].constraint.bound) < 0) end = atom;
}

Result<Box> Expansion::make_box(const std::vector<Ends>& ends) {
  size_t bytes = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i].lower == kUnbounded || ends[i].upper == kUnbounded) {
      const char* side = ends[i].lower == kUnbounded ? "lower" : "upper";
      return invalid_input("vnnlib: X_" + std::to_string(i) + " has no " + side +
                           " bound in some disjunct; assert one for every input");
    }
    bytes += sizeof(Interval) + atoms_[ends[i].lower].constraint.bound.digit_count() +
             atoms_[ends[i].upper].constraint.bound.digit_count();
  }
  if (auto charged = charge(bytes); !charged) return charged.error();
  std::vector<Interval> box;
  box.reserve(ends.size());
  for (const Ends& end : ends) {
    box.push_back({.lower = -atoms_[end.lower].constraint.bound, .upper = atoms_[end.upper].constraint.bound});
  }
  if (!std::equal(last_box_.begin(), last_box_.end(), box.begin(), box.end())) last_box_ = Box(std::move(box));
  return last_box_;
}

Result<Box> Expansion::box_of(const std::vector<const Alternative*>& chosen) {
  const auto has_bounds = [](const Alternative* alternative) { return !alternative->bounds.empty(); };
  if (std::any_of(chosen.begin(), chosen.end(), has_bounds)) {
    std::vector<Ends> ends = common_;
    for (const Alternative* alternative : chosen) {
      for (const uint32_t atom : alternative->bounds) tighten(ends, atom);
    }
    return make_box(ends);
  }
  if (!common_box_) {
    auto box = make_box(common_);
    if (!box) return box;
    common_box_ = *box;
  }
  return *common_box_;
}

Status Expansion::append_constraints(Disjunct& disjunct, const Conjunction& constraints) {
  for (const uint32_t atom : constraints) {
    const LinearConstraint& constraint = atoms_[atom].constraint;
    size_t bytes = sizeof(LinearConstraint) + constraint.bound.digit_count();
    for (const Term& term : constraint.terms) bytes += sizeof(Term) + term.coefficient.digit_count();
    if (auto charged = charge(bytes); !charged) return charged;
    disjunct.constraints.push_back(constraint);
  }
  return {};
}

Result<std::vector<Disjunct>> Expansion::disjuncts() {
  size_t count = 1;
  for (const Factor& factor : factors_) {
    if (!__builtin_mul_overflow(count, factor.size(), &count) && count <= kMaxDisjuncts) continue;
    const bool vanishes = std::any_of(factors_.begin(), factors_.end(), [](const Factor& f) { return f.empty(); });
    if (vanishes) return std::vector<Disjunct>();
    return invalid_input("vnnlib: the asserts multiply out to more than 100,000 disjuncts; split the property");
  }
  std::vector<Disjunct> result(count);
  std::vector<const Alternative*> chosen(factors_.size());
  for (size_t number = 0; number < count; ++number) {
    // The digits of `number` in the mixed base of the factors' sizes, the last factor changing fastest.
    for (size_t f = factors_.size(), rest = number; f-- > 0; rest /= factors_[f].size()) {
      chosen[f] = &factors_[f][rest % factors_[f].size()];
    }
    auto box = box_of(chosen);
    if (!box) return box.error();
    result[number].box = *std::move(box);
    for (const Alternative* alternative : chosen) {
      auto appended = append_constraints(result[number], alternative->constraints);
      if (!appended) return appended.error();
    }
  }
  return result;
}

}  // namespace

Disjunction NormalForm::of_atom(Atom atom) {
  if (atom.kind == Atom::Kind::kFalse) return {};
  if (atom.kind == Atom::Kind::kTrue) return {{}};
  atoms_.push_back(std::move(atom));
  return {{static_cast<uint32_t>(atoms_.size() - 1)}};
}

Status NormalForm::charge(size_t disjuncts, size_t references) {
  if (disjuncts > kMaxDisjuncts) return invalid_input("the formula has more than 100,000 disjuncts");
  references_ += references;
  if (references_ > kMaxReferences) return invalid_input("the formula is too large when multiplied out");
  return {};
}

Status NormalForm::disjoin(Disjunction& a, Disjunction b) {
  if (auto charged = charge(a.size() + b.size(), 0); !charged) return charged;
  std::move(b.begin(), b.end(), std::back_inserter(a));
  return {};
}

Status NormalForm::conjoin(Disjunction& a, Disjunction b) {
  if (b.size() == 1) {
    if (auto charged = charge(a.size(), a.size() * b[0].size()); !charged) return charged;
    for (Conjunction& left : a) left.insert(left.end(), b[0].begin(), b[0].end());
    return {};
  }
  Disjunction product;
  if (auto charged = charge(a.size() * b.size(), 0); !charged) return charged;
  for (const Conjunction& left : a) {
    for (const Conjunction& right : b) {
      if (auto charged = charge(0, left.size() + right.size()); !charged) return charged;
      product.push_back(left);
      product.back().insert(product.back().end(), right.begin(), right.end());
    }
  }
  a = std::move(product);
  return {};
}

Result<Property> NormalForm::expand(const std::vector<Disjunction>& asserts, uint32_t inputs, uint32_t outputs) const {
  Expansion expansion(atoms_, inputs);
  for (const Disjunction& disjunction : asserts) expansion.add_assert(disjunction);
  auto disjuncts = expansion.disjuncts();
  if (!disjuncts) return disjuncts.error();
  Property property;
  property.input_count = inputs;
  property.output_count = outputs;
  property.disjuncts = *std::move(disjuncts);
  return property;
}

}  // namespace axiom::vnnlib
