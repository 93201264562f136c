// Declarations of VNN-LIB 2 (grammar and meaning: spec/certificate.md, section 3).
//
// The released grammar matches tensors with those of the model by their order. Drafts of the standard also have ONNX
// names after the shape, which are read here too: then they decide, all or none. Where a text and a model do not fit
// together, guessing could verify another question, so shapes must be equal entry by entry.
#include "formats/vnnlib/network.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace axiom::vnnlib {
namespace {

constexpr int64_t kMaxEntries = 10'000'000;
constexpr int64_t kMaxIndex = INT32_MAX;
constexpr size_t kMaxRank = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_name(std::string_view word) {
  const auto in_name = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
  return !word.empty() && is_letter(word.front()) && std::all_of(word.begin(), word.end(), in_name) && word != "and" &&
         word != "or" && word != "initialized";
}

/// -?digits(.digits)?
bool is_number(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  const size_t point = std::min(word.find('.'), word.size());
  const auto digits = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
  };
  return digits(word.substr(0, point)) && (point == word.size() || digits(word.substr(point + 1)));
}

Result<std::string_view> read_name(Lexer& lexer, const std::string& wanted) {
  const Token token = lexer.next();
  if (token.kind == Token::Kind::kWord && is_name(token.text)) return token.text;
  return unexpected(token, wanted + " (a letter, then letters, digits and '_')");
}

Result<int64_t> read_index(Lexer& lexer) {
  const Token token = lexer.next();
  if (token.kind != Token::Kind::kWord || !std::all_of(token.text.begin(), token.text.end(), is_digit)) {
    return unexpected(token, "a number 0, 1, 2, ...");
  }
  int64_t value = 0;
  for (const char digit : token.text) {
    value = value * 10 + (digit - '0');
    if (value > kMaxIndex) return error_at(token.line, quoted(token.text) + " is too large");
  }
  return value;
}

/// What follows `[`.
Result<Shape> read_list(Lexer& lexer) {
  Shape list;
  for (;;) {
    const auto index = read_index(lexer);
    if (!index) return index.error();
    list.push_back(*index);
    const Token token = lexer.next();
    if (token.kind == Token::Kind::kCloseBracket) return list;
    if (token.kind != Token::Kind::kComma) return unexpected(token, "',' or ']'");
    if (list.size() == kMaxRank) return error_at(token.line, "more than 16 dimensions");
  }
}

Result<Shape> read_shape(Lexer& lexer) {
  const Token open = lexer.next();
  if (open.kind != Token::Kind::kOpenBracket) return unexpected(open, "a shape such as [1,5]");
  if (lexer.peek().kind == Token::Kind::kCloseBracket) {
    lexer.next();
    return Shape();
  }
  auto shape = read_list(lexer);
  if (shape && std::find(shape->begin(), shape->end(), 0) != shape->end()) {
    return error_at(open.line, "a dimension is 0; dimensions are at least 1");
  }
  return shape;
}

/// The bytes that a string with its quotes stands for.
std::string unescaped(std::string_view quoted_text) {
  std::string out;
  for (size_t i = 1; i + 1 < quoted_text.size(); ++i) {
    char c = quoted_text[i];
    if (c == '\\') {
      c = quoted_text[++i];
      if (c == 'n') c = '\n';
      if (c == 't') c = '\t';
    }
    out += c;
  }
  return out;
}

std::optional<int64_t> entries_of(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent > kMaxEntries / count) return std::nullopt;
    count *= extent;
  }
  return count;
}

std::string written(std::string_view name, const Shape& indices) {
  return quoted(std::string(name) + to_string(indices));
}

const char* what(bool is_output) { return is_output ? "output" : "input"; }

std::string names_of(const std::vector<Signature::Entry>& entries) {
  std::string names;
  for (const Signature::Entry& entry : entries) {
    if (names.size() > 200) return names + ", ...";
    names += (names.empty() ? "" : ", ") + quoted(entry.name);
  }
  return names;
}

Error refused_part(const Token& head) {
  if (head.text == "equal-to" || head.text == "isomorphic-to") {
    return error_at(head.line, quoted(head.text) +
                                   " is not supported: a property is about one network; join the networks into one "
                                   "ONNX model and declare that");
  }
  if (head.text == "declare-hidden") {
    return error_at(head.line,
                    "hidden nodes are not supported; make the node an output of the model and declare it with "
                    "declare-output");
  }
  if (head.text == "declare-input") {
    return error_at(head.line, "an input is declared after an output; declare all inputs first");
  }
  return unexpected(head, "declare-input or declare-output");
}

}  // namespace

