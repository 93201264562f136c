// VNN-LIB 2: the network that a property declares, and the same meaning as version 1.
#include <string>

#include "error.h"
#include "property.h"
#include "tests/build.h"
#include "tests/test.h"

namespace {

using checker::Malformed;
using checker::Semantics;

// y = Relu(a), z = Relu("b\") for inputs a of shape [1,2] and "b\" of shape [].
checker::Program program() {
  return build::Model()
      .input("a", {1, 2})
      .input("\"b\\", {})
      .node("Relu", {"a"}, "y")
      .node("Relu", {"\"b\\"}, "z")
      .output("y")
      .output("z")
      .lower();
}

checker::Property read(const std::string& text) {
  return checker::read_property({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, Semantics::real,
                                program());
}

const std::string kVersion = "(vnnlib-version <2.0>)\n";
const std::string kInputs = "(declare-input P float32 [1,2]) (declare-input Q float32 [])\n";
const std::string kNetwork =
    kVersion + "(declare-network N " + kInputs + "(declare-output Y float32 [1,2]) (declare-output Z float32 []))\n";
const std::string kBox = "(assert (and (>= P[0,0] -1) (<= P[0,0] 1) (>= P[0,1] -2) (<= P[0,1] 2) (== Q 3.5)))\n";

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Malformed& error) {
    return error.what();
  }
  return "";
}

// What a version 1 text, whose names are X_i and Y_i, means.
std::string shown(const checker::Property& property) {
  std::string out = checker::text(property.inputs, " X ", property.outputs, " Y");
  for (const checker::Disjunct& disjunct : property.disjuncts) {
    out += "\n";
    for (size_t j = 0; j < disjunct.lo.size(); ++j)
      out += checker::text("[", disjunct.lo[j], " ", disjunct.hi[j], "] ");
    for (const uint32_t c : disjunct.constraints) {
      for (const auto& term : property.constraints[c].terms) {
        out += checker::text(term.t, term.is_output ? " Y_" : " X_", term.index, " + ");
      }
      out += checker::text("... <= ", property.constraints[c].r, "; ");
    }
  }
  return out;
}

std::string shown(const std::string& text) { return shown(read(text)); }

std::string version_1(const std::string& formula) {
  std::string text;
  for (const char* name : {"X_0", "X_1", "X_2", "Y_0", "Y_1", "Y_2"}) {
    text += checker::text("(declare-const ", name, " Real)");
  }
  return text + "(assert (and (>= X_0 -1) (<= X_0 1) (>= X_1 -2) (<= X_1 2) (<= X_2 3.5) (>= X_2 3.5)))(assert " +
         formula + ")";
}

}  // namespace

