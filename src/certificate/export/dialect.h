// Network, property and tree as definitions of a proof assistant without floats: numbers are pairs of integers,
// decimals fractions. What is common to the assistants stands here; how each writes a definition is its Dialect.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.h"
#include "graph/program.h"
#include "graph/property.h"

namespace axiom {

/// How one assistant writes things. Lists "[a, b]", pairs "(a, b)" and fractions "-3 / 10 ^ 1" are the same in all.
class Dialect {
 public:
  virtual ~Dialect() = default;

  enum class Type { kRow, kOperator, kNumber, kElement, kWindow, kGroup, kSide, kDisjunct, kByte };
  /// A definition of a list.
  virtual std::string define_list(std::string_view name, Type entry, std::string_view value) const = 0;
  virtual std::string define(std::string_view name, std::string_view type, std::string_view value) const = 0;
  virtual std::string_view append() const = 0;  ///< The operator that joins lists.
  virtual std::string comment(std::string_view text) const = 0;

  virtual std::string number(int64_t mantissa, int exponent) const = 0;
  /// A value of a type with one constructor: Row, Program, Constraint, Disjunct.
  virtual std::string record(std::string_view name, std::span<const std::string> fields) const = 0;
  /// An alternative of Operator: "Affine", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "MaxPool", "Softmax", "Constant".
  virtual std::string alternative(std::string_view name, std::span<const std::string> fields) const = 0;
  virtual std::string variable(bool is_output, uint32_t index) const = 0;

  // Names of types where `define` needs them.
  virtual std::string_view operator_type() const = 0;
  virtual std::string_view program_type() const = 0;
  virtual std::string_view property_type() const = 0;
};

/// Definitions up to `network`.
std::string network_definitions(const Program& program, const Dialect& dialect);
/// Definitions up to `property_name`.
std::string property_definitions(const Property& property, std::string_view property_name, const Dialect& dialect);
/// Definitions up to `tree`, the bytes.
std::string tree_definitions(std::string_view tree, const Dialect& dialect);

/// A finite double as dialect.number, exactly; the sign of zero is lost, as it is in the value.
std::string exact_number(double value, const Dialect& dialect);
/// A decimal as a fraction of integers, exactly: "-15 / 10 ^ 1", "3", "2 * 10 ^ 300".
std::string exact_fraction(const Decimal& value);

}  // namespace axiom
