// The walk through a proof tree: one function per instruction. Nodes that are open
// are kept on a stack of our own; a node's children are visited in order, each in
// the context of the node, which is restored when a child is left. Memory depends
// on the depth of the tree, not on its size.
//
// With several threads, one walks from the root and leaves parts of the tree, found
// by outline(), to copies of itself: a copy has the context in which its part
// begins, and must come to its end exactly where the first one goes on.
#include "tree.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "arithmetic.h"
#include "bytes.h"
#include "context.h"
#include "crew.h"
#include "error.h"
#include "outline.h"
#include "sweep.h"

namespace checker {
namespace {

constexpr size_t kMostDepth = 100'000;
constexpr uint64_t kSpread = 8;  // the largest part over the smallest
// Products of a factor and a coefficient stay away from underflow, so that their rounding is a relative error.
constexpr double kLeastFactor = 0x1p-400, kMostFactor = 0x1p400;

// A node whose closing instruction has been read and that has children left.
struct Open {
  enum Kind { disjuncts, split } kind;
  uint32_t children, next;  // next: the child to visit
  uint32_t element;         // of a split
  double value;
  size_t mark;
  bool all_active;  // whether all disjuncts were active
  size_t extent = 0;
};

class Walk {
 public:
  Walk(const Program& program, const Property& property, Semantics semantics, std::span<const uint8_t> tree,
       uint64_t offset, std::vector<Extent>* extents);

  // Leaves `parts` to the crew as far as it can.
  Counts run(std::span<const Part> parts, Crew& crew);

 private:
  Counts run_part(uint64_t end);
  void walk();
  bool hand_over();
  [[noreturn]] void fail(const Rejected& rejected) const;
  std::string path() const;
  void node();
  size_t begin_extent();
  void end_extent(size_t extent);
  bool step();  // one instruction; false if it closes the node
  void descend();

  void propagate();
  void check_domain(uint32_t o);
  void interval_step(uint32_t o);
  std::vector<bool> listed_operators();
  void sweep_rows(uint32_t o, Slope::Rule rule);
  bool is_swept(uint32_t e) const;
  void tighten();

  void clip();
  void refute();
  void require_empty();
  void open_case();
  void split_input();
  void split_element();
  void open_split(uint32_t element);

  uint32_t element_of(bool is_output, uint32_t index) const { return is_output ? program_.outputs[index] : index; }
  double single_charge(const Constraint& constraint) const;
  void load_form();
  void load_constraint(const Constraint& constraint);
  void load_combination(const std::vector<uint32_t>& constraints);
  uint64_t place_slopes(uint32_t top);
  Hints read_hints(uint32_t top, std::optional<uint64_t>& open);
  void read_multipliers(uint32_t top, std::vector<Multiplier>& multipliers);
  void sweep_form();

