// VNN-LIB 2: the network, its tensors and their match with a model, and the same meaning as version 1.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "base/files.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"

namespace axiom {
namespace {

namespace fs = std::filesystem;

const std::string kVersion = "(vnnlib-version <2.0>)\n";
const std::string kNetwork =
    kVersion + "(declare-network N\n  (declare-input X float32 [1,2])\n  (declare-output Y float32 [2]))\n";
const std::string kBox =
    "(assert (>= X[0,0] -1)) (assert (<= X[0,0] 1.5)) (assert (>= X[0,1] 0)) (assert (<= X[0,1] 0.25))\n";

Graph model(const std::vector<std::pair<std::string, Shape>>& inputs,
            const std::vector<std::pair<std::string, Shape>>& outputs) {
  Graph graph;
  const auto add = [&graph](const std::string& name, const Shape& shape) {
    graph.values.push_back({.name = name, .type = TensorType{DType::kFloat32, shape}, .constant = {}});
    return static_cast<ValueId>(graph.values.size() - 1);
  };
  for (const auto& [name, shape] : inputs) graph.inputs.push_back(add(name, shape));
  for (const auto& [name, shape] : outputs) graph.outputs.push_back(add(name, shape));
  return graph;
}

Property parsed(const std::string& text) {
  auto property = parse_vnnlib(text);
  EXPECT_TRUE(property) << (property ? "" : property.error().message);
  return property ? *std::move(property) : Property();
}

std::string error_of(const Result<Property>& property) { return property ? "no error" : property.error().message; }

std::string text_of(const Property& property) {
  std::string text = std::to_string(property.input_count) + " X, " + std::to_string(property.output_count) + " Y";
  for (const Disjunct& disjunct : property.disjuncts) {
    text += "\n";
    for (const Interval& side : disjunct.box) {
      text += "[" + side.lower.to_string() + ", " + side.upper.to_string() + "] ";
    }
    for (const LinearConstraint& constraint : disjunct.constraints) {
      text += "(";
      for (const Term& term : constraint.terms) {
        text += term.coefficient.to_string() + (term.is_output ? " Y_" : " X_") + std::to_string(term.index) + " + ";
      }
      text += "... <= " + constraint.bound.to_string() + ") ";
    }
  }
  return text;
}

// ---- A translator from version 1, for tests: the declarations become a network, X_5 an entry, 1e-3 becomes 0.001.

std::string entry(const std::string& name, const Shape& shape, int64_t index) {
  std::string indices;
  for (size_t axis = shape.size(); axis-- > 0; index /= shape[axis]) {
    indices = std::to_string(index % shape[axis]) + (indices.empty() ? "" : ",") + indices;
  }
  return shape.empty() ? name : name + "[" + indices + "]";
}

std::string without_exponent(const std::string& word) {
  const size_t e = word.find_first_of("eE");
  std::string digits = word.substr(0, e), sign;
  if (digits.front() == '-' || digits.front() == '+') {
    if (digits.front() == '-') sign = "-";
    digits.erase(0, 1);
  }
  const size_t point = std::min(digits.find('.'), digits.size());
  int64_t scale = static_cast<int64_t>(point);
  if (e != std::string::npos) scale += std::atoll(word.c_str() + e + 1);
  if (point < digits.size()) digits.erase(point, 1);
  while (scale <= 0) digits.insert(0, "0"), ++scale;
  while (static_cast<int64_t>(digits.size()) < scale) digits += "0";
  digits.insert(static_cast<size_t>(scale), ".");
  if (digits.back() == '.') digits.pop_back();
  return sign + digits;
}

std::string in_version_2(const std::string& text, const Shape& input, const Shape& output) {
  std::string out = kVersion + "(declare-network N (declare-input X float32 " + to_string(input) +
                    ") (declare-output Y float32 " + to_string(output) + "))\n";
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 14, "(declare-const") == 0) {
      i = text.find(')', i) + 1;
      continue;
    }
    size_t end = i;
    while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])) == 0 &&
           std::string("();").find(text[end]) == std::string::npos) {
      ++end;
    }
    if (text[i] == ';') end = std::min(text.find('\n', i), text.size());
    if (end == i) ++end;
    const std::string word = text.substr(i, end - i);
    const bool number = std::isdigit(static_cast<unsigned char>(word.back())) != 0 && word[0] != ';';
    if (number && (word[0] == 'X' || word[0] == 'Y')) {
      out += entry(word.substr(0, 1), word[0] == 'X' ? input : output, std::atoll(word.c_str() + 2));
    } else {
      out += number ? without_exponent(word) : word;
    }
    i = end;
  }
  return out;
}

