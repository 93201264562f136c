#include "certificate/export/coq/theory.h"

#include <gtest/gtest.h>

#include <bit>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "certificate/export/coq/assumptions.h"
#include "certificate/export/coq/literals.h"
#include "formats/vnnlib/vnnlib.h"

namespace axiom {
namespace {

/// What C's reader of hexadecimal literals makes of the text: exact, as Coq's is.
double read_back(const std::string& literal) { return std::strtod(literal.c_str(), nullptr); }

TEST(CoqLiterals, FloatsComeBackBitForBit) {
  std::mt19937_64 random(1);
  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                -1.5,
                                0.1,
                                std::numeric_limits<double>::denorm_min(),
                                -std::numeric_limits<double>::denorm_min(),
                                std::numeric_limits<double>::min(),
                                0x1.fffffffffffffp-1023,
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::lowest(),
                                double{std::numeric_limits<float>::denorm_min()},
                                0x1p-149,
                                0x1p-126};
  while (values.size() < 20000) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const double value : values) {
    const double found = read_back(coq_float(value));
    ASSERT_EQ(std::bit_cast<uint64_t>(found), std::bit_cast<uint64_t>(value)) << coq_float(value);
  }
}

TEST(CoqLiterals, FloatsAreMantissaTimesPowerOfTwo) {
  EXPECT_EQ(coq_float(1.5), "0x3p-1");
  EXPECT_EQ(coq_float(-96), "-0x3p5");
  EXPECT_EQ(coq_float(0), "0");
  EXPECT_EQ(coq_float(-0.0), "-0");
  EXPECT_EQ(coq_float(std::numeric_limits<double>::denorm_min()), "0x1p-1074");
}

TEST(CoqLiteralsDeathTest, InfinitiesAndNaNHaveNone) {
  EXPECT_DEATH(coq_float(std::numeric_limits<double>::infinity()), "isfinite");
  EXPECT_DEATH(coq_float(std::numeric_limits<double>::quiet_NaN()), "isfinite");
}

TEST(CoqLiterals, DecimalsKeepTheirDigits) {
  for (const char* text : {"0", "-0.303531156", "1.5", "1e-7", "-2.5e300", "16777217"}) {
    const Decimal value = *Decimal::parse(text);
    EXPECT_EQ(*Decimal::parse(coq_rational(value)), value) << text;
    EXPECT_EQ(coq_rational(value).find_first_not_of("-0123456789.e"), std::string::npos) << coq_rational(value);
  }
}

TEST(CoqLiterals, SevenBytesMakeAWordOf56Bits) {
  EXPECT_EQ(coq_word(std::string("\x01\x02\0\0\0\0\0", 7)), "0x201");
  EXPECT_EQ(coq_word("\xff\xff\xff\xff\xff\xff\xff"), "0xffffffffffffff");
}

TEST(CoqLiterals, NothingEndsAComment) { EXPECT_EQ(coq_comment("a*) Axiom \"(*\n"), "a?? Axiom ????"); }

// One operator of each kind that the reader of a theory meets: y = relu(x0 + x1 - 10 - 4), weights of both signs.
Program small_program() {
  Program program;
  program.input_count = 2;
  CoreOp input{.kind = CoreKind::kInput, .first = 0, .count = 2};
  CoreOp affine{.kind = CoreKind::kAffine, .first = 2, .count = 1, .name = "sum *) of"};
  affine.rows.begin = {0, 2};
  affine.rows.column = {0, 1};
  affine.rows.weight = {1, -0.5};
  affine.bias = {-14};
  affine.constants = {{-10}, {-4}};
  affine.magnitude = {14};
  affine.gamma = {5};
  affine.underflow = {9};
  CoreOp relu{.kind = CoreKind::kUnary, .first = 3, .count = 1, .name = "relu"};
  relu.source = {2};
  program.ops = {input, affine, relu};
  program.element_count = 4;
  program.outputs = {3};
  return program;
}

constexpr std::string_view kProperty =
    "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)\n"
    "(assert (>= X_0 -0.1))(assert (<= X_0 0.25))(assert (>= X_1 0))(assert (<= X_1 1))(assert (>= Y_0 0.3))\n";

std::string file_of(const std::vector<TheoryFile>& files, std::string_view name) {
  for (const TheoryFile& file : files)
    if (file.name == name) return file.text;
  return "";
}