  const Program& program_;
  const Property& property_;
  Semantics semantics_;
  ByteReader in_;
  Context context_;
  Sweep<1> form_;
  Sweep<kLanes> block_;
  std::vector<bool> relevant_,
      hinges_only_;                     // per element: some unary or maxpool reads it; all readers are (leaky) relu
  std::vector<uint32_t> slope_places_;  // per element: the place of its byte among those of a slope specification
  std::vector<Open> stack_;
  bool all_active_ = true;
  uint32_t active_ = 0;       // the active disjunct, when it is the only one
  bool first_ = true;         // no PROPAGATE has been done
  uint64_t instruction_ = 0;  // where the last one begins
  uint64_t offset_;           // of the tree in the certificate
  Counts counts_;
  std::vector<Extent>* extents_;
  std::span<const Part> parts_;  // not yet reached
  Crew* crew_ = nullptr;         // for them
};

std::pair<std::vector<double>, std::vector<double>> hull(const Property& property) {
  std::vector<double> lo = property.disjuncts[0].lo, hi = property.disjuncts[0].hi;
  for (const Disjunct& disjunct : property.disjuncts) {
    for (size_t j = 0; j < lo.size(); ++j) {
      lo[j] = least(lo[j], disjunct.lo[j]);
      hi[j] = greatest(hi[j], disjunct.hi[j]);
    }
  }
  return {lo, hi};
}

Walk::Walk(const Program& program, const Property& property, Semantics semantics, std::span<const uint8_t> tree,
           uint64_t offset, std::vector<Extent>* extents)
    : program_(program),
      property_(property),
      semantics_(semantics),
      in_(tree),
      context_(program, semantics, hull(property).first, hull(property).second),
      form_(program),
      block_(program),
      relevant_(program.elements()),
      hinges_only_(program.elements(), true),
      all_active_(property.disjuncts.size() > 1),
      offset_(offset),
      extents_(extents) {
  for (const Operator& op : program.operators) {
    for (const uint32_t e : op.source) {
      if (!op.is_affine() && (op.kind != Kind::softmax || op.sharp)) relevant_[e] = true;
      if (!op.is_hinge()) hinges_only_[e] = false;
    }
  }
}

// ---- Nodes

Counts Walk::run(std::span<const Part> parts, Crew& crew) try {
  parts_ = parts;
  crew_ = &crew;
  walk();
  if (in_.left() != 0) throw Rejected(text(in_.left(), " bytes follow the tree"));
  return counts_;
} catch (const Rejected& rejected) {
  fail(rejected);
}

// As a copy that is to walk the part that begins here.
Counts Walk::run_part(uint64_t end) try {
  parts_ = {};
  counts_ = {};
  walk();
  if (in_.at() != end) throw Rejected(text("a part that should end at byte ", offset_ + end));
  return counts_;
} catch (const Rejected& rejected) {
  fail(rejected);
}

// The node that begins here and all below it.
void Walk::walk() {
  const size_t depth = stack_.size();
  node();
  while (stack_.size() > depth) descend();
  instruction_ = in_.at();
}

// If a part begins here: true when a copy walks it.
bool Walk::hand_over() {
  while (!parts_.empty() && parts_.front().begin < in_.at()) parts_ = parts_.subspan(1);
  if (parts_.empty() || parts_.front().begin != in_.at()) return false;
  const Part part = parts_.front();
  const auto copy = std::make_shared<Walk>(*this);
  if (!crew_->start([copy, part] { return copy->run_part(part.end); })) return false;
  in_.take(part.end - part.begin);
  return true;
}

void Walk::fail(const Rejected& rejected) const {
  throw Rejected(text("node ", path(), ", instruction at byte ", offset_ + instruction_, ": ", rejected.what()));
}

void Walk::node() {
  if (hand_over()) return;
  if (stack_.size() >= kMostDepth) throw Rejected(text("the tree is deeper than ", kMostDepth));
  ++counts_.nodes;
  context_.enter();
  const size_t depth = stack_.size(), extent = begin_extent();
  while (step()) continue;
  if (stack_.size() == depth) {
    end_extent(extent);
  } else {
    stack_.back().extent = extent;
  }
}

size_t Walk::begin_extent() {
  if (extents_ == nullptr) return 0;
  extents_->push_back({in_.at(), 0, counts_.leaves});
  return extents_->size() - 1;
}

void Walk::end_extent(size_t extent) {
  if (extents_ == nullptr) return;
  Extent& node = (*extents_)[extent];
  node.end = in_.at();
  node.leaves = counts_.leaves - node.leaves;
}

bool Walk::step() {
  instruction_ = in_.at();
  const uint8_t code = in_.byte();
  if (first_ && code != 1) throw Rejected("the first instruction is not PROPAGATE");
  switch (code) {
    case 1:
      propagate();
      return true;
    case 2:
      clip();
      return true;
    case 3:
      open_case();
      return false;
    case 4:
      split_input();
      return false;
    case 5:
      split_element();
      return false;
    case 6:
      refute();
      return false;
    case 7:
      require_empty();
      return false;
    case 9:
      tighten();
      return true;
    default:
      throw Rejected(text("unknown instruction ", int(code)));
  }
}

// Visits the next child of the innermost open node, or closes the node after its last.
void Walk::descend() {
  Open& open = stack_.back();
  instruction_ = in_.at();
  context_.leave(open.mark);
  all_active_ = open.all_active;
  if (open.next == open.children) {
    end_extent(open.extent);
    stack_.pop_back();
    return;
  }
  const uint32_t child = open.next++;
  context_.enter();
  if (open.kind == Open::disjuncts) {
    if (all_active_) active_ = child;
    all_active_ = false;
    const Disjunct& disjunct = property_.disjuncts[active_];
    for (uint32_t j = 0; j < program_.inputs(); ++j) context_.meet(j, disjunct.lo[j], disjunct.hi[j]);
  } else {
    const double unchanged = std::nan("");
    if (child == 0) context_.meet(open.element, unchanged, open.value);
    if (child == 1) context_.meet(open.element, open.value, unchanged);
  }
  node();
}

std::string Walk::path() const {
  constexpr size_t kShown = 64;
  std::string out = "root";
  if (stack_.size() > kShown) out += text(" ... ", stack_.size() - kShown, " levels ...");
  for (size_t i = stack_.size() > kShown ? stack_.size() - kShown : 0; i < stack_.size(); ++i) {
    out += text(".", stack_[i].next == 0 ? 0 : stack_[i].next - 1);
  }
  return out;
}

// ---- PROPAGATE

void Walk::propagate() {
  const uint8_t mode = in_.byte(), rule = in_.byte();
  if (mode > 2) throw Rejected(text("PROPAGATE mode ", int(mode)));
  if (rule > 2) throw Rejected(text("slope rule ", int(rule)));
  const std::vector<bool> swept =
      mode == 2 ? listed_operators() : std::vector<bool>(program_.operators.size(), mode == 1);
  for (uint32_t o = 1; o < program_.operators.size(); ++o) {
    if (!program_.operators[o].is_affine()) {
      if (first_) check_domain(o);
      continue;
    }
    interval_step(o);
    if (swept[o]) sweep_rows(o, Slope::Rule(rule));
  }
  first_ = false;
}

void Walk::check_domain(uint32_t o) {
  const Operator& op = program_.operators[o];
  for (uint32_t i = 0; i < op.count; ++i) {
    if (context_.domain_holds(o, i)) continue;
    throw Rejected(text(name(op.kind), " is not defined or may overflow for element ", op.first + i));
  }
}

// The list of mode 2.
std::vector<bool> Walk::listed_operators() {
  std::vector<bool> listed(program_.operators.size());
  const uint64_t count = in_.varint();
  uint32_t above = 0;  // indices are at least this; operator 0 is the input
  for (uint64_t n = 0; n < count; ++n) {
    const uint32_t o = in_.index(program_.operators.size(), "operator");
    if (o < above) throw Rejected("operators that are not in increasing order");
    if (!program_.operators[o].is_affine()) throw Rejected(text("operator ", o, " is not affine"));
    listed[o] = true;
    above = o + 1;
  }
  return listed;
}

void Walk::interval_step(uint32_t o) {
  const Operator& op = program_.operators[o];
  const RowFigures& figures = context_.intervals(o);
  for (uint32_t i = 0; i < op.count; ++i) {
    if (first_ && !premise_holds(op, context_.constants(o), figures, i)) {
      throw Rejected(text("overflow is not excluded for element ", op.first + i, ": S = ", number(figures.s[i])));
    }
    context_.meet(op.first + i, figures.lo[i], figures.hi[i]);
  }
}

bool Walk::is_swept(uint32_t e) const {
  return relevant_[e] && context_.lo(e) < context_.hi(e) && (!hinges_only_[e] || context_.is_open(e));
}

uint32_t first_source(const Operator& op, uint32_t e) {
  const uint64_t start = op.start[e - op.first];
  return start < op.start[e - op.first + 1] ? op.source[start] : 0;
}

// A lower and an upper sweep per row, in blocks; conclusions are applied after all of them.
void Walk::sweep_rows(uint32_t o, Slope::Rule rule) {
  const Operator& op = program_.operators[o];
  struct Row {
    uint32_t element;
    double lo, hi;
  };
  std::vector<Row> rows;
  for (uint32_t e = op.first; e < op.first + op.count; ++e) {
    if (is_swept(e)) rows.push_back({e, std::nan(""), std::nan("")});
  }
  // Rows that begin at the same source read much the same elements (the channels
  // of a convolution at one place): together in a block they cost little more than one.
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return first_source(op, a.element) < first_source(op, b.element);
  });
  constexpr size_t kRows = kLanes / 2;
  for (size_t first = 0; first < rows.size(); first += kRows) {
    const size_t count = std::min(kRows, rows.size() - first);
    for (size_t r = 0; r < count; ++r) {
      block_.add(int(2 * r), rows[first + r].element, 1);
      block_.add(int(2 * r + 1), rows[first + r].element, -1);
    }
    block_.run(context_, o + 1, Slopes{.rule = rule});
    for (size_t r = 0; r < count; ++r) {
      if (!block_.failed(int(2 * r))) rows[first + r].lo = block_.bound(int(2 * r));
      if (!block_.failed(int(2 * r + 1))) rows[first + r].hi = -block_.bound(int(2 * r + 1));
    }
    block_.clear();
  }
  for (const Row& row : rows) context_.meet(row.element, row.lo, row.hi);
}

