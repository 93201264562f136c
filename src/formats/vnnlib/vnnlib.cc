// The commands of a property text. The first one tells the version; formulas are in formula.cc, declarations in
// variables.cc (version 1) and network.cc (version 2).
#include "formats/vnnlib/vnnlib.h"

#include "base/files.h"
#include "base/sha256.h"
#include "formats/vnnlib/formula.h"
#include "formats/vnnlib/lexer.h"
#include "formats/vnnlib/network.h"
#include "formats/vnnlib/variables.h"

namespace axiom {
namespace vnnlib {
namespace {

constexpr uint64_t kMaxText = 100'000'000;

Result<Property> parse_version_1(Lexer lexer) {
  Variables variables;
  Assertions assertions(lexer, Version::kOne, [&variables](const Token& token) { return variables.operand(token); });
  for (Token token = lexer.next(); token.kind != Token::Kind::kEnd; token = lexer.next()) {
    if (token.kind != Token::Kind::kOpen) return unexpected(token, "'('");
    const Token name = lexer.next();
    Status done;
    if (name.text == "declare-const") {
      done = variables.declare(lexer, token.line);
    } else if (name.text == "assert") {
      done = assertions.read(token.line);
    } else if (name.text == "declare-network") {
      done = error_at(token.line, "this is VNN-LIB 2; write (vnnlib-version <2.0>) first");
    } else if (name.text == "vnnlib-version") {
      done = error_at(token.line, "the version comes first");
    } else {
      done = unexpected(name, "declare-const or assert");
    }
    if (!done) return done.error();
  }
  if (auto checked = variables.check(); !checked) return checked.error();
  return assertions.expand(variables.inputs(), variables.outputs());
}

// Behind `(vnnlib-version`.
Result<Property> parse_version_2(Lexer lexer, const Signature* model) {
  lexer.begin_version_2();
  if (Status version = read_version(lexer); !version) return version.error();
  Network network(model);
  bool declared = false;
  Assertions assertions(lexer, Version::kTwo,
                        [&network, &lexer](const Token& token) { return network.operand(token, lexer); });
  for (Token token = lexer.next(); token.kind != Token::Kind::kEnd; token = lexer.next()) {
    if (token.kind != Token::Kind::kOpen) return unexpected(token, "'('");
    const Token name = lexer.next();
    Status done;
    if (name.text == "declare-network") {
      if (declared) {
        return error_at(token.line, "a second network: a property is about one; join the networks into one ONNX model");
      }
      done = network.read(lexer, token.line);
      declared = true;
    } else if (name.text == "assert" && declared) {
      done = assertions.read(token.line);
    } else if (name.text == "declare-const") {
      done = error_at(token.line, "'declare-const' is VNN-LIB 1; declare the tensors in declare-network");
    } else {
      done = unexpected(name, declared ? "assert" : "declare-network");
    }
    if (!done) return done.error();
  }
  if (!declared) return invalid_input("vnnlib: the property declares no network");
  return assertions.expand(network.inputs(), network.outputs());
}

Result<Property> parse(std::string_view text, const Signature* model) {
  if (text.size() > kMaxText) return invalid_input("vnnlib: the text is larger than 100 MB");
  Lexer lexer(text), ahead(text);
  const bool version_2 = ahead.next().kind == Token::Kind::kOpen && ahead.next().text == "vnnlib-version";
  auto property = version_2 ? parse_version_2(ahead, model) : parse_version_1(lexer);
  if (property) property->digest = sha256_hex(text);
  return property;
}

Signature signature_of(const Graph& model) {
  const auto entries = [&model](const std::vector<ValueId>& ids) {
    std::vector<Signature::Entry> out;
    for (const ValueId id : ids) {
      const Value& value = model.values[static_cast<size_t>(id)];
      AXIOM_CHECK(value.type.has_value());
      out.push_back({.name = value.name, .shape = value.type->shape});
    }
    return out;
  };
  return {.inputs = entries(model.inputs), .outputs = entries(model.outputs)};
}

}  // namespace
}  // namespace vnnlib

Result<Property> parse_vnnlib(std::string_view text) { return vnnlib::parse(text, nullptr); }

Result<Property> parse_vnnlib(std::string_view text, const Graph& model) {
  const vnnlib::Signature signature = vnnlib::signature_of(model);
  return vnnlib::parse(text, &signature);
}

Result<Property> read_vnnlib(const std::string& path, const Graph& model) {
  auto text = read_file(path, vnnlib::kMaxText);
  if (!text) return text.error();
  return parse_vnnlib(*text, model);
}

}  // namespace axiom
