// The order of definitions and fields is that of the Coq files. Long lists are cut into definitions of a hundred
// entries: assistants elaborate a list by recursion along it.
#include "certificate/export/dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/result.h"
#include "certificate/export/coq/literals.h"

namespace axiom {
namespace {

constexpr size_t kEntriesPerDefinition = 100;
constexpr size_t kShortEntriesPerLine = 10;

using Fields = std::vector<std::string>;

template <typename List, typename Write>
std::string list_of(const List& list, Write write) {
  std::string text = "[";
  for (const auto& entry : list) {
    if (text.size() > 1) text += ", ";
    text += write(entry);
  }
  return text + "]";
}

// A list as one definition, or as definitions `name_0`, `name_1`, ... and `name` that joins them.
class Entries {
 public:
  Entries(std::string& out, std::string name, Dialect::Type type, const Dialect& dialect)
      : out_(out), name_(std::move(name)), type_(type), dialect_(dialect) {}

  void add(std::string_view entry) {
    if (in_part_ == kEntriesPerDefinition) close_part();
    const bool new_line = in_part_ % (is_short() ? kShortEntriesPerLine : 1) == 0;
    part_ += in_part_ == 0 ? "" : ",";
    part_ += new_line ? "\n  " : " ";
    part_ += entry;
    ++in_part_;
  }

  void end() {
    if (parts_ == 0) return define(name_);
    close_part();
    std::string all;
    for (size_t i = 0; i < parts_; ++i)
      all += fmt::format("{}{}_{}", i == 0 ? "" : fmt::format(" {} ", dialect_.append()), name_, i);
    out_ += dialect_.define_list(name_, type_, all);
  }

 private:
  bool is_short() const {
    using Type = Dialect::Type;
    return type_ == Type::kElement || type_ == Type::kByte || type_ == Type::kOperator;
  }
  void close_part() { define(fmt::format("{}_{}", name_, parts_++)); }
  void define(const std::string& name) {
    out_ += dialect_.define_list(name, type_, "[" + part_ + "]");
    part_.clear();
    in_part_ = 0;
  }
  std::string& out_;
  std::string name_;
  Dialect::Type type_;
  const Dialect& dialect_;
  std::string part_;
  size_t parts_ = 0, in_part_ = 0;
};

class Writer {
 public:
  Writer(const Dialect& dialect, std::string& out) : dialect_(dialect), out_(out) {}

  std::string number(double value) const { return exact_number(value, dialect_); }

  std::string terms(const SparseRows& rows, size_t row) const {
    const uint64_t begin = rows.begin[row], end = rows.begin[row + 1];
    bool consecutive = end > begin;
    for (uint64_t t = begin + 1; t < end && consecutive; ++t) consecutive = rows.column[t] == rows.column[t - 1] + 1;
    std::string text = consecutive ? fmt::format("(dense {} [", rows.column[begin]) : "[";
    for (uint64_t t = begin; t < end; ++t) {
      if (t > begin) text += ", ";
      const std::string weight = number(rows.weight[t]);
      text += consecutive ? weight : fmt::format("({}, {})", rows.column[t], weight);
    }
    return text + (consecutive ? "])" : "]");
  }

  std::string constants(const CoreOp& op, size_t row) const {
    if (!op.constants.empty()) return list_of(op.constants, [&](const auto& list) { return number(list[row]); });
    return op.bias[row] == 0 && op.magnitude[row] == 0 ? "[]" : "[" + number(op.bias[row]) + "]";
  }

  void op(const CoreOp& op, size_t index) {
    if (!out_.empty()) out_ += "\n";
    out_ +=
        dialect_.comment(fmt::format("elements {} to {}: {}", op.first, op.first + op.count - 1, coq_comment(op.name)));
    const std::string list = fmt::format("list_{}", index);
    Fields fields;
    std::string_view name;
    switch (op.kind) {
      case CoreKind::kInput:
        return;
      case CoreKind::kConstant: {
        Entries entries(out_, list, Dialect::Type::kNumber, dialect_);
        for (const double value : op.constant) entries.add(number(value));
        entries.end();
        name = "Constant";
        break;
      }
      case CoreKind::kAffine: {
        Entries entries(out_, list, Dialect::Type::kRow, dialect_);
        for (size_t i = 0; i < op.count; ++i) {
          entries.add(dialect_.record("Row", Fields{constants(op, i), number(op.bias[i]), number(op.magnitude[i]),
                                                    number(op.gamma[i]), number(op.underflow[i]), terms(op.rows, i)}));
        }
        entries.end();
        name = "Affine";
        fields = {number(op.factor), number(op.real_error)};
        break;
      }
      case CoreKind::kUnary: {
        Entries entries(out_, list, Dialect::Type::kElement, dialect_);
        for (const ElementId e : op.source) entries.add(fmt::format("{}", e));
        entries.end();
        name = op.unary == UnaryKind::kLeakyRelu ? "LeakyRelu"
               : op.unary == UnaryKind::kRelu    ? "Relu"
               : op.unary == UnaryKind::kSigmoid ? "Sigmoid"
                                                 : "Tanh";
        if (op.unary == UnaryKind::kLeakyRelu) fields = {number(op.alpha)};
        break;
      }
      case CoreKind::kMaxPool: {
        Entries entries(out_, list, Dialect::Type::kWindow, dialect_);
        for (size_t i = 0; i < op.count; ++i) {
          const std::span window(op.source.data() + op.window_begin[i], op.window_begin[i + 1] - op.window_begin[i]);
          const std::string others = list_of(window.subspan(1), [](ElementId e) { return fmt::format("{}", e); });
          entries.add(fmt::format("({}, {})", window.front(), others));
        }
        entries.end();
        name = "MaxPool";
        break;
      }
      case CoreKind::kSoftmax: {
        Entries entries(out_, list, Dialect::Type::kGroup, dialect_);
        for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
          const std::span group(op.source.data() + op.window_begin[g], op.window_begin[g + 1] - op.window_begin[g]);
          entries.add(list_of(group, [](ElementId e) { return fmt::format("{}", e); }));
        }
        entries.end();
        name = "Softmax";
        break;
      }
      case CoreKind::kProduct:  // Refused before: it has no rule in Coq.
        break;
    }
    fields.push_back(list);
    out_ += dialect_.define(fmt::format("operator_{}", index), dialect_.operator_type(),
                            dialect_.alternative(name, fields));
  }

