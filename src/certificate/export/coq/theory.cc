// Writing the files. Long lists are cut into definitions of a few hundred entries: coqc's parser and type checker
// recurse along a list, so that one of many thousand entries would need a deep stack.
#include "certificate/export/coq/theory.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <span>

#include "certificate/export/coq/literals.h"
#include "certificate/export/coq/shipped_files.h"

namespace axiom {
namespace {

constexpr size_t kEntriesPerDefinition = 400;

using Out = std::back_insert_iterator<std::string>;

template <typename... T>
void append(std::string& text, fmt::format_string<T...> format, T&&... values) {
  fmt::format_to(Out(text), format, std::forward<T>(values)...);
}

std::string_view coq_semantics(Semantics semantics) { return semantics == Semantics::kReal ? "real" : "float32"; }

// A float where an argument stands.
std::string argument(double value) {
  const std::string literal = coq_float(value);
  return literal.front() == '-' ? "(" + literal + ")" : literal;
}

template <typename List, typename Write>
std::string joined(const List& list, Write write) {
  std::string text = "[";
  bool first = true;
  for (const auto& entry : list) {
    if (!first) text += "; ";
    first = false;
    text += write(entry);
  }
  return text + "]";
}

// A list as one definition, or as definitions `name_0`, `name_1`, ... and `name` that joins them.
class LongList {
 public:
  LongList(std::string& out, std::string name, std::string type)
      : out_(out), name_(std::move(name)), type_(std::move(type)) {}

  void add(std::string_view entry) {
    if (in_part_ == kEntriesPerDefinition) close_part();
    part_ += in_part_ == 0 ? "\n  " : ";\n  ";
    part_ += entry;
    ++in_part_;
  }

  void end() {
    if (parts_ == 0) return define(name_);
    close_part();
    append(out_, "Definition {} : list {} := ", name_, type_);
    for (size_t i = 0; i < parts_; ++i) append(out_, "{}{}_{}", i == 0 ? "" : " ++ ", name_, i);
    out_ += ".\n";
  }