// ---- TIGHTEN

// One sweep per bound, each with hints of its own, in blocks; conclusions are applied after all of them.
void Walk::tighten() {
  const uint32_t o = in_.index(program_.operators.size(), "operator");
  const Operator& op = program_.operators[o];
  if (!op.is_affine()) throw Rejected(text("TIGHTEN: operator ", o, " is not affine"));
  const uint64_t count = in_.varint();
  if (count == 0) throw Rejected("TIGHTEN without a bound");
  context_.refresh(o + 1);
  std::optional<uint64_t> open;
  struct Target {
    uint32_t element;
    bool upper;
    double bound;  // of the element or its negative
    Hints hints;
  };
  std::vector<Target> targets;
  uint64_t target = 0;  // 2 * row, + 1 for an upper bound
  for (uint64_t n = 0; n < count; ++n) {
    const uint64_t step = in_.index(2 * uint64_t(op.count) - target, "bound");
    if (n > 0 && step == 0) throw Rejected("bounds that are not in increasing order");
    target += step;
    targets.push_back({op.first + uint32_t(target / 2), target % 2 == 1, std::nan(""), read_hints(o + 1, open)});
  }
  // As in sweep_rows().
  std::stable_sort(targets.begin(), targets.end(), [&](const Target& a, const Target& b) {
    return first_source(op, a.element) < first_source(op, b.element);
  });
  for (size_t first = 0; first < targets.size(); first += kLanes) {
    const std::span<Target> block = std::span(targets).subspan(first, std::min<size_t>(kLanes, targets.size() - first));
    std::vector<Hints> hints;
    for (Target& t : block) {
      block_.add(int(hints.size()), t.element, t.upper ? -1 : 1);
      hints.push_back(std::move(t.hints));
    }
    block_.run(context_, o + 1, hints);
    for (size_t l = 0; l < block.size(); ++l) {
      if (!block_.failed(int(l))) block[l].bound = block_.bound(int(l));
    }
    block_.clear();
  }
  for (const Target& t : targets) {
    context_.meet(t.element, t.upper ? std::nan("") : t.bound, t.upper ? -t.bound : std::nan(""));
  }
}