  std::string constraint(const LinearConstraint& c) const {
    const std::string left = list_of(c.terms, [&](const Term& t) {
      return fmt::format("({}, {})", dialect_.variable(t.is_output, t.index), exact_fraction(t.coefficient));
    });
    return dialect_.record("Constraint", Fields{left, "(" + exact_fraction(c.bound) + ")"});
  }

 private:
  const Dialect& dialect_;
  std::string& out_;
};

}  // namespace

std::string network_definitions(const Program& program, const Dialect& dialect) {
  std::string out;
  Writer writer(dialect, out);
  std::vector<size_t> operators;
  for (size_t i = 1; i < program.ops.size(); ++i) {  // Operator 0 is the input.
    writer.op(program.ops[i], i);
    operators.push_back(i);
  }
  out += "\n" + dialect.comment("the elements that are Y_0, Y_1, ...");
  Entries outputs(out, "output_elements", Dialect::Type::kElement, dialect);
  for (const ElementId e : program.outputs) outputs.add(fmt::format("{}", e));
  outputs.end();
  out += "\n";
  Entries list(out, "operator_list", Dialect::Type::kOperator, dialect);
  for (const size_t i : operators) list.add(fmt::format("operator_{}", i));
  list.end();
  const Fields fields = {fmt::format("{}", program.input_count), "operator_list", "output_elements"};
  return out + dialect.define("network", dialect.program_type(), dialect.record("Program", fields));
}

std::string property_definitions(const Property& property, std::string_view property_name, const Dialect& dialect) {
  std::string out;
  const Writer writer(dialect, out);
  std::vector<const Box*> boxes;
  std::vector<size_t> numbers;  // Equal boxes share one definition.
  for (const Disjunct& disjunct : property.disjuncts) {
    const auto same = std::find_if(boxes.begin(), boxes.end(), [&](const Box* b) { return b->shares(disjunct.box); });
    numbers.push_back(static_cast<size_t>(same - boxes.begin()));
    if (same == boxes.end()) boxes.push_back(&disjunct.box);
  }
  for (size_t b = 0; b < boxes.size(); ++b) {
    Entries sides(out, fmt::format("box_{}", b), Dialect::Type::kSide, dialect);
    for (const Interval& side : *boxes[b])
      sides.add(fmt::format("({}, {})", exact_fraction(side.lower), exact_fraction(side.upper)));
    sides.end();
  }
  Entries parts(out, "unsafe_parts", Dialect::Type::kDisjunct, dialect);
  for (size_t i = 0; i < property.disjuncts.size(); ++i) {
    const std::string constraints =
        list_of(property.disjuncts[i].constraints, [&](const LinearConstraint& c) { return writer.constraint(c); });
    parts.add(dialect.record("Disjunct", Fields{fmt::format("box_{}", numbers[i]), constraints}));
  }
  parts.end();
  return out + dialect.define(property_name, dialect.property_type(), "unsafe_parts");
}

std::string tree_definitions(std::string_view tree, const Dialect& dialect) {
  std::string out;
  Entries bytes(out, "tree", Dialect::Type::kByte, dialect);
  for (const char byte : tree) bytes.add(fmt::format("{}", static_cast<uint8_t>(byte)));
  bytes.end();
  return out;
}

std::string exact_number(double value, const Dialect& dialect) {
  AXIOM_CHECK(std::isfinite(value));
  if (value == 0) return dialect.number(0, 0);
  int exponent = 0;
  auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(value, &exponent), 53));
  exponent -= 53;
  while (mantissa % 2 == 0) {
    mantissa /= 2;
    ++exponent;
  }
  return dialect.number(mantissa, exponent);
}

std::string exact_fraction(const Decimal& value) {
  std::string digits;
  int64_t places = 0;
  const std::string text = value.to_string();
  const size_t e = std::min(text.find('e'), text.size());
  bool fraction = false;
  for (const char c : std::string_view(text).substr(0, e)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    digits += c;
    places += fraction;
  }
  if (e < text.size()) places -= std::stoll(text.substr(e + 1));
  const size_t first = digits.find_first_not_of("-0");
  const std::string significant = first == std::string::npos ? "0" : digits.substr(first);
  const std::string sign = value.is_negative() ? "-" : "";
  if (places == 0) return sign + significant;
  return fmt::format("{}{} {} 10 ^ {}", sign, significant, places > 0 ? "/" : "*", places > 0 ? places : -places);
}

}  // namespace axiom