 private:
  void close_part() { define(fmt::format("{}_{}", name_, parts_++)); }
  void define(const std::string& name) {
    append(out_, "Definition {} : list {} := [{}].\n", name, type_, part_);
    part_.clear();
    in_part_ = 0;
  }
  std::string& out_;
  std::string name_, type_, part_;
  size_t parts_ = 0, in_part_ = 0;
};

// ---- Network.v

std::string row_terms(const SparseRows& rows, size_t row) {
  const uint64_t begin = rows.begin[row], end = rows.begin[row + 1];
  bool consecutive = end > begin;
  for (uint64_t t = begin + 1; t < end && consecutive; ++t) consecutive = rows.column[t] == rows.column[t - 1] + 1;
  std::string text;
  if (consecutive) {
    append(text, "(dense {} [", rows.column[begin]);
    for (uint64_t t = begin; t < end; ++t) append(text, "{}{}", t == begin ? "" : "; ", coq_float(rows.weight[t]));
    return text + "])";
  }
  text = "[";
  for (uint64_t t = begin; t < end; ++t)
    append(text, "{}({}%uint63, {})", t == begin ? "" : "; ", rows.column[t], coq_float(rows.weight[t]));
  return text + "]";
}

std::string row_constants(const CoreOp& op, size_t row) {
  if (!op.constants.empty()) return joined(op.constants, [&](const auto& list) { return coq_float(list[row]); });
  return op.bias[row] == 0 && op.magnitude[row] == 0 ? "[]" : "[" + coq_float(op.bias[row]) + "]";
}

std::string window(const CoreOp& op, size_t i) {
  const uint32_t begin = op.window_begin[i], end = op.window_begin[i + 1];
  std::string text = fmt::format("({}, [", op.source[begin]);
  for (uint32_t s = begin + 1; s < end; ++s) append(text, "{}{}", s == begin + 1 ? "" : "; ", op.source[s]);
  return text + "])";
}

// The list that an operator holds, and the operator.
void write_operator(const CoreOp& op, size_t number, std::string& out) {
  append(out, "\n(* elements {} to {}: {} *)\n", op.first, op.first + op.count - 1, coq_comment(op.name));
  const std::string list = fmt::format("list_{}", number);
  std::string head;
  switch (op.kind) {
    case CoreKind::kInput:
      break;
    case CoreKind::kConstant: {
      LongList values(out, list, "float");
      for (const double value : op.constant) values.add(coq_float(value));
      values.end();
      head = "Constant";
      break;
    }
    case CoreKind::kAffine: {
      LongList rows(out, list, "row");
      for (size_t i = 0; i < op.count; ++i) {
        rows.add(fmt::format("Row {} {} {} {} {} {}", row_constants(op, i), argument(op.bias[i]),
                             argument(op.magnitude[i]), argument(op.gamma[i]), argument(op.underflow[i]),
                             row_terms(op.rows, i)));
      }
      rows.end();
      head = fmt::format("Affine {} {}", argument(op.factor), argument(op.real_error));
      break;
    }
    case CoreKind::kUnary: {
      LongList sources(out, list, "int");
      for (const ElementId e : op.source) sources.add(fmt::format("{}%uint63", e));
      sources.end();
      const bool leaky = op.unary == UnaryKind::kLeakyRelu;
      head = leaky                             ? fmt::format("LeakyRelu {}", argument(op.alpha))
             : op.unary == UnaryKind::kRelu    ? "Relu"
             : op.unary == UnaryKind::kSigmoid ? "Sigmoid"
                                               : "Tanh";
      break;
    }
    case CoreKind::kMaxPool: {
      LongList windows(out, list, "(int * list int)");
      for (size_t i = 0; i < op.count; ++i) windows.add(window(op, i) + "%uint63");
      windows.end();
      head = "MaxPool";
      break;
    }
    case CoreKind::kSoftmax: {
      LongList groups(out, list, "(list int)");
      for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
        const std::span group(op.source.data() + op.window_begin[g], op.window_begin[g + 1] - op.window_begin[g]);
        groups.add(joined(group, [](ElementId e) { return fmt::format("{}", e); }) + "%uint63");
      }
      groups.end();
      head = "Softmax";
      break;
    }
    case CoreKind::kProduct:  // Refused before: it has no rule in Coq.
      break;
  }
  append(out, "Definition operator_{} : operator := {} {}.\n", number, head, list);
}

std::string network_text(const TheorySource& source) {
  const Program& program = source.program;
  std::string out = fmt::format(
      "(* The network as core program (spec/operators.md). Model bytes, decompressed:\n"
      "   sha256 {} *)\n"
      "From Coq Require Import List Floats Uint63.\n"
      "From AxiomProofs Require Import Semantics.\n"
      "From Certificate Require Import Compact.\n"
      "Import ListNotations.\n"
      "Local Open Scope float_scope.\n",
      source.model_digest);
  std::vector<size_t> operators;
  for (size_t i = 1; i < program.ops.size(); ++i) {  // Operator 0 is the input.
    write_operator(program.ops[i], i, out);
    operators.push_back(i);
  }
  out += "\n(* the elements that are Y_0, Y_1, ... *)\n";
  LongList outputs(out, "output_elements", "int");
  for (const ElementId e : program.outputs) outputs.add(fmt::format("{}%uint63", e));
  outputs.end();
  append(out, "\nDefinition network : program :=\n  Program {} {} output_elements.\n", program.input_count,
         joined(operators, [](size_t i) { return fmt::format("operator_{}", i); }));
  return out;
}

// ---- Property.v

std::string variable(const Term& term) { return fmt::format("{} {}", term.is_output ? "Y" : "X", term.index); }

std::string exact_constraint(const LinearConstraint& c) {
  return fmt::format(
      "Constraint {} ({})",
      joined(c.terms, [](const Term& t) { return fmt::format("({}, {})", variable(t), coq_rational(t.coefficient)); }),
      coq_rational(c.bound));
}

std::string rounded_constraint(const LinearConstraint& c) {
  return fmt::format("Fconstraint {} {}",
                     joined(c.terms,
                            [](const Term& t) {
                              return fmt::format("({}, {})", variable(t), coq_float(t.coefficient.round_nearest()));
                            }),
                     argument(c.bound.round_up()));
}

// Equal boxes share one definition: the disjuncts of a property mostly have one.
std::vector<size_t> box_numbers(const Property& property, std::vector<const Box*>& boxes) {
  std::vector<size_t> numbers;
  for (const Disjunct& disjunct : property.disjuncts) {
    const auto same = std::find_if(boxes.begin(), boxes.end(), [&](const Box* b) { return b->shares(disjunct.box); });
    numbers.push_back(static_cast<size_t>(same - boxes.begin()));
    if (same == boxes.end()) boxes.push_back(&disjunct.box);
  }
  return numbers;
}

template <typename Write>
void write_disjuncts(const Property& property, const std::vector<size_t>& boxes, std::string_view name,
                     std::string_view type, std::string_view maker, std::string_view box, Write write,
                     std::string& out) {
  LongList list(out, std::string(name), std::string(type));
  for (size_t i = 0; i < property.disjuncts.size(); ++i) {
    list.add(fmt::format("{} {}_{} {}", maker, box, boxes[i], joined(property.disjuncts[i].constraints, write)));
  }
  list.end();
}

std::string property_text(const TheorySource& source) {
  const Property& property = source.property;
  const bool real = source.semantics == Semantics::kReal;
  std::vector<const Box*> boxes;
  const std::vector<size_t> numbers = box_numbers(property, boxes);
  std::string out = fmt::format(
      "(* The property: its unsafe points, with the decimals of the text (VNN-LIB, decompressed:\n"
      "   sha256 {}). *)\n"
      "From Coq Require Import List QArith Floats.\n"
      "From AxiomProofs Require Import Semantics Forms CheckSound.\n"
      "From Certificate Require Import Represents.\n"
      "Import ListNotations.\n"
      "\nLocal Open Scope Q_scope.\n",
      source.property_digest);
  for (size_t b = 0; b < boxes.size(); ++b) {
    LongList sides(out, fmt::format("box_{}", b), "(Q * Q)");
    for (const Interval& side : *boxes[b])
      sides.add(fmt::format("({}, {})", coq_rational(side.lower), coq_rational(side.upper)));
    sides.end();
  }
  write_disjuncts(property, numbers, "unsafe_parts", "disjunct", "Disjunct", "box", exact_constraint, out);
  out += "Definition property : property := unsafe_parts.\n";
  out += "\n(* The same in the numbers that the checker computes with. *)\nLocal Open Scope float_scope.\n";
  for (size_t b = 0; b < boxes.size(); ++b) {
    LongList sides(out, fmt::format("rounded_box_{}", b), "(float * float)");
    for (const Interval& side : *boxes[b]) {
      const double lower = real ? side.lower.round_down() : double{side.lower.round_nearest_float()};
      const double upper = real ? side.upper.round_up() : double{side.upper.round_nearest_float()};
      sides.add(fmt::format("({}, {})", coq_float(lower), coq_float(upper)));
    }
    sides.end();
  }
  write_disjuncts(property, numbers, "rounded", "fdisjunct", "Fdisjunct", "rounded_box", rounded_constraint, out);
  append(out,
         "\nLemma represented : represents_property {} property rounded.\n"
         "Proof. apply represents_test_sound. vm_cast_no_check (eq_refl true). Qed.\n",
         coq_semantics(source.semantics));
  return out;
}

// ---- Tree.v

// A tree for Coq to check: whole, or what is above the pieces (with the byte 8 where one is left out) and the pieces in
// groups, each of which is checked by a file of its own.
struct CutTree {
  std::string top;
  std::vector<std::vector<std::string_view>> groups;
};

// Pieces are the largest subtrees of at most half the leaves of a file, so that files come out about equal.
CutTree cut_tree(const TheorySource& source) {
  const auto& nodes = source.nodes;
  if (nodes.empty() || nodes.front().leaves <= source.leaves_per_file) return {std::string(source.tree), {}};
  const uint64_t most = std::max<uint64_t>(1, source.leaves_per_file / 2);
  CutTree cut;
  uint64_t at = 0, leaves = 0;
  for (const TreeNode& node : nodes) {
    if (node.begin < at || node.leaves > most) continue;
    cut.top += source.tree.substr(at, node.begin - at);
    cut.top += '\x08';
    if (cut.groups.empty() || leaves + node.leaves > source.leaves_per_file) {
      cut.groups.emplace_back();
      leaves = 0;
    }
    cut.groups.back().push_back(source.tree.substr(node.begin, node.end - node.begin));
    leaves += node.leaves;
    at = node.end;
  }
  cut.top += source.tree.substr(at);
  return cut;
}

void write_bytes(const std::string& name, std::string_view bytes, std::string& out) {
  const size_t whole = bytes.size() / 7 * 7;
  LongList words(out, name + "_words", "int");
  for (size_t i = 0; i < whole; i += 7) words.add(coq_word(bytes.substr(i, 7)));
  words.end();
  append(out, "Definition {} : list int := unpack {}_words {}.\n", name, name,
         joined(bytes.substr(whole), [](char c) { return fmt::format("{}", static_cast<uint8_t>(c)); }));
}

std::string tree_text(const TheorySource& source, const CutTree& cut) {
  std::string out = fmt::format(
      "(* The proof tree of the certificate, {} bytes{}. Certificate:\n"
      "   sha256 {} *)\n"
      "From Coq Require Import List Uint63.\n"
      "From Certificate Require Import Compact.\n"
      "Import ListNotations.\n"
      "Local Open Scope uint63_scope.\n\n",
      source.tree.size(), cut.groups.empty() ? "" : ", in pieces: a byte 8 of `tree` stands for the next one",
      source.certificate_digest);
  write_bytes("tree", cut.top, out);
  std::vector<std::string> groups;
  for (size_t g = 0; g < cut.groups.size(); ++g) {
    std::vector<std::string> pieces;
    for (const std::string_view bytes : cut.groups[g]) {
      pieces.push_back(fmt::format("piece_{}_{}", g, pieces.size()));
      write_bytes(pieces.back(), bytes, out);
    }
    groups.push_back(fmt::format("group_{}", g));
    append(out, "Definition {} : list (list int) := {}.\n", groups.back(),
           joined(pieces, [](const std::string& name) { return name; }));
  }
  if (!groups.empty()) {
    append(out, "Definition groups : list (list (list int)) := {}.\n",
           joined(groups, [](const std::string& name) { return name; }));
  }
  return out;
}

// ---- Group<i>.v and Theorem.v

std::string group_name(size_t group) { return fmt::format("Group{}", group); }

std::string group_text(const TheorySource& source, size_t group, size_t first_piece) {
  return fmt::format(
      "(* The pieces of group {0} are closed: piece {1} of the tree and those after it. *)\n"
      "From AxiomProofs Require Import Semantics Checker.\n"
      "From Certificate Require Import Network Property Tree.\n"
      "\n"
      "Lemma checked : check_pieces {2} network rounded tree {1} group_{0} = true.\n"
      "Proof. vm_cast_no_check (eq_refl true). Qed.\n",
      group, first_piece, coq_semantics(source.semantics));
}

std::string theorem_text(const TheorySource& source, size_t groups) {
  const std::string_view semantics = coq_semantics(source.semantics);
  std::string out = fmt::format(
      "(* No execution of the network from the input set of the property reaches its unsafe set.\n"
      "   model       sha256 {}\n"
      "   property    sha256 {}\n"
      "   certificate sha256 {} *)\n"
      "From AxiomProofs Require Import Semantics CheckSound.\n"
      "From Certificate Require Import Network Property Tree.\n",
      source.model_digest, source.property_digest, source.certificate_digest);
  if (groups > 0) out += "From Certificate Require";
  for (size_t g = 0; g < groups; ++g) append(out, " {}", group_name(g));
  if (groups > 0) out += ".\n";
  append(out, "\nTheorem verified : claim {} network property.\nProof.\n", semantics);
  if (groups == 0) {
    append(out,
           "  apply (check_sound {} network property rounded tree represented).\n"
           "  vm_cast_no_check (eq_refl true).\n",
           semantics);
  } else {
    append(out,
           "  apply (check_sound_in_pieces {} network property rounded tree groups represented).\n"
           "  - vm_cast_no_check (eq_refl true).\n"
           "  - exact ",
           semantics);
    for (size_t g = 0; g < groups; ++g) append(out, "(conj {}.checked ", group_name(g));
    append(out, "I{}.\n", std::string(groups, ')'));
  }
  return out + "Qed.\n";
}

// Names are written in full and nothing is imported, so that no notation or shorter name of another file can stand
// for something else.
std::string statement_text(const TheorySource& source) {
  return fmt::format(
      "(* What was proved, and from which axioms. *)\n"
      "Require AxiomProofs.Semantics Certificate.Network Certificate.Property Certificate.Theorem.\n"
      "Set Printing Width 1000000.\n"
      "Check (Certificate.Theorem.verified : {}).\n"
      "Print Assumptions Certificate.Theorem.verified.\n",
      coq_statement(source.semantics));
}

}  // namespace

