// Binding a property to a program (spec/certificate.md, sections 3 and 7).
#include "verify/problem.h"

#include <algorithm>
#include <string>

namespace axiom {
namespace {

NumericConstraint round_constraint(const LinearConstraint& exact, const Program& program) {
  NumericConstraint out;
  out.line = exact.line;
  out.bound = exact.bound.round_up();
  for (const Term& term : exact.terms) {
    const ElementId e = term.is_output ? program.outputs[term.index] : term.index;
    out.terms.emplace_back(e, term.coefficient.round_nearest());
    out.is_input.push_back(!term.is_output);
  }
  return out;
}

// Numbers that the rules cannot carry (spec/certificate.md, section 3).
Status check_numbers(const Property& property) {
  for (const Disjunct& disjunct : property.disjuncts) {
    for (const Interval& side : disjunct.box) {
      for (const Decimal& end : {side.lower, side.upper}) {
        if (std::isfinite(end.round_nearest_float()) && std::isfinite(end.round_down()) &&
            std::isfinite(end.round_up()))
          continue;
        return invalid_input("property: the box end " + end.to_string() +
                             " is no finite binary32 number; bound the input");
      }
    }
    for (const LinearConstraint& constraint : disjunct.constraints) {
      for (const Term& term : constraint.terms) {
        const double size = std::fabs(term.coefficient.round_nearest());
        if (size >= 0x1p-500 && size <= 0x1p500) continue;
        return invalid_input("property: line " + std::to_string(constraint.line) + ": the coefficient " +
                             term.coefficient.to_string() + " is too large or too small; rescale the constraint");
      }
    }
  }
  return {};
}

}  // namespace

Result<Problem> bind_property(const BoundProgram& program, const Property& property, Semantics semantics) {
  const Program& p = program.program;
  if (property.input_count != p.input_count || property.output_count != p.outputs.size()) {
    return invalid_input("property: declares " + std::to_string(property.input_count) + " inputs and " +
                         std::to_string(property.output_count) + " outputs, the model has " +
                         std::to_string(p.input_count) + " and " + std::to_string(p.outputs.size()) +
                         "; use the property that belongs to this model");
  }
  if (Status numbers = check_numbers(property); !numbers) return numbers.error();
  Problem problem;
  problem.program = &program;
  problem.property = &property;
  problem.semantics = semantics;
  problem.hull_lo.assign(p.input_count, kInfinity);
  problem.hull_hi.assign(p.input_count, -kInfinity);
  for (const Disjunct& disjunct : property.disjuncts) {
    NumericDisjunct out;
    for (size_t j = 0; j < disjunct.box.size(); ++j) {
      const Interval& side = disjunct.box[j];
      const bool real = semantics == Semantics::kReal;
      out.lo.push_back(real ? side.lower.round_down() : double{side.lower.round_nearest_float()});
      out.hi.push_back(real ? side.upper.round_up() : double{side.upper.round_nearest_float()});
      problem.hull_lo[j] = std::min(problem.hull_lo[j], out.lo[j]);
      problem.hull_hi[j] = std::max(problem.hull_hi[j], out.hi[j]);
    }
    for (const LinearConstraint& c : disjunct.constraints) out.constraints.push_back(round_constraint(c, p));
    problem.disjuncts.push_back(std::move(out));
  }
  return problem;
}

void add_constraint_form(Sweep& sweep, int lane, const BoundContext& context, const NumericConstraint& constraint) {
  double charge_terms = 0, charge_inputs = 0;
  sweep.add_constant(lane, -constraint.bound);
  for (size_t k = 0; k < constraint.terms.size(); ++k) {
    const auto& [e, t] = constraint.terms[k];
    sweep.add(lane, e, t);
    const double size = context.magnitude(e);
    charge_terms += std::fabs(t) * size;
    if (context.semantics() == Semantics::kFloat32 && constraint.is_input[k]) {
      charge_inputs += std::fabs(t) * (kFloatUnit * size + 0x1p-149);
    }
  }
  const double count = static_cast<double>(constraint.terms.size());
  charge_terms = charge_terms * (spec_max(4, count) * kUnit) + std::fabs(constraint.bound) * (4 * kUnit);
  sweep.charge_constant(lane, charge_terms + charge_inputs);
}

}  // namespace axiom
