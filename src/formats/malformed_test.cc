// Small files cut at every length, and with every byte replaced by every other, removed or doubled: each is read, or
// refused in one line, within bounded memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <functional>
#include <string>
#include <vector>

#include "formats/onnx/model_maker.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"

namespace axiom {
namespace {

constexpr int kFewestCases = 100'000;

long peak_megabytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

/// Calls `read` with every variant of every seed and returns how many there were.
int for_each_variant(const std::vector<std::string>& seeds, const std::function<void(const std::string&)>& read) {
  int cases = 0;
  for (const std::string& seed : seeds) {
    for (size_t length = 0; length < seed.size(); ++length, ++cases) read(seed.substr(0, length));
    for (size_t i = 0; i < seed.size(); ++i) {
      std::string variant = seed;
      for (int value = 0; value < 256; ++value, ++cases) {
        variant[i] = static_cast<char>(value);
        read(variant);
      }
      read(seed.substr(0, i) + seed.substr(i + 1));
      read(seed.substr(0, i + 1) + seed.substr(i));
      cases += 2;
    }
  }
  return cases;
}

void expect_one_line(const Error& error) {
  EXPECT_NE(error.kind, ErrorKind::kInternal) << error.message;
  EXPECT_FALSE(error.message.empty());
  EXPECT_LE(error.message.size(), 4000u);
  for (const char c : error.message) EXPECT_FALSE(c >= 0 && c < ' ') << error.message;
}

/// What every consumer of a graph relies on.
void expect_sound(const Graph& graph) {
  std::vector<bool> defined(graph.values.size(), false);
  for (size_t i = 0; i < graph.values.size(); ++i) defined[i] = graph.values[i].constant.has_value();
  for (const ValueId input : graph.inputs) defined[static_cast<size_t>(input)] = true;
  for (const Node& node : graph.nodes) {
    EXPECT_NE(node.op, nullptr);
    for (const ValueId input : node.inputs) EXPECT_TRUE(input == kNoValue || defined[static_cast<size_t>(input)]);
    for (const ValueId output : node.outputs) {
      if (output != kNoValue) defined[static_cast<size_t>(output)] = true;
    }
  }
  EXPECT_FALSE(graph.outputs.empty());
  for (const ValueId output : graph.outputs) EXPECT_TRUE(defined[static_cast<size_t>(output)]);
}

void expect_sound(const Property& property) {
  for (const Disjunct& disjunct : property.disjuncts) {
    EXPECT_EQ(disjunct.box.size(), property.input_count);
    for (const LinearConstraint& constraint : disjunct.constraints) {
      EXPECT_FALSE(constraint.terms.empty());
      for (const Term& term : constraint.terms) {
        EXPECT_LT(term.index, term.is_output ? property.output_count : property.input_count);
        EXPECT_FALSE(term.coefficient.is_zero());
      }
    }
  }
}

std::vector<std::string> onnx_seeds() {
  using namespace onnx;
  ModelMaker constants(13);
  constants.input("x", {0, 3}).output("y").output("x");
  constants.node("Add", {"x", "c"}, "h");
  TensorProto& tensor = *attribute(constants.node("Constant", {}, "c"), "value", AttributeProto::TENSOR).mutable_t();
  tensor.set_data_type(1);
  tensor.add_dims(3);
  for (const float value : {1.0f, -2.0f, 0.5f}) tensor.add_float_data(value);
  constants.initializer("shape", {2}, 7).add_int64_data(-1);
  constants.graph().mutable_initializer(0)->add_int64_data(3);
  constants.node("Reshape", {"h", "shape"}, "y").set_domain("ai.onnx");

  ModelMaker convolution(9);
  convolution.input("image", {1, 1, 3, 3}).weights("k", {1, 1, 2, 2}, {1, 2, 3, 4}).output("out");
  NodeProto& node = convolution.node("Conv", {"image", "k", ""}, "out");
  for (const char* name : {"pads", "strides", "dilations"}) {
    AttributeProto& list = attribute(node, name, AttributeProto::INTS);
    for (int i = 0; i < (name[0] == 'p' ? 4 : 2); ++i) list.add_ints(1);
  }
  attribute(node, "auto_pad", AttributeProto::STRING).set_s("NOTSET");

  ModelMaker external(20);
  external.input("x", {2}).output("y");
  external.node("LeakyRelu", {"x"}, "y");
  attribute(*external.graph().mutable_node(0), "alpha", AttributeProto::FLOAT).set_f(0.25f);
  TensorProto& weights = external.initializer("w", {2}, 6);
  weights.set_data_location(TensorProto::EXTERNAL);
  weights.add_external_data()->set_key("location");
  weights.mutable_external_data(0)->set_value("../w.bin");
  external.initializer("flags", {3}, 9).set_raw_data(std::string("\0\1\1", 3));
  return {small_network().bytes(), constants.bytes(), convolution.bytes(), external.bytes()};
}

std::vector<std::string> vnnlib_seeds() {
  const std::string head = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n";
  const std::string box = "(assert (>= X_0 -1))(assert (<= X_0 1.5))(assert (and (<= X_1 2e-1)(>= X_1 -0.25)))\n";
  return {head + box + "(assert (or (<= Y_0 1) (>= Y_0 2.5)))",
          head + box + "(assert (<= (+ Y_0 (* 2 X_0) (- 3)) (- X_1 0.5 Y_0))) ; end",
          head +
              "(assert (or (and (<= X_0 1)(>= X_0 0)(< X_1 1)(> X_1 0)) (and (<= X_0 3)(>= X_0 2)(<= X_1 1)"
              "(>= X_1 0)(>= Y_0 (* (+ 1 1) 4)))))",
          head + box + "(assert (or (and (<= Y_0 1)(<= 1 0)) (or (>= Y_0 9) (<= X_0 X_1))))\n(assert (or (<= Y_0 3)))"};
}

TEST(Malformed, OnnxFilesAreReadOrRefusedInOneLine) {
  for (const std::string& seed : onnx_seeds()) {
    const auto graph = parse_onnx(seed);
    EXPECT_TRUE(graph || graph.error().message.find("external") != std::string::npos) << graph.error().message;
  }
  const long before = peak_megabytes();
  const int cases = for_each_variant(onnx_seeds(), [](const std::string& bytes) {
    const auto graph = parse_onnx(bytes);
    graph ? expect_sound(*graph) : expect_one_line(graph.error());
  });
  EXPECT_GE(cases, kFewestCases);
  EXPECT_LT(peak_megabytes() - before, 512);
}

TEST(Malformed, VnnlibFilesAreReadOrRefusedInOneLine) {
  for (const std::string& seed : vnnlib_seeds()) {
    const auto property = parse_vnnlib(seed);
    EXPECT_TRUE(property) << property.error().message;
  }
  const long before = peak_megabytes();
  const int cases = for_each_variant(vnnlib_seeds(), [](const std::string& text) {
    const auto property = parse_vnnlib(text);
    property ? expect_sound(*property) : expect_one_line(property.error());
  });
  EXPECT_GE(cases, kFewestCases);
  EXPECT_LT(peak_megabytes() - before, 512);
}

}  // namespace
}  // namespace axiom
