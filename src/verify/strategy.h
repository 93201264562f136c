// Strategies: how one sub-problem is bounded and, if that does not close it, split.
//
// input_split.cc for few free input coordinates, neuron_split.cc for the others. A strategy's answer depends only on
// the sub-problem, never on timing or on other threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bounds/sweep.h"
#include "verify/attack.h"
#include "verify/evaluator.h"
#include "verify/lanes.h"
#include "verify/problem.h"
#include "verify/proof.h"

namespace axiom {

/// A sub-problem: bounds in scope, the disjunct, and what is inherited to start from.
struct SubProblem {
  StoredBounds bounds;
  size_t disjunct = 0;
  bool propagated = false;    ///< The bounds already are the result of a PROPAGATE with this box.
  double bound = -kInfinity;  ///< Of the parent: greatest lower bound of a constraint form.
  uint32_t depth = 0;
  std::vector<ElementId> splits;   ///< Neurons split on the path, increasing.
  uint32_t rebound_depth = 0;      ///< Neuron splits: where all operators above were last re-bounded.
  uint32_t first_stale_op = 0;     ///< Neuron splits: operators above this one may profit from re-bounding.
  std::vector<float> slopes;       ///< Warm start: lower slope per relu element, in element order; empty: none.
  std::vector<float> multipliers;  ///< Warm start: per entry of `splits`.
  size_t constraint = 0;           ///< Warm start: the constraint they belong to.
  float enough = 1e-5f;            ///< Neuron splits: a float32 bound above this is worth a rigorous sweep.
};

/// What processing made of it.
struct Expansion {
  bool closed = false;
  std::string code;                  ///< Proof instructions, the closing one included.
  std::vector<SubProblem> children;  ///< In the order of the split, when not closed.
  double bound = -kInfinity;
  std::optional<Witness> witness;
  bool followed = false;  ///< The code is that of a draft, and `children` are those of its children.
  bool stuck = false;     ///< Neither closed nor split: nothing is left to split on.
  bool stopped = false;   ///< Workspace::stop ended it unfinished.
};

/// Per-thread tools.
struct Workspace {
  Workspace(const Problem& problem)
      : context(*problem.program, problem.semantics), sweep(*problem.program), evaluator(*problem.program) {}
  BoundContext context;
  Sweep sweep;
  Evaluator evaluator;
  std::unique_ptr<Lanes> lanes;  ///< Made on first use.
  std::vector<double> record;    ///< Input coefficients of swept rows.
  std::function<bool()> stop;    ///< Ends long steps early.
};

/// The sub-problem of a disjunct under the bounds of the root.
SubProblem first_sub_problem(const Problem& problem, size_t disjunct, const StoredBounds& bounds);

/// Carries out the code of `draft`, a node of a tree that was searched for another semantics, on `node`; on the whole
/// problem when `is_root`. None when that does not close or split it; then `start` is `node`, to be searched from what
/// the draft had chosen.
std::optional<Expansion> follow_draft(const Problem& problem, const SubProblem& node, const ProofNode& draft,
                                      bool is_root, Workspace& work, SubProblem& start);
Expansion expand_by_input(const Problem& problem, const SubProblem& node, Workspace& work, const Confirm& confirm);
/// Up to Lanes::kCount of them, either all of depth 0 or none; the expansion of one does not depend on the others.
std::vector<Expansion> expand_by_neuron(const Problem& problem, std::span<const SubProblem* const> nodes,
                                        Workspace& work, const Confirm& confirm);

/// Greatest lower bounds of all constraint forms of a disjunct: two lanes a constraint (adaptive and zero slopes), one
/// batch. `lane` l belongs to constraint (first + l / 2).
struct FormBounds {
  double best = -kInfinity;
  size_t constraint = 0;
  SlopeRule rule = SlopeRule::kAdaptive;
};
FormBounds bound_forms(const Problem& problem, const NumericDisjunct& disjunct, Workspace& work);

/// Sweeps one constraint form alone (lane 0).
double bound_form(const NumericConstraint& constraint, const SlopeSpec& slopes, Workspace& work, bool keep = false);

/// The point of the box where lane 0 of the last sweep is least.
void minimizer(const Workspace& work, std::vector<double>& point);

/// The CLIP instruction from lane 0 of the last sweep. Returns the share of the volume that is left (product of
/// ratios).
double clip_inputs(Workspace& work);

}  // namespace axiom
