// The network that a VNN-LIB 2 text declares, and its tensors, which are matched with those of the model.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "formats/vnnlib/lexer.h"
#include "formats/vnnlib/linear.h"
#include "tensor/tensor.h"

namespace axiom::vnnlib {

/// The tensors of a model that a property can speak of, in the order in which X and Y number their entries.
struct Signature {
  struct Entry {
    std::string name;
    Shape shape;
  };
  std::vector<Entry> inputs, outputs;
};

class Network {
 public:
  /// Without a model (null), tensors are numbered as they are declared, and ONNX names are refused. `model` must
  /// outlive this.
  explicit Network(const Signature* model) : model_(model) {}

  /// What follows `(declare-network` on a line, its closing parenthesis included.
  Status read(Lexer& lexer, int line);
  /// A number, or an entry of a tensor, whose indices are taken from the lexer.
  Result<Linear> operand(const Token& token, Lexer& lexer) const;
  uint32_t inputs() const { return counts_[0]; }
  uint32_t outputs() const { return counts_[1]; }

 private:
  struct Tensor {
    std::string_view name;
    Shape shape;
    bool is_output = false, is_named = false;
    std::string onnx_name;
    int line = 1;
    uint32_t first = 0;  ///< X or Y of its first entry.
  };

  Status declare(Lexer& lexer, bool is_output, int line);
  Status read_option(Lexer& lexer, Tensor& tensor) const;
  Status place(int line);
  Status match(bool is_output, int line);
  Result<uint32_t> entry_of(const Tensor& tensor, Lexer& lexer, int line) const;

  const Signature* model_;
  std::vector<Tensor> tensors_;  ///< Inputs first.
  std::unordered_map<std::string_view, size_t> by_name_;
  std::string_view type_;  ///< Of all tensors.
  uint32_t counts_[2] = {0, 0};
};

/// `<2.0>` or `<2.1>` and the closing parenthesis, which follow `(vnnlib-version`.
Status read_version(Lexer& lexer);

}  // namespace axiom::vnnlib
