// Declarations are read and matched at once, so that no size in the text is
// believed before the model confirms it.
#include "network.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "error.h"

namespace checker {
namespace {

constexpr size_t kMostDimensions = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool is_name(std::string_view word) {
  if (word.empty() || !is_letter(word[0]) || word == "and" || word == "or" || word == "initialized") return false;
  return std::all_of(word.begin(), word.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

std::string shown(const std::vector<int64_t>& numbers) {
  std::string out = "[";
  for (const int64_t number : numbers) out += text(out.size() > 1 ? "," : "", number);
  return out + "]";
}

std::string_view take_name(Tokens& in, const char* of) {
  const std::string_view word = in.next();
  if (!is_name(word)) in.fail(text("'", word.substr(0, 40), "' is no name of a ", of));
  return word;
}

// What follows `[`; of an empty list only where that is allowed.
std::vector<int64_t> take_numbers(Tokens& in, bool may_be_empty) {
  std::vector<int64_t> numbers;
  if (may_be_empty && in.peek() == "]") {
    in.next();
    return numbers;
  }
  for (;;) {
    const std::string_view word = in.next();
    int64_t number = 0;
    for (const char c : word) {
      if (is_digit(c)) number = number * 10 + (c - '0');
      if (!is_digit(c) || number > INT32_MAX) in.fail(text("'", word.substr(0, 40), "' is no number below 2^31"));
    }
    if (word.empty()) in.fail("the file ends inside brackets");
    numbers.push_back(number);
    const std::string_view after = in.next();
    if (after == "]") return numbers;
    if (after != ",") in.fail(text("expected ',' or ']' and found '", after.substr(0, 40), "'"));
    if (numbers.size() == kMostDimensions) in.fail("more than 16 numbers in brackets");
  }
}

std::string unquoted(std::string_view string) {
  std::string out;
  for (size_t i = 1; i + 1 < string.size(); ++i) {
    const bool escape = string[i] == '\\';
    if (escape) ++i;
    const char c = string[i];
    out += escape && c == 'n' ? '\n' : escape && c == 't' ? '\t' : c;
  }
  return out;
}

}  // namespace

bool is_plain_number(std::string_view word) {
  size_t at = word.starts_with('-') ? 1 : 0;
  for (int part = 0; part < 2; ++part) {
    const size_t begin = at;
    while (at < word.size() && is_digit(word[at])) ++at;
    if (at == begin) return false;
    if (at == word.size()) return true;
    if (word[at++] != '.') return false;
  }
  return false;
}

void Network::read(Tokens& in, const Program& program) {
  take_name(in, "network");
  bool any_output = false;
  for (std::string_view token = in.next(); token != ")"; token = in.next()) {
    if (token != "(") in.fail(text("expected ( or ) and found '", token.substr(0, 40), "'"));
    const std::string_view command = in.next();
    const bool is_output = command == "declare-output";
    if (!is_output && (command != "declare-input" || any_output)) {
      in.fail(text("'", command.substr(0, 40), "' is not supported here: one network with inputs, then outputs"));
    }
    any_output = is_output;
    declare(in, is_output);
  }
  match(in, false, program.input_tensors);
  match(in, true, program.output_tensors);
}

void Network::declare(Tokens& in, bool is_output) {
  Tensor tensor;
  tensor.name = take_name(in, "tensor");
  tensor.is_output = is_output;
  tensor.line = in.line();
  const std::string type(in.next().substr(0, 40));
  if (type != "float32" && type != "real" && type != "Real")
    in.fail("element type '" + type + "', not float32 or real");
  if (tensors_.empty()) type_ = type;
  if (type != type_) in.fail("element type '" + type + "' after '" + type_ + "'");
  in.expect("[");
  tensor.shape = take_numbers(in, true);
  if (std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end()) in.fail("a dimension of 0");
  std::string_view token = in.next();
  if (token.starts_with('"')) {
    tensor.named = true;
    tensor.onnx_name = unquoted(token);
    token = in.next();
  }
  if (token != ")") in.fail(text("expected ) and found '", token.substr(0, 40), "'"));
  if (!by_name_.emplace(tensor.name, tensors_.size()).second) in.fail(tensor.name.substr(0, 40) + " is declared twice");
  if (!tensors_.empty() && tensors_[0].named != tensor.named) in.fail("an ONNX name for some tensors only");
  tensors_.push_back(std::move(tensor));
}

// Every tensor is one of the model's, with its shape, and none of those is left.
void Network::match(Tokens& in, bool is_output, const std::vector<NamedShape>& model) {
  const char* what = is_output ? "output" : "input";
  std::unordered_map<std::string_view, size_t> by_onnx_name;
  for (size_t i = 0; i < model.size(); ++i) by_onnx_name.emplace(model[i].name, i);
  std::vector<Tensor*> of(model.size(), nullptr);
  size_t declared = 0;
  for (Tensor& tensor : tensors_) {
    if (tensor.is_output != is_output) continue;
    size_t at = declared++;
    if (tensor.named) {
      const auto found = by_onnx_name.find(tensor.onnx_name);
      at = found == by_onnx_name.end() ? model.size() : found->second;
    }
    const std::string place = text(tensor.name.substr(0, 40), " of line ", tensor.line);
    if (at == model.size() || declared > model.size()) in.fail(text(place, " is no ", what, " of the model"));
    if (of[at] != nullptr) in.fail(text(place, " has the ONNX name of another tensor"));
    if (tensor.shape != model[at].shape) {
      in.fail(text(place, " is declared ", shown(tensor.shape), ", ", what, " '", model[at].name.substr(0, 40), "' is ",
                   shown(model[at].shape)));
    }
    of[at] = &tensor;
  }
  if (declared == 0 || declared != model.size()) in.fail(text(declared, " ", what, "s instead of ", model.size()));
  uint64_t next = is_output ? kOutputKey : 0;
  for (Tensor* tensor : of) {
    tensor->first = next;
    uint64_t entries = 1;
    for (const int64_t dimension : tensor->shape) entries *= uint64_t(dimension);
    next += entries;
  }
}

bool Network::entry(std::string_view word, Tokens& in, uint64_t& key) const {
  const auto found = by_name_.find(word);
  if (found == by_name_.end()) return false;
  const Tensor& tensor = tensors_[found->second];
  key = tensor.first;
  if (tensor.shape.empty()) return true;
  in.expect("[");
  const std::vector<int64_t> indices = take_numbers(in, false);
  bool inside = indices.size() == tensor.shape.size();
  uint64_t offset = 0;
  for (size_t axis = 0; inside && axis < indices.size(); ++axis) {
    inside = indices[axis] < tensor.shape[axis];
    offset = offset * uint64_t(tensor.shape[axis]) + uint64_t(indices[axis]);
  }
  if (!inside) {
    in.fail(text(tensor.name.substr(0, 40), shown(indices), " is no entry of a tensor of shape ", shown(tensor.shape)));
  }
  key += offset;
  return true;
}

}  // namespace checker
