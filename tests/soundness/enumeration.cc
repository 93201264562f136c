// Enumeration of activation patterns, depth first.
#include "enumeration.h"

#include <algorithm>
#include <bit>

namespace axiom::soundness {
namespace {

void add_scaled(AffineForm& sum, const Rational& factor, const AffineForm& form) {
  if (factor == 0) return;
  for (size_t j = 0; j < sum.coefficients.size(); ++j) sum.coefficients[j] += factor * form.coefficients[j];
  sum.constant += factor * form.constant;
}

AffineForm scaled(const Rational& factor, const AffineForm& form) {
  AffineForm out{std::vector<Rational>(form.coefficients.size()), 0};
  add_scaled(out, factor, form);
  return out;
}

class Enumeration {
 public:
  using Visit = std::function<void(const Cell&, const std::vector<AffineForm>&)>;
  Enumeration(const Meaning& meaning, size_t cap, const Visit& visit) : meaning_(meaning), cap_(cap), visit_(visit) {}

  bool run(const Cell& box) {
    const auto n = static_cast<size_t>(meaning_.input_count);
    for (size_t j = 0; j < n; ++j) {
      forms_.push_back({std::vector<Rational>(n), 0});
      forms_.back().coefficients[j] = 1;
    }
    if (!box.corners.empty()) descend(box);
    return cells_ <= cap_;
  }

 private:
  const AffineForm& form(int scalar) const { return forms_[static_cast<size_t>(scalar)]; }

  // Continues with `form` as the next scalar.
  void take(const Cell& cell, AffineForm form) {
    forms_.push_back(std::move(form));
    descend(cell);
    forms_.pop_back();
  }

  // Continues in the part of the cell where form <= 0 with `below`, in the other with `above`.
  template <typename Below, typename Above>
  void branch(const Cell& cell, const AffineForm& form, Below below, Above above) {
    bool negative = false, positive = false;
    for (const Cell::Corner& corner : cell.corners) {
      const int sign = sgn(form.at(corner.x));
      negative |= sign < 0;
      positive |= sign > 0;
    }
    if (!positive) return below(cell);
    if (!negative) return above(cell);
    below(cell.cut(form));
    above(cell.cut(scaled(-1, form)));
  }

  void descend(const Cell& cell) {
    if (cells_ > cap_ || cell.half_spaces > 60) {
      cells_ = cap_ + 1;
      return;
    }
    if (forms_.size() == meaning_.scalars.size()) {
      ++cells_;
      return visit_(cell, forms_);
    }
    const Scalar& scalar = meaning_.scalars[forms_.size()];
    const size_t n = static_cast<size_t>(meaning_.input_count);
    AffineForm sum{std::vector<Rational>(n), 0};
    switch (scalar.kind) {
      case ScalarKind::kConstant:
        sum.constant = scalar.value;
        break;
      case ScalarKind::kSum:
        for (const Leaf& leaf : scalar.leaves) {
          add_scaled(sum, Rational(leaf.weight) * (leaf.product ? scalar.alpha : scalar.beta), form(leaf.source));
        }
        for (const float c : scalar.constants) sum.constant += Rational(scalar.beta) * c;
        break;
      case ScalarKind::kNormalize: {
        const Normalization& figures = scalar.normalization;
        const Rational slope = Rational(figures.scale) / *exact_deviation(figures);
        add_scaled(sum, slope, form(scalar.sources[0]));
        sum.constant += Rational(figures.shift) - slope * figures.mean;
        break;
      }
      case ScalarKind::kMax:
        return descend_max(cell, scalar, 1, form(scalar.sources[0]));
      default: {  // Relu and LeakyRelu.
        const AffineForm source = form(scalar.sources[0]);
        const Rational slope = scalar.kind == ScalarKind::kRelu ? 0 : scalar.value;
        return branch(
            cell, source, [&](const Cell& part) { take(part, scaled(slope, source)); },
            [&](const Cell& part) { take(part, source); });
      }
    }
    take(cell, std::move(sum));
  }

  void descend_max(const Cell& cell, const Scalar& scalar, size_t next, const AffineForm& greatest) {
    if (next == scalar.sources.size()) return take(cell, greatest);
    const AffineForm other = form(scalar.sources[next]);
    AffineForm difference = other;
    add_scaled(difference, -1, greatest);
    branch(
        cell, difference, [&](const Cell& part) { descend_max(part, scalar, next + 1, greatest); },
        [&](const Cell& part) { descend_max(part, scalar, next + 1, other); });
  }