// ---- The constraint form

// G of one constraint.
double Walk::single_charge(const Constraint& constraint) const {
  double size = 0, rounding = 0;
  for (const auto& [is_output, index, t] : constraint.terms) {
    const double x = context_.x(element_of(is_output, index));
    size = size + std::fabs(t) * x;
    if (!is_output) rounding = rounding + std::fabs(t) * (kSingleU * x + 0x1p-149);
  }
  const double g = size * (greatest(4, double(constraint.terms.size())) * kU) + std::fabs(constraint.r) * (4 * kU);
  return semantics_ == Semantics::real ? g : g + rounding;
}

// Reads a selector and sets the target of the sweep to what it selects.
void Walk::load_form() {
  if (all_active_) throw Rejected("more than one disjunct is active");
  context_.refresh(uint32_t(program_.operators.size()));
  const std::vector<uint32_t>& constraints = property_.disjuncts[active_].constraints;
  const uint32_t selector = in_.index(constraints.size() + 1, "constraint");
  if (selector == constraints.size()) {
    load_combination(constraints);
  } else {
    load_constraint(property_.constraints[constraints[selector]]);
  }
}

void Walk::load_constraint(const Constraint& constraint) {
  form_.constant(0) = -constraint.r;
  for (const auto& [is_output, index, t] : constraint.terms) form_.add(0, element_of(is_output, index), t);
  form_.constant(0) = charge(form_.constant(0), single_charge(constraint));
}

