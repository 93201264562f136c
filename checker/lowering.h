// What the functions that lower one operator each share: tensors, the call of a
// node, and the program under construction.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lower.h"

namespace checker {

// The rows of a sum node or cluster. Every row has the same number of constants.
struct Rows {
  std::vector<uint64_t> start{0};
  std::vector<uint32_t> source;
  std::vector<double> weight;
  std::vector<std::vector<double>> constants;  // [which][row], in the order in which they are added
  bool scaled = false;
  double factor = 1;

  size_t size() const { return start.size() - 1; }
};

using Index = std::vector<uint32_t>;

// A tensor during lowering: exactly one of the three kinds of spec section 1.
struct Tensor {
  enum Kind { constant, view, pending } kind = constant;
  Shape shape = {};
  int type = dtype::kFloat;
  Bytes values = {};                        // constant
  std::shared_ptr<const Index> index = {};  // view: the element of each entry
  std::shared_ptr<Rows> rows = {};          // pending

  bool is_constant() const { return kind == constant; }
  uint64_t entries() const { return entry_count(shape, "model"); }
  float float_at(uint64_t i) const {  // of a float32 constant
    float value;
    std::memcpy(&value, values.data.data() + i * 4, 4);
    return value;
  }
  int64_t integer_at(uint64_t i) const;  // of a constant of an integer type or bool
};

bool is_integer(int type);

// A node with its inputs looked up.
struct Call {
  const Node& node;
  std::vector<Tensor*> inputs = {};  // null where the node omits an optional one
  bool may_pend = false;             // the output's only use is as an operand of Add or Sub

  [[noreturn]] void fail(const std::string& why) const;
  bool has(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  Tensor& operator[](size_t i) const;                 // fails when it is omitted
  const Tensor& float_constant(size_t i) const;       // fails unless it is one and all its values are finite
  std::vector<int64_t> integer_list(size_t i) const;  // the entries of a constant of type int64 or int32

  int64_t integer(std::string_view name, int64_t otherwise) const;
  float real(std::string_view name, float otherwise) const;
  std::string string(std::string_view name, std::string_view otherwise) const;
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> otherwise) const;
  const Attribute* attribute(std::string_view name, int type) const;  // null when absent
};

class Lowering {
 public:
  Lowering(const Model& model, const Limits& limits) : model_(model), limits_(limits) {}
  Program run();

  int64_t opset() const { return model_.opset; }  // of the default domain

  // The elements of an operand; a constant is emitted for it.
  std::shared_ptr<const Index> view(const Call& call, size_t input);
  // The number of entries of a new tensor, which is taken from the limits.
  uint64_t allot(const Call& call, const Shape& shape);
  // Counts products looked at, so that no model takes for ever.
  void work(const Call& call, uint64_t products);
  void check_terms(const Call& call, uint64_t terms) const;
  // A product is about to read these elements: their softmax operators get lines, unless a group is too large.
  void sharpen(const Index& elements);

  // Adds an operator whose rows are complete and returns a view of its elements.
  Tensor emit(const std::string& place, Operator op, Shape shape);
  // The output of a sum node: pending, or a cluster that is emitted.
  Tensor sum(const Call& call, Rows rows, Shape shape);

 private:
  struct Name {
    Tensor tensor;
    bool available = false, is_output = false;
    size_t uses = 0, uses_by_sums = 0;
    std::vector<size_t> waiting;  // nodes, once per use
  };

  void declare_inputs();
  void count_uses();
  void visit_nodes();
  void visit(const Node& node);
  Tensor lower_node(const Node& node);
  void check_outputs(const Node& node) const;
  void collect_outputs();
  Tensor emit_constant(const std::string& place, const Tensor& tensor);
  void define(const std::string& name, const std::string& place, Tensor tensor);
  void take_elements(const std::string& place, Operator& op);

  const Model& model_;
  Limits limits_;
  Program program_;
  std::unordered_map<std::string, Name> names_;
  uint64_t allotted_ = 0, worked_ = 0, terms_ = 0;
  std::vector<uint32_t> in_column_;  // scratch: terms per element
};

// One operator of the tables below. Attributes that are not listed, and numbers
// of inputs outside the range, have no certified meaning.
struct Rule {
  const char* op_type;
  Tensor (*lower)(Lowering&, const Call&);
  size_t min_inputs, max_inputs;
  const char* attributes;  // separated by spaces
};

std::span<const Rule> movement_rules();  // lower_movement.cc
std::span<const Rule> sum_rules();       // lower_sums.cc
std::span<const Rule> other_rules();     // lower_others.cc
std::span<const Rule> step_rules();      // lower_steps.cc

int64_t normal_axis(const Call& call, int64_t axis, size_t rank);  // fails unless it is one, counted from either end

// Emits a core operator `product` of a[i] and b[i].
Index product(Lowering& lowering, const Call& call, const Index& a, const Index& b);

// Sliding windows over the last two axes, of Conv and MaxPool.
struct Windows {
  int64_t kernel[2], stride[2], dilation[2], pad_begin[2], pad_end[2];

  // Reads strides, dilations, pads and auto_pad for a given kernel.
  Windows(const Call& call, int64_t kernel_rows, int64_t kernel_columns);
  int64_t span(int axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
  // The number of windows along an axis of extent `in`.
  int64_t extent(const Call& call, int axis, int64_t in, bool ceil) const;
};

// numpy broadcasting: the common shape, and which entry of `from` each entry of `to` reads.
Shape broadcast(const Call& call, const Shape& a, const Shape& b);
Index broadcast_map(const Shape& from, const Shape& to);

}  // namespace checker