  const Meaning& meaning_;
  size_t cap_, cells_ = 0;
  const Visit& visit_;
  std::vector<AffineForm> forms_;
};

// The sum of an inequality minus `bound`, on a cell.
AffineForm inequality_form(const Meaning& meaning, const Inequality& inequality, const std::vector<AffineForm>& forms,
                           const Rational& bound) {
  AffineForm sum{std::vector<Rational>(static_cast<size_t>(meaning.input_count)), -bound};
  for (const Inequality::Term& term : inequality.terms) {
    const auto index = static_cast<size_t>(term.index);
    add_scaled(sum, term.exact(), forms[term.output ? static_cast<size_t>(meaning.outputs[index]) : index]);
  }
  return sum;
}

}  // namespace

Rational AffineForm::at(const std::vector<Rational>& x) const {
  Rational value = constant;
  for (size_t j = 0; j < x.size(); ++j) {
    if (coefficients[j] != 0) value += coefficients[j] * x[j];
  }
  return value;
}

Cell Cell::box(const ExactBox& box) {
  Cell cell;
  cell.corners.push_back({});
  for (size_t j = 0; j < box.lower.size(); ++j) {
    if (box.lower[j] > box.upper[j]) return {};
    const bool free = box.lower[j] < box.upper[j];
    std::vector<Corner> next;
    for (const Corner& corner : cell.corners) {
      for (int side = 0; side <= (free ? 1 : 0); ++side) {
        next.push_back(corner);
        next.back().x.push_back(side == 0 ? box.lower[j] : box.upper[j]);
        if (free) next.back().tight |= uint64_t{1} << (cell.half_spaces + side);
      }
    }
    cell.corners = std::move(next);
    cell.free_dimensions += free;
    cell.half_spaces += free ? 2 : 0;
  }
  return cell;
}

Cell Cell::cut(const AffineForm& form) const {
  Cell out;
  out.free_dimensions = free_dimensions;
  out.half_spaces = half_spaces + 1;
  const uint64_t bit = uint64_t{1} << half_spaces;
  std::vector<Rational> value;
  for (const Corner& corner : corners) {
    value.push_back(form.at(corner.x));
    if (value.back() > 0) continue;
    out.corners.push_back(corner);
    if (value.back() == 0) out.corners.back().tight |= bit;
  }
  for (size_t i = 0; i < corners.size(); ++i) {
    for (size_t k = 0; k < corners.size(); ++k) {
      if (value[i] >= 0 || value[k] <= 0) continue;
      const uint64_t common = corners[i].tight & corners[k].tight;
      if (std::popcount(common) < free_dimensions - 1) continue;  // No edge.
      const Rational share = -value[i] / (value[k] - value[i]);
      Corner crossing{{}, common | bit};
      for (size_t j = 0; j < corners[i].x.size(); ++j) {
        crossing.x.push_back(corners[i].x[j] + share * (corners[k].x[j] - corners[i].x[j]));
      }
      const auto same =
          std::find_if(out.corners.begin(), out.corners.end(), [&](const Corner& c) { return c.x == crossing.x; });
      if (same == out.corners.end())
        out.corners.push_back(std::move(crossing));
      else
        same->tight |= crossing.tight;
    }
  }
  return out;
}

bool for_each_cell(const Meaning& meaning, const ExactBox& box, size_t cap,
                   const std::function<void(const Cell&, const std::vector<AffineForm>&)>& visit) {
  return Enumeration(meaning, cap, visit).run(Cell::box(box));
}

std::optional<Rational> exact_minimum(const Meaning& meaning, const ExactBox& box, const Inequality& inequality,
                                      size_t cap) {
  std::optional<Rational> least;
  const bool complete = for_each_cell(meaning, box, cap, [&](const Cell& cell, const std::vector<AffineForm>& forms) {
    const AffineForm sum = inequality_form(meaning, inequality, forms, 0);
    for (const Cell::Corner& corner : cell.corners) {
      Rational value = sum.at(corner.x);
      if (!least || value < *least) least = std::move(value);
    }
  });
  return complete ? least : std::nullopt;
}

std::optional<Truth> decide_exactly(const Meaning& meaning, const Question& question, bool fed_as_floats, size_t cap) {
  Truth truth;
  for (const UnsafeCase& unsafe : question.cases) {
    const ExactBox box = fed_as_floats ? float_box(unsafe.box) : exact_box(unsafe.box);
    const bool complete = for_each_cell(meaning, box, cap, [&](const Cell& cell, const std::vector<AffineForm>& forms) {
      Cell rest = cell;
      for (const Inequality& inequality : unsafe.inequalities) {
        rest = rest.cut(inequality_form(meaning, inequality, forms, parse_decimal(inequality.bound)));
      }
      if (rest.corners.empty()) return;
      truth.safe = false;
      truth.unsafe_point = rest.corners[0].x;
    });
    if (!complete && truth.safe) return std::nullopt;
  }
  return truth;
}

}  // namespace axiom::soundness