void expect_same_meaning(const std::string& text, const Shape& input, const Shape& output, const std::string& place) {
  const std::string translated = in_version_2(text, input, output);
  EXPECT_EQ(text_of(parsed(translated)), text_of(parsed(text))) << place;
}

// ----

TEST(Network, NumbersEntriesRowMajor) {
  const Property property =
      parsed(kVersion +
             "(declare-network N (declare-input A real [2,2]) (declare-input b real [])\n"
             "  (declare-output Y real [2,1,3]) (declare-output Z real []))\n"
             "(assert (and (== A[0,0] 1.0) (== A[0,1] 2.0) (== A[1,0] 3.0) (== A [ 1 , 1 ] 4.0) (== b 5.0)))\n"
             "(assert (<= (+ Y[1,0,2] (* 2 Y[0,0,1]) A[1,1]) (- Z b)))");
  EXPECT_EQ(text_of(property),
            "5 X, 7 Y\n[1, 1] [2, 2] [3, 3] [4, 4] [5, 5] (1 X_3 + 1 X_4 + 2 Y_1 + 1 Y_5 + -1 Y_6 + ... <= 0) ");
}

TEST(Network, TakesEqualityApartAndClosesInequality) {
  const auto constraints = [](const std::string& formula) {
    return text_of(parsed(kNetwork + kBox + "(assert " + formula + ")"));
  };
  EXPECT_EQ(constraints("(== Y[0] (+ Y[1] 0.5))"), constraints("(and (<= Y[0] (+ Y[1] 0.5)) (>= Y[0] (+ Y[1] 0.5)))"));
  EXPECT_EQ(constraints("(!= Y[0] Y[1])"), constraints("(or (<= Y[0] Y[1]) (>= Y[0] Y[1]))"));
  EXPECT_EQ(constraints("(!= 1 1)"), constraints("(or (<= 1 1) (<= 1 1))"));
  EXPECT_EQ(constraints("(== 1 2)"), "2 X, 2 Y");
}

TEST(Network, IsMatchedWithTheModelInOrder) {
  const Graph two = model({{"a", {1, 2}}, {"b", {}}}, {{"y", {1}}});
  const auto text = [](const std::string& tensors) {
    return kVersion + "(declare-network N\n" + tensors + ")\n(assert (and (>= p[0,0] 0) (<= p[0,0] 1)))" +
           "(assert (and (>= p[0,1] 2) (<= p[0,1] 3)))(assert (== q 4))(assert (<= r[0] q))";
  };
  const std::string in_order = "(declare-input p float32 [1,2])\n(declare-input q float32 [])\n";
  const std::string output = "(declare-output r float32 [1])";
  const auto property = parse_vnnlib(text(in_order + output), two);
  ASSERT_TRUE(property) << property.error().message;
  EXPECT_EQ(text_of(*property), "3 X, 1 Y\n[0, 1] [2, 3] [4, 4] (-1 X_2 + 1 Y_0 + ... <= 0) ");
  EXPECT_EQ(error_of(parse_vnnlib(text("(declare-input q float32 [])\n(declare-input p float32 [1,2])" + output), two)),
            "vnnlib: line 3: 'q' is declared [], but the input 'a' of the model is [1, 2]; declare that shape");
  const Graph one = model({{"a", {1, 2}}}, {{"y", {1}}});
  EXPECT_EQ(error_of(parse_vnnlib(text(in_order + output), one)),
            "vnnlib: line 2: the network declares 2 inputs, the model has 1 ('a'); declare each of them");
  const Graph flat = model({{"a", {2}}, {"b", {}}}, {{"y", {1}}});
  EXPECT_EQ(error_of(parse_vnnlib(text(in_order + output), flat)),
            "vnnlib: line 3: 'p' is declared [1, 2], but the input 'a' of the model is [2]; declare that shape");
  const Graph outputs = model({{"a", {1, 2}}, {"b", {}}}, {{"y", {1}}, {"z", {3}}});
  EXPECT_EQ(error_of(parse_vnnlib(text(in_order + output), outputs)),
            "vnnlib: line 2: the network declares 1 outputs, the model has 2 ('y', 'z'); declare each of them");
}