Status read_version(Lexer& lexer) {
  const Token version = lexer.next();
  if (version.text != "<2.0>" && version.text != "<2.1>") {
    if (version.kind != Token::Kind::kWord) return unexpected(version, "a version such as <2.0>");
    return error_at(version.line, "version " + quoted(version.text) + " is not known; known are <2.0> and <2.1>");
  }
  const Token end = lexer.next();
  if (end.kind != Token::Kind::kClose) return unexpected(end, "')' after the version");
  return {};
}

Status Network::read(Lexer& lexer, int line) {
  if (auto name = read_name(lexer, "the name of the network"); !name) return name.error();
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == Token::Kind::kClose) return place(line);
    if (token.kind != Token::Kind::kOpen) return unexpected(token, "'(' or ')'");
    const Token head = lexer.next();
    const bool any_output = !tensors_.empty() && tensors_.back().is_output;
    Status done;
    if (head.text == "declare-output" && !tensors_.empty()) {
      done = declare(lexer, true, head.line);
    } else if (head.text == "declare-input" && !any_output) {
      done = declare(lexer, false, head.line);
    } else if (head.text == "declare-output") {
      done = error_at(head.line, "an output is declared before any input; declare the inputs first");
    } else {
      done = refused_part(head);
    }
    if (!done) return done;
  }
}

Status Network::declare(Lexer& lexer, bool is_output, int line) {
  const auto name = read_name(lexer, "the name of a tensor");
  if (!name) return name.error();
  const Token type = lexer.next();
  if (type.text != "float32" && type.text != "real" && type.text != "Real") {
    if (type.kind != Token::Kind::kWord) return unexpected(type, "an element type");
    return error_at(type.line, "the element type " + quoted(type.text) + " is not supported; write float32 or real");
  }
  if (tensors_.empty()) type_ = type.text;
  if (type.text != type_) {
    return error_at(type.line, "the element type " + quoted(type.text) + " after " + quoted(type_) +
                                   "; all tensors have the same one");
  }
  auto shape = read_shape(lexer);
  if (!shape) return shape.error();
  Tensor tensor{.name = *name, .shape = *std::move(shape), .is_output = is_output, .onnx_name = {}, .line = line};
  if (Status option = read_option(lexer, tensor); !option) return option;
  const Token end = lexer.next();
  if (end.kind != Token::Kind::kClose) return unexpected(end, "')' after the declaration");
  if (!by_name_.emplace(*name, tensors_.size()).second) return error_at(line, quoted(*name) + " is declared twice");
  uint32_t& count = counts_[is_output ? 1 : 0];
  const auto entries = entries_of(tensor.shape);
  if (!entries || *entries > kMaxEntries - count) {
    return error_at(line, std::string("the ") + what(is_output) + "s have more than 10,000,000 entries");
  }
  tensor.first = count;
  count += static_cast<uint32_t>(*entries);
  tensors_.push_back(std::move(tensor));
  return {};
}

Status Network::read_option(Lexer& lexer, Tensor& tensor) const {
  const Token token = lexer.peek();
  if (token.text == "initialized") {
    return error_at(token.line,
                    "'initialized' is not supported; leave the declaration out: an input with a default value is a "
                    "constant of the network");
  }
  if (token.kind != Token::Kind::kString) return {};
  lexer.next();
  if (model_ == nullptr) return error_at(token.line, "an ONNX name has no meaning without a model");
  tensor.is_named = true;
  tensor.onnx_name = unescaped(token.text);
  return {};
}

Status Network::place(int line) {
  for (const bool is_output : {false, true}) {
    const auto same = [is_output](const Tensor& tensor) { return tensor.is_output == is_output; };
    if (std::none_of(tensors_.begin(), tensors_.end(), same)) {
      return error_at(line, std::string("the network declares no ") + what(is_output));
    }
  }
  for (const Tensor& tensor : tensors_) {
    if (tensor.is_named == tensors_.front().is_named) continue;
    return error_at(tensor.line, "some tensors have an ONNX name and some have none; give all of them one, or none");
  }
  if (model_ == nullptr) return {};
  for (const bool is_output : {false, true}) {
    if (Status matched = match(is_output, line); !matched) return matched;
  }
  return {};
}

