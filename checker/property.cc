// The VNN-LIB parser. Parentheses nest as deep as the file likes, so the reader
// keeps its own stack: a frame per open list, which takes the values of its
// operands as they are completed. A formula's value is its disjunctive normal
// form, a term's value an exact linear form.
//
// Accepted are `declare-const NAME Real` for X_i and Y_i, and `assert` of and, or,
// <=, >=, <, > over decimals, variables, +, - and * with at most one factor that
// is not a number; in version 2 one `declare-network` (network.cc) instead of the
// declarations, and == and !=. Anything else is malformed: skipping what is not
// understood could change the property.
#include "property.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>

#include "decimal.h"
#include "error.h"
#include "network.h"
#include "tokens.h"

namespace checker {
namespace {

constexpr uint64_t kMostAtoms = uint64_t(1) << 22;
constexpr uint64_t kMostExpanded = uint64_t(1) << 26;  // atoms of all conjunctions together
constexpr size_t kMostNested = 100'000;
constexpr uint64_t kMostBoxEnds = uint64_t(1) << 26;

struct Linear {
  std::map<uint64_t, Decimal> terms;
  Decimal constant;

  void add(const Linear& other, const Decimal& factor) {
    for (const auto& [key, t] : other.terms) {
      Decimal& mine = terms[key];
      mine = mine + factor * t;
      if (mine.is_zero()) terms.erase(key);
    }
    constant = constant + factor * other.constant;
  }
};

// A bound of the box or a constraint.
struct Atom {
  enum Kind { lower, upper, constraint } kind;
  uint32_t index;  // of X or into Property::constraints
  double value;
};

using Conjunction = std::vector<uint32_t>;  // indices of atoms
using Formula = std::vector<Conjunction>;   // their disjunction

struct Frame {
  std::string op;
  uint32_t operands = 0;
  Formula formula;     // of and, or
  Linear left, right;  // the left side of a comparison or the value of a term so far
};

bool is_either_way(const std::string& op) { return op == "==" || op == "!="; }  // of version 2
bool is_comparison(const std::string& op) {
  return op == "<=" || op == ">=" || op == "<" || op == ">" || is_either_way(op);
}
bool is_connective(const std::string& op) { return op == "and" || op == "or"; }
bool is_arithmetic(const std::string& op) { return op == "+" || op == "-" || op == "*"; }

class Reader {
 public:
  Reader(std::span<const uint8_t> bytes, Semantics semantics, const Program& program)
      : in_({reinterpret_cast<const char*>(bytes.data()), bytes.size()}), semantics_(semantics), program_(program) {}