TEST(Network, IsMatchedWithTheModelByOnnxNames) {
  const Graph two = model({{"a", {1, 2}}, {"say \"b\"\\", {}}}, {{"y", {1}}});
  const auto property = [&two](const std::string& q, const std::string& p, const std::string& r) {
    return parse_vnnlib(
        kVersion + "(declare-network N (declare-input q float32 [] " + q + ")\n(declare-input p float32 [1,2] " + p +
            ")\n(declare-output r float32 [1]" + r + "))\n" +
            "(assert (and (>= p[0,0] 0) (<= p[0,0] 1) (>= p[0,1] 2) (<= p[0,1] 3) (== q 4) (<= r[0] q)))",
        two);
  };
  const std::string b = R"("say \"b\"\\")", a = "\"a\"", y = "\"y\"";
  ASSERT_TRUE(property(b, a, y)) << error_of(property(b, a, y));
  EXPECT_EQ(text_of(*property(b, a, y)), "3 X, 1 Y\n[0, 1] [2, 3] [4, 4] (-1 X_2 + 1 Y_0 + ... <= 0) ");
  EXPECT_EQ(error_of(property(b, a, "")),
            "vnnlib: line 4: some tensors have an ONNX name and some have none; give all of them one, or none");
  EXPECT_EQ(error_of(property("\"c\"", a, y)), "vnnlib: line 2: the model has no input 'c'; it has 'a', 'say \"b\"\\'");
  EXPECT_EQ(error_of(property(b, b, y)), "vnnlib: line 3: two tensors have the ONNX name 'say \"b\"\\'");
  EXPECT_EQ(error_of(property("\"a", a, y)), "vnnlib: line 2: found '\"' where ')' after the declaration is expected");
  EXPECT_EQ(error_of(parse_vnnlib(kVersion + "(declare-network N (declare-input X float32 [1] \"x\"))")),
            "vnnlib: line 2: an ONNX name has no meaning without a model");
}

TEST(Network, RefusesWhatIsNotSupportedWithTheRemedy) {
  const auto network = [](const std::string& parts) {
    return error_of(parse_vnnlib(kVersion + "(declare-network N " + parts + ")"));
  };
  EXPECT_EQ(network("(equal-to M)"),
            "vnnlib: line 2: 'equal-to' is not supported: a property is about one network; join the networks into one "
            "ONNX model and declare that");
  EXPECT_EQ(network("(declare-input X float32 [1]) (declare-hidden Z float32 [1] \"z\")"),
            "vnnlib: line 2: hidden nodes are not supported; make the node an output of the model and declare it with "
            "declare-output");
  EXPECT_EQ(network("(declare-input X float64 [1])"),
            "vnnlib: line 2: the element type 'float64' is not supported; write float32 or real");
  EXPECT_EQ(network("(declare-input X float32 [1]) (declare-output Y real [1])"),
            "vnnlib: line 2: the element type 'real' after 'float32'; all tensors have the same one");
  EXPECT_NE(network("(declare-input X float32 [1] initialized)").find("'initialized' is not supported"),
            std::string::npos);
  EXPECT_EQ(network("(declare-output Y float32 [1])"),
            "vnnlib: line 2: an output is declared before any input; declare the inputs first");
  EXPECT_EQ(network("(declare-input X float32 [1]) (declare-output Y float32 [1]) (declare-input Z float32 [1])"),
            "vnnlib: line 2: an input is declared after an output; declare all inputs first");
  EXPECT_EQ(network("(declare-input X float32 [1])"), "vnnlib: line 2: the network declares no output");
  EXPECT_EQ(network("(declare-input X float32 [1]) (declare-output X float32 [1])"),
            "vnnlib: line 2: 'X' is declared twice");
  EXPECT_EQ(network("(declare-input X float32 [1,0])"), "vnnlib: line 2: a dimension is 0; dimensions are at least 1");
  EXPECT_EQ(error_of(parse_vnnlib(kNetwork + "(declare-network M (declare-input A float32 [1]))")),
            "vnnlib: line 5: a second network: a property is about one; join the networks into one ONNX model");
  EXPECT_EQ(error_of(parse_vnnlib("(vnnlib-version <3.0>)")),
            "vnnlib: line 1: version '<3.0>' is not known; known are <2.0> and <2.1>");
  EXPECT_EQ(error_of(parse_vnnlib(kNetwork.substr(kVersion.size()))),
            "vnnlib: line 1: this is VNN-LIB 2; write (vnnlib-version <2.0>) first");
  EXPECT_EQ(error_of(parse_vnnlib(kVersion + "(declare-const X_0 Real)")),
            "vnnlib: line 2: 'declare-const' is VNN-LIB 1; declare the tensors in declare-network");
  EXPECT_EQ(error_of(parse_vnnlib(kVersion)), "vnnlib: the property declares no network");
}