// Finds the tensors of the model, compares the shapes, and numbers the entries as the model does.
Status Network::match(bool is_output, int line) {
  const std::vector<Signature::Entry>& entries = is_output ? model_->outputs : model_->inputs;
  std::unordered_map<std::string_view, size_t> by_onnx_name;
  for (size_t i = 0; i < entries.size(); ++i) by_onnx_name.emplace(entries[i].name, i);
  std::vector<Tensor*> taken(entries.size(), nullptr);
  size_t declared = 0;
  for (Tensor& tensor : tensors_) {
    if (tensor.is_output != is_output) continue;
    size_t at = declared++;
    if (tensor.is_named) {
      const auto found = by_onnx_name.find(tensor.onnx_name);
      if (found == by_onnx_name.end()) {
        return error_at(tensor.line, "the model has no " + std::string(what(is_output)) + " " +
                                         quoted(tensor.onnx_name) + "; it has " + names_of(entries));
      }
      at = found->second;
      if (taken[at] != nullptr) {
        return error_at(tensor.line, "two tensors have the ONNX name " + quoted(tensor.onnx_name));
      }
    }
    if (at >= entries.size()) continue;  // Counted, and refused below.
    taken[at] = &tensor;
    if (tensor.shape != entries[at].shape) {
      return error_at(tensor.line, quoted(tensor.name) + " is declared " + to_string(tensor.shape) + ", but the " +
                                       what(is_output) + " " + quoted(entries[at].name) + " of the model is " +
                                       to_string(entries[at].shape) + "; declare that shape");
    }
  }
  if (declared != entries.size()) {
    return error_at(line, "the network declares " + std::to_string(declared) + " " + what(is_output) +
                              "s, the model has " + std::to_string(entries.size()) + " (" + names_of(entries) +
                              "); declare each of them");
  }
  uint32_t first = 0;
  for (Tensor* tensor : taken) {
    tensor->first = first;
    first += static_cast<uint32_t>(*entries_of(tensor->shape));
  }
  return {};
}

Result<Linear> Network::operand(const Token& token, Lexer& lexer) const {
  Linear result;
  if (const auto found = by_name_.find(token.text); found != by_name_.end()) {
    const Tensor& tensor = tensors_[found->second];
    const auto entry = entry_of(tensor, lexer, token.line);
    if (!entry) return entry.error();
    static const Decimal one = Decimal::exact(1.0);
    result.terms.push_back({.is_output = tensor.is_output, .index = *entry, .coefficient = one});
    return result;
  }
  if (is_name(token.text)) {
    return error_at(token.line, quoted(token.text) + " is not declared; declare the tensor in declare-network");
  }
  if (!is_number(token.text)) {
    return unexpected(token, "a number such as -0.25 (without exponent) or an entry such as X[0,1]");
  }
  auto number = Decimal::parse(token.text);
  if (!number) return error_at(token.line, number.error().message);
  result.constant = *std::move(number);
  return result;
}

// X or Y of the entry with the indices that follow the name.
Result<uint32_t> Network::entry_of(const Tensor& tensor, Lexer& lexer, int line) const {
  const bool indexed = lexer.peek().kind == Token::Kind::kOpenBracket;
  if (tensor.shape.empty()) {
    if (!indexed) return tensor.first;
    return error_at(line, quoted(tensor.name) + " has no dimensions; write it without indices");
  }
  const std::string wanted = std::to_string(tensor.shape.size()) + (tensor.shape.size() == 1 ? " index" : " indices");
  if (!indexed) {
    return error_at(line, quoted(tensor.name) + " is " + to_string(tensor.shape) + "; give " + wanted + " after it");
  }
  lexer.next();
  const auto indices = read_list(lexer);
  if (!indices) return indices.error();
  if (indices->size() != tensor.shape.size()) {
    return error_at(line,
                    written(tensor.name, *indices) + ": the tensor is " + to_string(tensor.shape) + "; give " + wanted);
  }
  int64_t entry = 0;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    if ((*indices)[axis] >= tensor.shape[axis]) {
      return error_at(
          line, written(tensor.name, *indices) + " is outside of the tensor, which is " + to_string(tensor.shape));
    }
    entry = entry * tensor.shape[axis] + (*indices)[axis];
  }
  return tensor.first + static_cast<uint32_t>(entry);
}

}  // namespace axiom::vnnlib
