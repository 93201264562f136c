#include "formats/vnnlib/vnnlib.h"

#include <gtest/gtest.h>

#include <string>

#include "base/sha256.h"

namespace axiom {
namespace {

const std::string kHead =
    "; two inputs, two outputs\n"
    "(declare-const X_0 Real)\n(declare-const X_1 Real)\n"
    "(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n";
const std::string kBox = "(assert (>= X_0 -1)) (assert (<= X_0 1.5)) (assert (>= X_1 0)) (assert (<= X_1 0.25))\n";

Property parsed(const std::string& text) {
  auto property = parse_vnnlib(text);
  EXPECT_TRUE(property) << (property ? "" : property.error().message);
  return property ? *std::move(property) : Property();
}

std::string error_of(const std::string& text) {
  const auto property = parse_vnnlib(text);
  return property ? "no error" : property.error().message;
}

std::string text_of(const LinearConstraint& constraint) {
  std::string text;
  for (const Term& term : constraint.terms) {
    text += term.coefficient.to_string() + (term.is_output ? " Y_" : " X_") + std::to_string(term.index) + " + ";
  }
  return text + "... <= " + constraint.bound.to_string();
}

std::string text_of(const Disjunct& disjunct) {
  std::string text;
  for (const Interval& interval : disjunct.box) {
    text += "[" + interval.lower.to_string() + ", " + interval.upper.to_string() + "] ";
  }
  for (const LinearConstraint& constraint : disjunct.constraints) text += "(" + text_of(constraint) + ") ";
  return text;
}

TEST(Vnnlib, ReadsABoxAndAConstraint) {
  const std::string text = kHead + kBox + "(assert (<= Y_0 Y_1))";
  const Property property = parsed(text);
  EXPECT_EQ(property.input_count, 2u);
  EXPECT_EQ(property.output_count, 2u);
  ASSERT_EQ(property.disjuncts.size(), 1u);
  EXPECT_EQ(text_of(property.disjuncts[0]), "[-1, 1.5] [0, 0.25] (1 Y_0 + -1 Y_1 + ... <= 0) ");
  EXPECT_EQ(property.disjuncts[0].constraints[0].line, 7);
  EXPECT_EQ(property.digest, sha256_hex(text));
}

TEST(Vnnlib, EndsCommentsAtLineBreaksOnly) {
  const auto text = [](const std::string& end) {
    return kHead + kBox + "(assert (or ; two cases" + end + "(and (<= Y_0 1))\n(and (<= Y_1 1))))";
  };
  EXPECT_EQ(parsed(text("\n")).disjuncts.size(), 2u);
  EXPECT_EQ(parsed(text("\t\r\n")).disjuncts.size(), 2u);
  for (const char* end : {"\r", "\v", "\f", "\x1e", "\r\r\n"}) {
    EXPECT_NE(error_of(text(end)).find("line 7"), std::string::npos) << error_of(text(end));
  }
}

TEST(Vnnlib, KeepsTheTightestEndsOfABox) {
  const Property property =
      parsed(kHead + kBox + "(assert (and (<= X_0 1.50) (<= X_0 3) (>= X_0 -0.5) (<= 0.125 X_1)))");
  EXPECT_EQ(text_of(property.disjuncts.at(0)), "[-0.5, 1.5] [0.125, 0.25] ");
}

TEST(Vnnlib, MultipliesAlternativesOutWithTheFirstMostSignificant) {
  const Property property = parsed(kHead + kBox +
                                   "(assert (or (<= Y_0 1) (<= Y_0 2)))\n(assert (<= Y_1 9))\n"
                                   "(assert (or (<= Y_0 3) (and (<= Y_0 4) (or (<= Y_0 5) (<= Y_0 6)))))");
  std::vector<std::string> bounds;
  for (const Disjunct& disjunct : property.disjuncts) {
    std::string text;
    for (const LinearConstraint& constraint : disjunct.constraints) text += constraint.bound.to_string();
    bounds.push_back(text);
  }
  EXPECT_EQ(bounds, (std::vector<std::string>{"193", "1945", "1946", "293", "2945", "2946"}));
}

TEST(Vnnlib, GivesDisjunctsTheirOwnBoxesAndSharesWhatIsCommon) {
  const Property own = parsed(kHead + kBox + "(assert (or (and (<= X_0 0) (<= Y_0 1)) (and (>= X_0 0) (<= Y_0 2))))");
  ASSERT_EQ(own.disjuncts.size(), 2u);
  EXPECT_EQ(text_of(own.disjuncts[0]), "[-1, 0] [0, 0.25] (1 Y_0 + ... <= 1) ");
  EXPECT_EQ(text_of(own.disjuncts[1]), "[0, 1.5] [0, 0.25] (1 Y_0 + ... <= 2) ");
  const Property common = parsed(kHead + kBox + "(assert (or (<= Y_0 1) (<= Y_0 2)))");
  EXPECT_TRUE(common.disjuncts[0].box.shares(common.disjuncts[1].box));
  const std::string box = "(and (>= X_0 -1) (<= X_0 1) (>= X_1 -1) (<= X_1 1) ";
  const Property repeated = parsed(kHead + "(assert (or " + box + "(<= Y_0 1)) " + box + "(<= Y_0 2))))");
  EXPECT_TRUE(repeated.disjuncts.at(0).box.shares(repeated.disjuncts.at(1).box));
}

TEST(Vnnlib, BringsTermsIntoOrderAndCombinesThem) {
  const auto constraint = [](const std::string& formula) {
    return text_of(parsed(kHead + kBox + "(assert " + formula + ")").disjuncts.at(0).constraints.at(0));
  };
  EXPECT_EQ(constraint("(<= (+ Y_1 (* 2 X_1) 0.5 Y_0 (- X_0)) (+ Y_1 1))"), "-1 X_0 + 2 X_1 + 1 Y_0 + ... <= 0.5");
  EXPECT_EQ(constraint("(>= (* -1 (+ Y_0 (* 3 Y_1 0.1)) 2) (- 7))"), "2 Y_0 + 0.6 Y_1 + ... <= 7");
  EXPECT_EQ(constraint("(< (- Y_0 Y_1 0.1 0.2) 0)"), "1 Y_0 + -1 Y_1 + ... <= 0.3");
  EXPECT_EQ(constraint("(> Y_0 1e-3)"), "-1 Y_0 + ... <= -0.001");
  EXPECT_EQ(constraint("(<= (* 2 X_0) 1)"), "2 X_0 + ... <= 1");
}

TEST(Vnnlib, DropsWhatIsTrueAndTheConjunctionsThatAreFalse) {
  const Property property = parsed(kHead + kBox + "(assert (or (and (<= 1 0) (<= Y_0 1)) (and (<= 0 1) (<= Y_0 2))))");
  ASSERT_EQ(property.disjuncts.size(), 1u);
  EXPECT_EQ(text_of(property.disjuncts[0]), "[-1, 1.5] [0, 0.25] (1 Y_0 + ... <= 2) ");
  EXPECT_TRUE(parsed(kHead + kBox + "(assert (<= (- Y_0 Y_0) -1))").disjuncts.empty());
  EXPECT_EQ(parsed(kHead + kBox + "(assert (>= (* 0 Y_0) 0))").disjuncts.at(0).constraints.size(), 0u);
}

TEST(Vnnlib, NamesThePlaceAndTheRemedyInErrors) {
  EXPECT_EQ(error_of(kHead + "(assert (<= X_2 1))"),
            "vnnlib: line 6: X_2 is not declared; add (declare-const X_2 Real) before it");
  EXPECT_EQ(error_of(kHead + kBox + "\n(assert (<= (* Y_0 Y_1) 1))"),
            "vnnlib: line 8: a product of two terms with variables is not linear; one factor must be a constant");
  EXPECT_EQ(error_of(kHead + "(assert (<= X_0 1)) (assert (>= X_0 0)) (assert (<= X_1 1)) (assert (<= Y_0 0))"),
            "vnnlib: X_1 has no lower bound in some disjunct; assert one for every input");
  EXPECT_EQ(error_of(kHead + kBox + "(assert (= Y_0 1))"),
            "vnnlib: line 7: '=' is not supported; write (and (<= a b) (>= a b))");
  EXPECT_EQ(error_of(kHead + kBox + "(assert (not (<= Y_0 1)))"),
            "vnnlib: line 7: 'not' is not supported; write the opposite comparison");
  EXPECT_EQ(error_of(kHead + kBox + "(assert (<= Y_0 1.2.3))"),
            "vnnlib: line 7: '1.2.3' is not a decimal number such as -0.25 or 1e-5");
  EXPECT_EQ(error_of(kHead + kBox + "(assert (<= Y_0 1 2))"), "vnnlib: line 7: '<=' has 3 operands; it takes two");
  EXPECT_EQ(error_of(kHead + kBox + "(assert (<= Y_0 1)"), "vnnlib: line 7: the text ends inside the assert of line 7");
  EXPECT_EQ(error_of("(declare-const X_1 Real)(declare-const Y_0 Real)"),
            "vnnlib: X_0 is not declared although a variable with a greater number is");
  EXPECT_EQ(error_of("(declare-const X_0 Real)\n(declare-const X_0 Real)"), "vnnlib: line 2: X_0 is declared twice");
  EXPECT_EQ(error_of(""), "vnnlib: the property declares no X_0; is this a VNN-LIB file?");
}

TEST(Vnnlib, RefusesWhatTheGrammarDoesNotHave) {
  for (const char* tail : {"(assert)",
                           "(assert ())",
                           "(assert (and))",
                           "(assert (or))",
                           "(assert X_0)",
                           "(assert (<= X_0))",
                           "(assert (and X_0 X_1))",
                           "(assert (<= (<= X_0 1) 1))",
                           "(assert (+ X_0 1))",
                           "(assert (<= (+) 1))",
                           "(assert (<= X_0 1) (<= X_0 2))",
                           "(declare-const X_2 Int)",
                           "(declare-const X_02 Real)",
                           "(declare-const Z_0 Real)",
                           "(declare-const X_99999999999 Real)",
                           "(check-sat)",
                           ")",
                           "assert",
                           "(vnnlib-version <2.0>)",
                           "(assert (<= X_0 nan))",
                           "(assert (<= X_0 (- 1 foo)))",
                           "(assert (<= X_0 \x01))"}) {
    EXPECT_FALSE(parse_vnnlib(kHead + kBox + tail)) << tail;
  }
}

TEST(Vnnlib, HoldsItsLimitsOnHostileText) {
  const auto nested = [](int depth) {
    std::string text = kHead + kBox + "(assert (<= Y_0 ";
    for (int i = 0; i < depth; ++i) text += "(- ";
    return text + "1" + std::string(static_cast<size_t>(depth), ')') + "))";
  };
  EXPECT_TRUE(parse_vnnlib(nested(998)));
  EXPECT_EQ(error_of(nested(100'000)), "vnnlib: line 7: nested more than 1,000 levels deep");
  std::string powers = kHead + kBox;
  for (int i = 0; i < 17; ++i) powers += "(assert (or (<= Y_0 1) (<= Y_0 2)))";
  EXPECT_EQ(error_of(powers), "vnnlib: the asserts multiply out to more than 100,000 disjuncts; split the property");
  std::string inner = kHead + kBox + "(assert (and";
  for (int i = 0; i < 40; ++i) inner += " (or (<= Y_0 1) (<= Y_0 2))";
  EXPECT_EQ(error_of(inner + "))"), "vnnlib: line 7: the formula has more than 100,000 disjuncts");
  std::string huge = kHead + kBox + "(assert (<= Y_0 (*";
  for (int i = 0; i < 100'000; ++i) huge += " 1e10000";
  EXPECT_EQ(error_of(huge + ")))"), "vnnlib: line 7: a product has more than 2,000 digits");
  EXPECT_EQ(error_of(kHead + kBox + "(assert (<= Y_0 (+ 1e9999 1e-9999)))"),
            "vnnlib: line 7: a sum has more than 2,000 digits");
}

TEST(Vnnlib, TakesAHundredDisjunctsOverThreeThousandInputs) {
  std::string text = "(declare-const Y_0 Real)\n", box;
  for (int i = 0; i < 3072; ++i) {
    const std::string name = "X_" + std::to_string(i);
    text += "(declare-const " + name + " Real)\n";
    box += "(>= " + name + " -0.12345678901234567)(<= " + name + " 0.12345678901234567)";
  }
  text += "(assert (or";
  for (int d = 0; d < 100; ++d) text += "(and " + box + "(<= X_7 0.0" + std::to_string(d + 10) + ")(<= Y_0 1))";
  const Property property = parsed(text + "))");
  ASSERT_EQ(property.disjuncts.size(), 100u);
  EXPECT_EQ(property.disjuncts[99].box.size(), 3072u);
  EXPECT_EQ(property.disjuncts[99].box[7].upper.to_string(), "0.0109");
}

}  // namespace
}  // namespace axiom