TEST(Network, NamesThePlaceOfAWrongEntry) {
  const auto assertion = [](const std::string& formula) {
    return error_of(parse_vnnlib(kNetwork + kBox + "(assert " + formula + ")"));
  };
  EXPECT_EQ(assertion("(<= X[0] 1)"), "vnnlib: line 6: 'X[0]': the tensor is [1, 2]; give 2 indices");
  EXPECT_EQ(assertion("(<= X 1)"), "vnnlib: line 6: 'X' is [1, 2]; give 2 indices after it");
  EXPECT_EQ(assertion("(<= X[1,0] 1)"), "vnnlib: line 6: 'X[1, 0]' is outside of the tensor, which is [1, 2]");
  EXPECT_EQ(assertion("(<= Z[0] 1)"), "vnnlib: line 6: 'Z' is not declared; declare the tensor in declare-network");
  EXPECT_EQ(
      assertion("(<= Y[0] 1e-3)"),
      "vnnlib: line 6: found '1e-3' where a number such as -0.25 (without exponent) or an entry such as X[0,1] is "
      "expected");
  EXPECT_EQ(assertion("(= Y[0] 1)"), "vnnlib: line 6: '=' is not supported; write ==");
  EXPECT_EQ(error_of(parse_vnnlib(kVersion + "(declare-network N (declare-input X float32 [1]) "
                                             "(declare-output Y float32 []))(assert (<= Y[0] 1))")),
            "vnnlib: line 2: 'Y' has no dimensions; write it without indices");
}

TEST(Network, RefusesWhatTheGrammarDoesNotHave) {
  for (const char* tail : {"(assert)",
                           "(assert (<= Y[0] 1 2))",
                           "(assert (== Y[0]))",
                           "(assert (!= Y[0] 1 2))",
                           "(assert (<= Y[] 1))",
                           "(assert (<= Y[0 1))",
                           "(assert (<= Y[0,] 1))",
                           "(assert (<= Y[-1] 1))",
                           "(assert (<= Y[+0] 1))",
                           "(assert (<= Y[99999999999] 1))",
                           "(assert (<= Y_0 1))",
                           "(assert (<= Y[0] +1))",
                           "(assert (<= Y[0] .5))",
                           "(assert (<= Y[0] 5.))",
                           "(assert (<= Y[0] 0x1))",
                           "(assert (<= Y[0] --1))",
                           "(assert (<= Y[0] \"1\"))",
                           "(assert (<= Y[0] 1) [0])",
                           "(assert [<= Y[0] 1])",
                           "(assert (<=Y[0] 1))",
                           "(assert (<= Y[0] 1)",
                           "[]",
                           ",",
                           "\"",
                           "(vnnlib-version <2.0>)",
                           "(assert (and))",
                           "(assert (<= Y[0] N))"}) {
    EXPECT_FALSE(parse_vnnlib(kNetwork + kBox + tail)) << tail;
  }
  EXPECT_TRUE(parse_vnnlib(kNetwork + kBox + "( assert ( <= Y[ 00 ]1 ) )"));
  for (const char* tensor : {"X float32", "X float32 1,5", "X [1]", "1X float32 [1]", "X-1 float32 [1]",
                             "and float32 [1]", "X float32 [1] [2]", "X float32 [1] \"\\x\"", "X float32 [1] \"a\nb\"",
                             "X float32 [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "X float32 [10000001]",
                             "X float32 [100000,100000]", "X float32 [2147483648]"}) {
    const std::string text =
        kVersion + "(declare-network N (declare-input " + tensor + ") (declare-output Y float32 [1]))";
    EXPECT_FALSE(parse_vnnlib(text)) << tensor;
  }
}