// A sum of constraints with positive factors mu.
void Walk::load_combination(const std::vector<uint32_t>& constraints) {
  const uint64_t count = in_.varint();
  if (count == 0) throw Rejected("an empty combination of constraints");
  double g = 0, size = 0, right = 0, terms = 0;
  double& c = form_.constant(0);
  for (uint64_t n = 0; n < count; ++n) {
    const Constraint& constraint = property_.constraints[constraints[in_.index(constraints.size(), "constraint")]];
    const double mu = in_.f64();
    if (!(mu >= kLeastFactor && mu <= kMostFactor)) throw Rejected(text("factor ", number(mu)));
    c = c + mu * -constraint.r;
    for (const auto& [is_output, index, t] : constraint.terms) {
      const uint32_t e = element_of(is_output, index);
      form_.add(0, e, mu * t);
      size = size + std::fabs(mu * t) * context_.x(e);
    }
    terms = terms + double(constraint.terms.size());
    right = right + std::fabs(mu * constraint.r);
    g = g + mu * single_charge(constraint);
  }
  c = charge(c, g + (terms + 4) * (4 * kU) * (size + right));
}

// Numbers the relu and leaky_relu elements below operator `top` whose sign is open.
uint64_t Walk::place_slopes(uint32_t top) {
  slope_places_.resize(program_.elements());
  uint32_t open = 0;
  for (const Operator& op : std::span(program_.operators).first(top)) {
    for (uint32_t i = 0; op.is_hinge() && i < op.count; ++i) {
      if (context_.is_open(op.source[i])) slope_places_[op.first + i] = open++;
    }
  }
  return open;
}

// For a sweep of the operators below `top`; `open` is what place_slopes() gave for them in this context, if it has been
// asked.
Hints Walk::read_hints(uint32_t top, std::optional<uint64_t>& open) {
  const uint8_t spec = in_.byte();
  if ((spec & 0x7c) != 0) throw Rejected(text("slope specification ", int(spec)));
  Hints hints{.slopes = {.rule = Slope::Rule(spec & 3)}, .multipliers = {}};
  if (hints.slopes.rule == Slope::by_byte) {
    if (!open) open = place_slopes(top);
    const std::span<const uint8_t> bytes = in_.take(*open);
    const auto most = std::max_element(bytes.begin(), bytes.end());
    if (most != bytes.end() && *most > 128) throw Rejected(text("slope ", int(*most), " / 128"));
    hints.slopes.bytes = bytes.data();
    hints.slopes.places = slope_places_.data();
  }
  if ((spec & 0x80) != 0) read_multipliers(top, hints.multipliers);
  return hints;
}

void Walk::read_multipliers(uint32_t top, std::vector<Multiplier>& multipliers) {
  const Operator& last = program_.operators[top - 1];
  const uint64_t elements = uint64_t(last.first) + last.count;
  const uint64_t count = in_.varint();
  if (count == 0) throw Rejected("no multipliers");
  uint64_t element = 0;
  for (uint64_t n = 0; n < count; ++n) {
    const uint64_t step = in_.index(elements - element, "multiplier of element");
    if (n > 0 && step == 0) throw Rejected("multipliers that are not in increasing order");
    element += step;
    const double beta = double(in_.f32());
    if (beta == 0) throw Rejected("a multiplier of 0");
    if (!program_.operators[program_.operator_of[element]].is_affine()) {
      throw Rejected(text("a multiplier of element ", element, ", which is not affine"));
    }
    multipliers.push_back({uint32_t(element), beta});
  }
}