  Property read() {
    Tokens ahead = in_;
    version_2_ = ahead.next() == "(" && ahead.next() == "vnnlib-version";
    if (version_2_) {
      in_ = ahead;
      read_network();
    }
    Formula file{{}};
    for (std::string_view token = in_.next(); !token.empty(); token = in_.next()) {
      if (token != "(") fail("expected (");
      const std::string_view command = in_.next();
      if (command == "declare-const" && !version_2_) {
        declare();
      } else if (command == "assert") {
        conjoin(file, read_formula());
        in_.expect(")");
      } else {
        fail(text("unknown command '", command.substr(0, 40), "'"));
      }
    }
    if (!version_2_) {
      property_.inputs = count(0, kOutputKey, "X");
      property_.outputs = count(kOutputKey, 2 * kOutputKey, "Y");
    }
    for (const Conjunction& conjunction : file) property_.disjuncts.push_back(disjunct(conjunction));
    return std::move(property_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { in_.fail(why); }

  // Behind `(vnnlib-version`: the version and the network.
  void read_network() {
    in_.begin_version_2();
    const std::string_view version = in_.next();
    if (version != "<2.0>" && version != "<2.1>") fail(text("unknown version '", version.substr(0, 40), "'"));
    for (const std::string_view token : {")", "(", "declare-network"}) in_.expect(token);
    network_.read(in_, program_);
    property_.inputs = program_.inputs();
    property_.outputs = uint32_t(program_.outputs.size());
  }

  // X_17 -> 17, Y_3 -> kOutputKey + 3; false for anything else.
  static bool variable(std::string_view name, uint64_t& key) {
    if (name.size() < 3 || name.size() > 11 || (name[0] != 'X' && name[0] != 'Y') || name[1] != '_') return false;
    if (name[2] == '0' && name.size() > 3) return false;
    uint64_t index = 0;
    for (const char c : name.substr(2)) {
      if (c < '0' || c > '9') return false;
      index = index * 10 + uint64_t(c - '0');
    }
    if (index >= UINT32_MAX) return false;
    key = index + (name[0] == 'Y' ? kOutputKey : 0);
    return true;
  }

  void declare() {
    const std::string_view name = in_.next();
    uint64_t key;
    if (!variable(name, key)) fail(text("'", name.substr(0, 40), "' is neither X_i nor Y_i"));
    if (!declared_.insert(key).second) fail(text(name, " is declared twice"));
    in_.expect("Real");
    in_.expect(")");
  }

  // Declared variables are numbered without a gap.
  uint32_t count(uint64_t first, uint64_t end, const char* letter) const {
    const auto begin = declared_.lower_bound(first), after = declared_.lower_bound(end);
    const auto found = uint64_t(std::distance(begin, after));
    if (found != 0 && *std::prev(after) != first + found - 1) {
      throw Malformed(text("property: ", found, " variables ", letter, "_i are declared, but not ", letter, "_0 to ",
                           letter, "_", found - 1));
    }
    return uint32_t(found);
  }

  Formula read_formula() {
    in_.expect("(");
    std::vector<Frame> stack;
    open(stack);
    for (;;) {
      const std::string_view token = in_.next();
      if (token.empty()) fail("the file ends inside an assert");
      if (token == "(") {
        open(stack);
      } else if (token == ")") {
        Frame done = std::move(stack.back());
        stack.pop_back();
        close(done);
        if (stack.empty()) return std::move(done.formula);
        if (is_arithmetic(done.op)) {
          take_term(stack.back(), std::move(done.left));
        } else {
          take_formula(stack.back(), std::move(done.formula));
        }
      } else {
        take_term(stack.back(), read_word(token));
      }
    }
  }

  void open(std::vector<Frame>& stack) {
    const std::string op(in_.next().substr(0, 40));
    const bool is_formula = is_comparison(op) || is_connective(op);
    if ((!is_formula && !is_arithmetic(op)) || (is_either_way(op) && !version_2_))
      fail(text("unknown operator '", op, "'"));
    const bool wants_formula = stack.empty() || is_connective(stack.back().op);
    if (is_formula != wants_formula) fail(text("'", op, "' cannot stand here"));
    if (stack.size() >= kMostNested) fail("lists are nested too deeply");
    stack.emplace_back().op = op;
    if (op == "and") stack.back().formula.emplace_back();
  }

  Linear read_word(std::string_view token) {
    Linear value;
    uint64_t key;
    if (version_2_) {
      if (network_.entry(token, in_, key)) {
        value.terms[key] = Decimal(1);
      } else if (!is_plain_number(token) || !Decimal::parse(token, value.constant)) {
        fail(text("'", token.substr(0, 40), "' is neither a number nor a declared tensor"));
      }
    } else if (variable(token, key)) {
      if (!declared_.contains(key)) fail(text(token, " is not declared"));
      value.terms[key] = Decimal(1);
    } else if (!Decimal::parse(token, value.constant)) {
      fail(text("'", token.substr(0, 40), "' is neither a number nor X_i nor Y_i"));
    }
    return value;
  }

  void take_formula(Frame& frame, Formula operand) {
    ++frame.operands;
    if (frame.op == "and") {
      conjoin(frame.formula, std::move(operand));
    } else {
      for (Conjunction& conjunction : operand) frame.formula.push_back(std::move(conjunction));
    }
  }

  void take_term(Frame& frame, Linear operand) const {
    ++frame.operands;
    if (is_connective(frame.op)) fail("a formula is needed here");
    if (frame.operands == 1) {
      frame.left = std::move(operand);
    } else if (is_comparison(frame.op)) {
      if (frame.operands > 2) fail("a comparison has two sides");
      frame.right = std::move(operand);
    } else if (frame.op == "*") {
      if (!frame.left.terms.empty()) std::swap(frame.left, operand);
      if (!frame.left.terms.empty()) fail("a product of two variables is not linear");
      Linear product;
      product.add(operand, frame.left.constant);
      frame.left = std::move(product);
    } else {
      frame.left.add(operand, Decimal(frame.op == "+" ? 1 : -1));
    }
  }

  void close(Frame& frame) {
    if (frame.operands == 0) fail(text("'", frame.op, "' without operands"));
    if (is_comparison(frame.op)) {
      if (frame.operands != 2) fail("a comparison has two sides");
      frame.formula = is_either_way(frame.op) ? compare_either_way(frame) : compare(frame);
    } else if (frame.op == "-" && frame.operands == 1) {
      Linear negated;
      negated.add(frame.left, Decimal(-1));
      frame.left = std::move(negated);
    }
  }

  // left == right is both of left <= right and left >= right, left != right one of them: the closure of what it says.
  Formula compare_either_way(Frame& frame) {
    Frame below{.op = "<=", .formula = {}, .left = frame.left, .right = frame.right};
    Formula formula = compare(below);
    Frame above{.op = ">=", .formula = {}, .left = std::move(frame.left), .right = std::move(frame.right)};
    Formula other = compare(above);
    if (frame.op == "==") {
      conjoin(formula, std::move(other));
    } else {
      for (Conjunction& conjunction : other) formula.push_back(std::move(conjunction));
    }
    return formula;
  }

  // left <= right as sum t v <= r with r = -constant.
  Formula compare(Frame& frame) {
    if (frame.op[0] == '>') std::swap(frame.left, frame.right);
    Linear& form = frame.left;
    form.add(frame.right, Decimal(-1));
    const Decimal r = -form.constant;
    if (form.terms.empty()) return r.is_negative() ? Formula{} : Formula{{}};
    const auto& [key, t] = *form.terms.begin();
    if (form.terms.size() == 1 && key < kOutputKey && t.is_one()) return {{bound(uint32_t(key), t.is_negative(), r)}};
    Constraint constraint{.terms = {}, .r = r.to_double(Round::up)};
    for (const auto& [variable, factor] : form.terms) {
      constraint.terms.push_back({variable >= kOutputKey, uint32_t(variable), coefficient(factor)});
    }
    property_.constraints.push_back(std::move(constraint));
    return {{add_atom({Atom::constraint, uint32_t(property_.constraints.size() - 1), 0})}};
  }

  // Rounding to nearest is a relative error, which the charges of a constraint
  // cover, only away from underflow.
  double coefficient(const Decimal& factor) const {
    const double t = factor.to_double(Round::nearest);
    if (!(std::fabs(t) >= 0x1p-500 && std::fabs(t) <= 0x1p500)) fail("a coefficient lies outside 2^-500 .. 2^500");
    return t;
  }

  // X <= r, or -X <= r, which is X >= -r. Rounding is monotone, so bounds may be
  // compared after it.
  uint32_t bound(uint32_t index, bool is_lower, const Decimal& r) {
    const Decimal end = is_lower ? -r : r;
    const double value = semantics_ == Semantics::float32 ? end.to_float(Round::nearest)
                                                          : end.to_double(is_lower ? Round::down : Round::up);
    if (!std::isfinite(value)) fail(text("the bound of X_", index, " is beyond the range of its format"));
    return add_atom({is_lower ? Atom::lower : Atom::upper, index, value});
  }

  uint32_t add_atom(const Atom& atom) {
    if (atoms_.size() >= kMostAtoms) fail("too many atoms");
    atoms_.push_back(atom);
    return uint32_t(atoms_.size() - 1);
  }

  // left = left and right, the left operand most significant.
  void conjoin(Formula& left, Formula right) {
    if (left.size() == 1 && right.size() > 1 && left[0].empty()) {
      left = std::move(right);
      return;
    }
    spend(left.size() * right.size());
    if (right.size() == 1) {
      for (Conjunction& conjunction : left) append(conjunction, right[0]);
      return;
    }
    Formula product;
    for (const Conjunction& a : left) {
      for (const Conjunction& b : right) {
        spend(a.size());
        append(product.emplace_back(a), b);
      }
    }
    left = std::move(product);
  }

  void append(Conjunction& to, const Conjunction& from) {
    spend(from.size());
    to.insert(to.end(), from.begin(), from.end());
  }

  void spend(uint64_t atoms) {
    if (atoms > kMostExpanded - spent_) fail("the expansion to a disjunction is too large");
    spent_ += atoms;
  }

  Disjunct disjunct(const Conjunction& conjunction) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    box_ends_ += property_.inputs + 1;
    if (box_ends_ > kMostBoxEnds) throw Malformed("property: too many disjuncts");
    Disjunct result{
        std::vector<double>(property_.inputs, -kInfinity), std::vector<double>(property_.inputs, kInfinity), {}};
    for (const uint32_t index : conjunction) {
      const Atom& atom = atoms_[index];
      switch (atom.kind) {
        case Atom::lower:
          result.lo[atom.index] = std::max(result.lo[atom.index], atom.value);
          break;
        case Atom::upper:
          result.hi[atom.index] = std::min(result.hi[atom.index], atom.value);
          break;
        case Atom::constraint:
          result.constraints.push_back(atom.index);
          break;
      }
    }
    for (uint32_t j = 0; j < property_.inputs; ++j) {
      if (std::isinf(result.lo[j]) || std::isinf(result.hi[j])) {
        throw Malformed(text("property: X_", j, " lacks a bound in disjunct ", property_.disjuncts.size()));
      }
    }
    return result;
  }

  Tokens in_;
  Semantics semantics_;
  const Program& program_;
  bool version_2_ = false;
  Network network_;
  std::set<uint64_t> declared_;
  std::vector<Atom> atoms_;
  uint64_t spent_ = 0, box_ends_ = 0;
  Property property_;
};

}  // namespace

Property read_property(std::span<const uint8_t> bytes, Semantics semantics, const Program& program) {
  return Reader(bytes, semantics, program).read();
}

}  // namespace checker
