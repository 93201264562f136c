// The network that a property of VNN-LIB 2 declares: its tensors, matched with
// the inputs and outputs of the model (spec/certificate.md section 3).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "program.h"
#include "tokens.h"

namespace checker {

constexpr uint64_t kOutputKey = uint64_t(1) << 32;  // keys of variables: X_i is i, Y_i is kOutputKey + i

class Network {
 public:
  // What follows `(declare-network`, its closing parenthesis included. Throws Malformed with the line.
  void read(Tokens& in, const Program& program);
  // False when the word is no tensor; else the key of the entry whose indices are taken from `in`.
  bool entry(std::string_view word, Tokens& in, uint64_t& key) const;

 private:
  struct Tensor {
    std::string name;  // for messages
    bool is_output = false, named = false;
    std::string onnx_name;
    std::vector<int64_t> shape;
    uint64_t first = 0;  // key of its first entry
    size_t line = 0;
  };

  void declare(Tokens& in, bool is_output);
  void match(Tokens& in, bool is_output, const std::vector<NamedShape>& model);

  std::vector<Tensor> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
  std::string type_;
};

// -?D or -?D.D of version 2; a decimal of version 1 may have other forms.
bool is_plain_number(std::string_view word);

}  // namespace checker