void network_tests() {
  test("entries of tensors are the X and Y of version 1, row-major and one tensor after the other", [] {
    EXPECT(shown(kNetwork + kBox + "(assert (<= (+ Y[0,1] (* 2.5 P [ 0 , 01 ])) (- Z Q)))") ==
           shown(version_1("(<= (+ Y_1 (* 2.5 X_1)) (- Y_2 X_2))")));
    EXPECT(shown(kNetwork + kBox + "(assert (or (< Y[0,0] Z) (> Z 1.0)))") ==
           shown(version_1("(or (< Y_0 Y_2) (> Y_2 1.0))")));
  });
  test("== is both inequalities and != either of them", [] {
    EXPECT(shown(kNetwork + kBox + "(assert (== Z Y[0,0]))") == shown(version_1("(and (<= Y_2 Y_0) (>= Y_2 Y_0))")));
    EXPECT(shown(kNetwork + kBox + "(assert (!= Z Y[0,0]))") == shown(version_1("(or (<= Y_2 Y_0) (>= Y_2 Y_0))")));
    EXPECT(shown(kNetwork + kBox + "(assert (!= 1 1))") == shown(version_1("(or (<= 1 1) (<= 1 1))")));
    EXPECT(shown(kNetwork + kBox + "(assert (== 1 2))") == shown(version_1("(<= 2 1)")));
    EXPECT(!error_of(version_1("(== Y_0 Y_1)")).empty());
    EXPECT(!error_of(version_1("(!= Y_0 Y_1)")).empty());
  });
  test("ONNX names say which tensor of the model is declared, whatever the order", [] {
    const std::string text =
        kVersion +
        "(declare-network N (declare-input Q real [] \"\\\"b\\\\\") (declare-input P real [1,2] \"a\")"
        "(declare-output Z real [] \"z\") (declare-output Y real [1,2] \"y\"))\n" +
        kBox + "(assert (<= (+ Y[0,1] (* 2.5 P[0,1])) (- Z Q)))";
    EXPECT(shown(text) == shown(version_1("(<= (+ Y_1 (* 2.5 X_1)) (- Y_2 X_2))")));
  });
  test("tensors that are not those of the model are refused, with both shapes", [] {
    const auto inputs = [](const std::string& declared) {
      return error_of(kVersion + "(declare-network N " + declared +
                      "(declare-output Y float32 [1,2]) (declare-output Z float32 []))");
    };
    EXPECT(inputs("(declare-input P float32 [2]) (declare-input Q float32 [])") ==
           "property: line 2: P of line 2 is declared [2], input 'a' is [1,2]");
    EXPECT(inputs("(declare-input P float32 [1,2])") == "property: line 2: 1 inputs instead of 2");
    EXPECT(!inputs("(declare-input Q float32 []) (declare-input P float32 [1,2])").empty());
    EXPECT(
        !inputs("(declare-input P float32 [1,2]) (declare-input Q float32 []) (declare-input R float32 [])").empty());
    EXPECT(!inputs("(declare-input P float32 [1,2] \"a\") (declare-input Q float32 [])").empty());
    EXPECT(!inputs("(declare-input P float32 [1,2] \"a\") (declare-input Q float32 [] \"b\")").empty());
    EXPECT(!inputs(kInputs + "(declare-input P float32 [1,2])").empty());
    EXPECT(!inputs("").empty());
    const std::string twice = "(declare-input P float32 [1,2] \"a\") (declare-input R float32 [1,2] \"a\")";
    EXPECT(error_of(kVersion + "(declare-network N " + twice + "(declare-output Y float32 [1,2] \"y\")" +
                    "(declare-output Z float32 [] \"z\"))") ==
           "property: line 2: R of line 2 has the ONNX name of another tensor");
    EXPECT(!error_of(kVersion + "(declare-network N " + kInputs + "(declare-output Y float32 [1,2]))").empty());
    EXPECT(!error_of(kVersion + "(declare-network N " + kInputs + ")").empty());
  });
  test("what version 2 has not, and what is not supported of it, is malformed", [] {
    EXPECT(error_of(kNetwork + kBox).empty());
    for (const char* tail : {"(declare-network M (declare-input A float32 [1]) (declare-output B float32 [1]))",
                             "(declare-const X_0 Real)",
                             "(assert (<= Y[0] 1))",
                             "(assert (<= Y[0,2] 1))",
                             "(assert (<= Y[1,0] 1))",
                             "(assert (<= Y 1))",
                             "(assert (<= Y[] 1))",
                             "(assert (<= Z[] 1))",
                             "(assert (<= Z[0] 1))",
                             "(assert (<= Y[0,0,0] 1))",
                             "(assert (<= Y[0,-1] 1))",
                             "(assert (<= Y[0,0 1))",
                             "(assert (<= Y[0,4294967297] 1))",
                             "(assert (<= Y_0 1))",
                             "(assert (<= Z 1e-3))",
                             "(assert (<= Z .5))",
                             "(assert (<= Z 5.))",
                             "(assert (<= Z +5))",
                             "(assert (<= Z -))",
                             "(assert (<= Z \"1\"))",
                             "(assert (= Z 1))",
                             "(assert (<=Z 1))",
                             "(assert (== Z 1 2))",
                             "(assert (!= Z))",
                             "(assert (<= N 1))",
                             "(assert (<= X_0 1))",
                             "[",
                             "\"",
                             "(vnnlib-version <2.0>)",
                             "(assert (<= Z 1)"}) {
      EXPECT_NOTE(!error_of(kNetwork + kBox + tail).empty(), tail);
    }
    const auto network = [](const std::string& first) {
      return error_of(kVersion + "(declare-network N " + first + " (declare-input Q float32 [])" +
                      "(declare-output Y float32 [1,2]) (declare-output Z float32 []))" + kBox);
    };
    EXPECT(network("(declare-input P float32 [1,2])").empty());
    for (const char* first :
         {"(declare-input P float64 [1,2])", "(declare-input P real [1,2])",
          "(declare-input P float32 [1,2] initialized)",
          "(declare-input P float32 [1,2]) (declare-hidden H float32 [1,2] \"y\")", "(equal-to M)", "(isomorphic-to M)",
          "(declare-input and float32 [1,2])", "(declare-input 1P float32 [1,2])", "(declare-input P-1 float32 [1,2])",
          "(declare-input P float32 [1,2] \"a\" \"a\")", "(declare-input P float32 1,2)",
          "(declare-input P float32 [1,2,])", "(declare-input P float32 [0,1,2])", "(declare-input P float32 [[1,2]])",
          "(declare-input P float32 [1,2] \"\\a\")", "(declare-input P float32 [1,2] \"a\n\")",
          "(declare-input P float32 [1,2] \"a)", "(declare-output P float32 [1,2])",
          "(declare-input Q float32 [1,2])"}) {
      EXPECT_NOTE(!network(first).empty(), first);
    }
    for (const char* version : {"(vnnlib-version <1.0>)", "(vnnlib-version <2.2>)", "(vnnlib-version 2.0)",
                                "(vnnlib-version <2.0> <2.0>)", ""}) {
      EXPECT_NOTE(!error_of(version + kNetwork.substr(kVersion.size()) + kBox).empty(), version);
    }
    EXPECT(error_of("; which\n( vnnlib-version <2.1> )" + kNetwork.substr(kVersion.size()) + kBox).empty());
  });
}