TheoryFile coq_coverage(Semantics semantics) {
  return {"Covered", fmt::format("From Coq Require Import List.\n"
                                 "From AxiomProofs Require Import Semantics Layers Checker.\n"
                                 "From Certificate Require Import Network.\n"
                                 "Eval vm_compute in forallb layer_ok (e_layers (make_env {} network nil)).\n",
                                 coq_semantics(semantics))};
}

std::string coq_statement(Semantics semantics) {
  return fmt::format(
      "AxiomProofs.Semantics.claim AxiomProofs.Semantics.{} Certificate.Network.network Certificate.Property.property",
      coq_semantics(semantics));
}

std::string coq_answer(Semantics semantics) {
  return fmt::format("Theorem.verified : Semantics.claim Semantics.{} Network.network Property.property",
                     coq_semantics(semantics));
}

std::vector<TreeNode> parse_tree_nodes(std::string_view text) {
  std::vector<TreeNode> nodes;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](uint64_t& value, char after) {
    const auto [stop, failure] = std::from_chars(at, end, value);
    if (failure != std::errc() || stop == end || *stop != after) return false;
    at = stop + 1;
    return true;
  };
  while (at != end) {
    TreeNode node;
    if (!number(node.begin, ' ') || !number(node.end, ' ') || !number(node.leaves, '\n')) return {};
    nodes.push_back(node);
  }
  return nodes;
}

std::vector<TheoryFile> coq_theory(const TheorySource& source) {
  const CutTree cut = cut_tree(source);
  std::vector<TheoryFile> files = {{"Compact", std::string(kCompactText), 0},
                                   {"Represents", std::string(kRepresentsText), 0},
                                   {"Network", network_text(source), 1},
                                   {"Property", property_text(source), 1},
                                   {"Tree", tree_text(source, cut), 1}};
  size_t piece = 0;
  for (size_t g = 0; g < cut.groups.size(); ++g) {
    files.push_back({group_name(g), group_text(source, g, piece), 2});
    piece += cut.groups[g].size();
  }
  files.push_back({"Theorem", theorem_text(source, cut.groups.size()), 3});
  files.push_back({"Statement", statement_text(source), 4});
  return files;
}

}  // namespace axiom