// Selector and slope specification, and the sweep they ask for.
void Walk::sweep_form() {
  form_.clear();
  load_form();
  const uint32_t top = uint32_t(program_.operators.size());
  std::optional<uint64_t> open;
  const Hints hints = read_hints(top, open);
  form_.run(context_, top, {&hints, 1});
}

void Walk::clip() {
  sweep_form();
  if (form_.failed(0)) return;
  const double bound = form_.bound(0);
  struct End {
    uint32_t input;
    double lo, hi;
  };
  std::vector<End> ends;
  for (uint32_t j = 0; j < program_.inputs(); ++j) {
    const double a = form_.input(0, j);
    if (a == 0) continue;
    const double m = a * (a > 0 ? context_.lo(j) : context_.hi(j));
    const double x = (m - bound) / a;
    const double d = ((std::fabs(m) + std::fabs(bound)) / std::fabs(a)) * 0x1p-50;
    if (!std::isfinite(x)) continue;
    ends.push_back({j, a > 0 ? std::nan("") : lower(x, d), a > 0 ? upper(x, d) : std::nan("")});
  }
  for (const End& end : ends) context_.meet(end.input, end.lo, end.hi);
}

void Walk::refute() {
  sweep_form();
  if (form_.failed(0)) throw Rejected("REFUTE: the sweep does not work out");
  if (!(form_.bound(0) > 0)) throw Rejected(text("REFUTE: the bound is ", number(form_.bound(0)), ", not above 0"));
  ++counts_.leaves;
}

void Walk::require_empty() {
  if (!context_.is_empty()) throw Rejected("EMPTY: the context is not empty");
  ++counts_.leaves;
}

// ---- Children

void Walk::open_case() {
  const uint32_t children = all_active_ ? uint32_t(property_.disjuncts.size()) : 1;
  stack_.push_back({Open::disjuncts, children, 0, 0, 0, context_.mark(), all_active_});
}

void Walk::split_input() { open_split(in_.index(program_.inputs(), "input")); }

void Walk::split_element() {
  const uint32_t e = in_.index(program_.elements(), "element");
  if (!program_.operators[program_.operator_of[e]].is_affine()) {
    throw Rejected(text("SPLIT ELEMENT: element ", e, " is not affine"));
  }
  open_split(e);
}

void Walk::open_split(uint32_t e) {
  const uint8_t form = in_.byte();
  if (form > 1) throw Rejected(text("split value of form ", int(form)));
  double value = 0;
  if (form == 1) {
    value = in_.f64();
  } else if (e < program_.inputs()) {
    value = context_.lo(e) + (context_.hi(e) - context_.lo(e)) * 0.5;
  }
  stack_.push_back({Open::split, 2, 0, e, value, context_.mark(), all_active_});
}

// Parts for several threads; none of a small tree.
std::vector<Part> divide(const Program& program, const Property& property, std::span<const uint8_t> tree,
                         const Division& division) {
  uint64_t terms = program.elements();
  for (const Operator& op : program.operators) terms += op.terms();
  const uint64_t share = tree.size() / (division.parts_per_thread * division.threads);
  const uint64_t most = std::max(share, division.least_work / terms + 1);
  if (most > tree.size() / 2) return {};
  return outline(property, tree, std::max(most / kSpread, uint64_t(1)), most);
}

}  // namespace

Counts check_tree(const Program& program, const Property& property, Semantics semantics, std::span<const uint8_t> tree,
                  uint64_t offset, std::vector<Extent>* extents, const Division& division) {
  Walk walk(program, property, semantics, tree, offset, extents);
  std::vector<Part> parts;
  if (division.threads > 1 && extents == nullptr) parts = divide(program, property, tree, division);
  Crew crew(division.threads);
  Counts here;
  std::exception_ptr fault;
  try {
    here = walk.run(parts, crew);
  } catch (...) {
    fault = std::current_exception();
  }
  const Counts elsewhere = crew.finish();  // parts begin before the fault: what is wrong there comes first
  if (fault) std::rethrow_exception(fault);
  return {here.nodes + elsewhere.nodes, here.leaves + elsewhere.leaves};
}

}  // namespace checker