std::vector<TheoryFile> small_theory(Semantics semantics, std::string_view tree) {
  const Program program = small_program();
  const Property property = *parse_vnnlib(kProperty);
  return coq_theory({.program = program,
                     .property = property,
                     .semantics = semantics,
                     .tree = tree,
                     .model_digest = "m",
                     .property_digest = "p",
                     .certificate_digest = "c"});
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(CoqTheory, NetworkHoldsEveryNumberOfTheProgram) {
  const std::string text = file_of(small_theory(Semantics::kFloat32, ""), "Network");
  EXPECT_TRUE(contains(text, "Row [-0x5p1; -0x1p2] (-0x7p1) 0x7p1 0x5p0 0x9p0 (dense 0 [0x1p0; -0x1p-1])")) << text;
  EXPECT_TRUE(contains(text, "Definition operator_2 : operator := Relu list_2.")) << text;
  EXPECT_TRUE(contains(text, "Program 2 [operator_1; operator_2] output_elements.")) << text;
  EXPECT_TRUE(contains(text, "sha256 m *)")) << text;
}

TEST(CoqTheory, ANameOfTheModelCannotLeaveItsComment) {
  EXPECT_FALSE(contains(file_of(small_theory(Semantics::kFloat32, ""), "Network"), "sum *)"));
}

TEST(CoqTheory, PropertyHoldsTheDecimalsAndTheirRounding) {
  const std::string text = file_of(small_theory(Semantics::kFloat32, ""), "Property");
  EXPECT_TRUE(contains(text, "(-0.1, 0.25)")) << text;
  EXPECT_TRUE(contains(text, "(-0xcccccdp-27, 0x1p-2)")) << text;  // the nearest binary32 numbers
  EXPECT_TRUE(contains(text, "Disjunct box_0 [Constraint [(Y 0, -1)] (-0.3)]")) << text;
  EXPECT_TRUE(contains(text, "[(Y 0, -0x1p0)] (-0x13333333333333p-54)")) << text;  // rounded up
}

TEST(CoqTheory, TheRealSemanticsRoundsTheBoxOutward) {
  const std::vector<TheoryFile> files = small_theory(Semantics::kReal, "");
  EXPECT_TRUE(contains(file_of(files, "Property"), "(-0xccccccccccccdp-55, 0x1p-2)")) << file_of(files, "Property");
  EXPECT_TRUE(contains(file_of(files, "Theorem"), "Theorem verified : claim real network property."));
  EXPECT_TRUE(contains(file_of(files, "Statement"), coq_statement(Semantics::kReal)));
}

TEST(CoqTheory, TheTreeIsWholeWhateverItsLength) {
  EXPECT_TRUE(contains(file_of(small_theory(Semantics::kFloat32, "\x01\x02\x03"), "Tree"),
                       "Definition tree : list int := unpack tree_words [1; 2; 3]."));
  const std::string seven("\x01\x02\0\0\0\0\0", 7);
  const std::string text = file_of(small_theory(Semantics::kFloat32, seven + "\x09"), "Tree");
  EXPECT_TRUE(contains(text, "0x201")) << text;
  EXPECT_TRUE(contains(text, "unpack tree_words [9].")) << text;
}

TEST(CoqAssumptions, EntriesMayRunOverLines) {
  const auto found = parse_coq_assumptions("Axioms:\na.b : nat ->\n  nat\nc : Prop\n# note\n");
  EXPECT_EQ(found, (std::vector<CoqAssumption>{{"a.b", "nat -> nat"}, {"c", "Prop"}}));
}

TEST(CoqAssumptions, TheCommittedListIsAccepted) {
  EXPECT_GT(allowed_coq_assumptions().size(), 50U);
  EXPECT_TRUE(unexpected_coq_assumptions(allowed_coq_assumptions()).empty());
}

TEST(CoqAssumptions, AnotherNameOrAnotherTypeIsUnexpected) {
  std::vector<CoqAssumption> found = allowed_coq_assumptions();
  found.front().type += " -> False";
  found.push_back({"bogus", "False"});
  EXPECT_EQ(unexpected_coq_assumptions(found), (std::vector<CoqAssumption>{found.front(), found.back()}));
}

}  // namespace
}  // namespace axiom