TEST(Network, BoundsTheMemoryOfHostileDeclarations) {
  const std::string text = kVersion + "(declare-network N (declare-input X float32 [5000,2000]) " +
                           "(declare-input Z float32 [1])(declare-output Y float32 [1]))";
  EXPECT_EQ(error_of(parse_vnnlib(text)), "vnnlib: line 2: the inputs have more than 10,000,000 entries");
}

TEST(Network, MeansTheSameAsVersion1) {
  const std::string head =
      "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)\n(declare-const Y_1 Real)";
  const std::string box =
      "(assert (>= X_0 -1e-3)) (assert (<= X_0 2.5E+1)) ; 1e-3 and X_0\n(assert (<= 0 X_1 ))(assert (<= X_1 1.0))";
  for (const char* formula : {"(<= Y_0 Y_1)", "(or (<= (+ Y_0 (* 2e2 Y_1)) 0.5) (and (>= Y_1 1) (< X_0 1e0)))",
                              "(> (- Y_0 X_1 +3) (- Y_1))"}) {
    expect_same_meaning(head + box + "(assert " + formula + ")", {2}, {1, 2, 1}, formula);
  }
}

/// Translates every property of a folder of models and properties; where the folder says which model, with its shapes.
int compare_folder(const fs::path& properties, const Shape& input, const Shape& output) {
  int count = 0;
  for (const auto& file : fs::directory_iterator(properties)) {
    const std::string path = file.path().string();
    if (path.find(".vnnlib") == std::string::npos) continue;
    const auto text = read_file(path);
    EXPECT_TRUE(text) << path;
    const auto property = parse_vnnlib(*text);
    EXPECT_TRUE(property) << path;
    const auto count_of = [](const Shape& shape, uint32_t entries) {
      return shape.empty() ? Shape{1, static_cast<int64_t>(entries)} : shape;
    };
    if (!text || !property || property->input_count > 1000 || text->size() > 500'000) continue;
    expect_same_meaning(*text, count_of(input, property->input_count), count_of(output, property->output_count), path);
    ++count;
  }
  return count;
}

TEST(Network, MeansTheSameAsVersion1InTheExamplesAndBenchmarks) {
  EXPECT_GT(compare_folder(fs::path(AXIOM_SOURCE_DIR) / "examples" / "hello", {}, {}), 0);
  EXPECT_GT(compare_folder(fs::path(AXIOM_SOURCE_DIR) / "examples" / "collision_avoidance", {}, {}), 0);
  const char* named = std::getenv("AXIOM_BENCHMARKS");
  const fs::path benchmarks =
      named != nullptr ? fs::path(named) : fs::path(AXIOM_SOURCE_DIR) / ".." / "shared" / "benchmarks";
  if (!fs::is_directory(benchmarks)) return;
  for (const auto& family : fs::directory_iterator(benchmarks)) {
    if (fs::is_directory(family.path() / "vnnlib")) compare_folder(family.path() / "vnnlib", {}, {});
  }
}

TEST(Network, IsReadWithTheModelOfAFile) {
  const fs::path hello = fs::path(AXIOM_SOURCE_DIR) / "examples" / "hello";
  auto graph = read_onnx((hello / "distance.onnx").string());
  ASSERT_TRUE(graph);
  ASSERT_TRUE(infer_shapes(*graph));
  const auto shape = [&graph](ValueId id) { return graph->values[static_cast<size_t>(id)].type->shape; };
  const std::string text =
      "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)"
      "(assert (and (>= X_0 0.45) (<= X_0 0.55) (>= X_1 0.15) (<= X_1 0.25)))(assert (<= Y_0 0.19))";
  const std::string translated = in_version_2(text, shape(graph->inputs[0]), shape(graph->outputs[0]));
  const auto property = parse_vnnlib(translated, *graph);
  ASSERT_TRUE(property) << property.error().message;
  EXPECT_EQ(text_of(*property), text_of(parsed(text)));
  EXPECT_FALSE(parse_vnnlib(in_version_2(text, {2}, {1, 1, 1}), *graph));
}

}  // namespace
}  // namespace axiom
