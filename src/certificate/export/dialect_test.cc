#include "certificate/export/dialect.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "certificate/export/isabelle/isabelle.h"
#include "certificate/export/lean/lean.h"
#include "formats/vnnlib/vnnlib.h"

namespace axiom {
namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string file_of(const ProofExport& all, std::string_view name) {
  for (const ExportFile& file : all.files)
    if (file.name == name) return file.text;
  ADD_FAILURE() << name;
  return "";
}

// One operator of each kind, so that every way to write one is used.
Program every_kind() {
  Program program;
  program.input_count = 2;
  CoreOp input{.kind = CoreKind::kInput, .first = 0, .count = 2};
  CoreOp affine{.kind = CoreKind::kAffine, .first = 2, .count = 2, .name = "sum *) -/ \n of"};
  affine.rows.begin = {0, 2, 3};
  affine.rows.column = {0, 1, 1};
  affine.rows.weight = {1, -0.5, 3};
  affine.bias = {-14, 0};
  affine.constants = {{-10, 0}, {-4, 0}};
  affine.magnitude = {14, 0};
  affine.gamma = {5, 4};
  affine.underflow = {9, 7};
  CoreOp leaky{.kind = CoreKind::kUnary, .first = 4, .count = 1, .name = "leaky"};
  leaky.unary = UnaryKind::kLeakyRelu;
  leaky.alpha = 0.25;
  leaky.source = {2};
  CoreOp pool{.kind = CoreKind::kMaxPool, .first = 5, .count = 1, .name = "pool"};
  pool.source = {2, 3, 4};
  pool.window_begin = {0, 3};
  CoreOp constant{.kind = CoreKind::kConstant, .first = 6, .count = 1, .name = "c"};
  constant.constant = {-0.0};
  program.ops = {input, affine, leaky, pool, constant};
  for (const UnaryKind kind : {UnaryKind::kRelu, UnaryKind::kSigmoid, UnaryKind::kTanh}) {
    CoreOp unary{.kind = CoreKind::kUnary, .first = 6 + static_cast<ElementId>(program.ops.size()), .count = 1};
    unary.unary = kind;
    unary.source = {2};
    program.ops.push_back(unary);
  }
  program.element_count = 10;
  program.outputs = {5};
  return program;
}

constexpr std::string_view kProperty =
    "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)\n"
    "(assert (>= X_0 -0.1))(assert (<= X_0 0.25))(assert (>= X_1 0))(assert (<= X_1 1e3))(assert (>= Y_0 0.3))\n";

TheorySource source_of(const Program& program, const Property& property, std::string_view tree) {
  return {.program = program,
          .property = property,
          .semantics = Semantics::kFloat32,
          .tree = tree,
          .model_digest = "m",
          .property_digest = "p",
          .certificate_digest = "c"};
}

class Numbers : public testing::Test {
 protected:
  /// What the text of a pair (m, e) stands for.
  static double read_back(const std::string& text) {
    long long mantissa = 0;
    int exponent = 0;
    EXPECT_EQ(std::sscanf(text.c_str(), "(%lld, %d)", &mantissa, &exponent), 2) << text;
    return std::ldexp(static_cast<double>(mantissa), exponent);
  }
  static std::string constant(double value) {
    Program program;
    CoreOp op{.kind = CoreKind::kConstant, .first = 0, .count = 1, .name = "c"};
    op.constant = {value};
    program.ops = {CoreOp{}, op};
    const Property property = *parse_vnnlib(kProperty);
    const std::string text = file_of(isabelle_export(source_of(program, property, "")), "Axiom_Network.thy");
    const size_t begin = text.find("list_1 = [\n  ") + 13;
    return text.substr(begin, text.find(']', begin) - begin);
  }
};

TEST_F(Numbers, PairsOfIntegersAreTheExactDoubles) {
  std::mt19937_64 random(1);
  std::vector<double> values = {0.0,
                                1.0,
                                -1.5,
                                std::numeric_limits<double>::denorm_min(),
                                -std::numeric_limits<double>::max(),
                                0x1p-149,
                                0x1.fffffffffffffp-1023};
  while (values.size() < 500) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const double value : values) ASSERT_EQ(read_back(constant(value)), value) << constant(value);
}

TEST(Fractions, DecimalsKeepEveryDigit) {
  const std::pair<const char*, const char*> cases[] = {{"0", "0"},
                                                       {"3", "3"},
                                                       {"-3", "-3"},
                                                       {"-1.5", "-15 / 10 ^ 1"},
                                                       {"0.0625", "625 / 10 ^ 4"},
                                                       {"-0.303531156", "-303531156 / 10 ^ 9"},
                                                       {"16777217", "16777217"}};
  for (const auto& [text, fraction] : cases) EXPECT_EQ(exact_fraction(*Decimal::parse(text)), fraction);
}

TEST(Fractions, LargeAndSmallExponentsAreExact) {
  for (const char* text : {"1e-7", "-2.5e300", "1e30", "-7e-40", "120", "0.00000000000000000001"}) {
    const Decimal value = *Decimal::parse(text);
    const std::string fraction = exact_fraction(value);
    const size_t sign = fraction.find_first_of("/*");
    std::string rebuilt = fraction.substr(0, sign);
    if (sign != std::string::npos) {
      while (rebuilt.back() == ' ') rebuilt.pop_back();
      rebuilt += (fraction[sign] == '/' ? "e-" : "e") + fraction.substr(fraction.find('^') + 2);
    }
    EXPECT_EQ(*Decimal::parse(rebuilt), value) << text << " became " << fraction;
  }
}

class Exports : public testing::Test {
 protected:
  Program program = every_kind();
  Property property = *parse_vnnlib(kProperty);
  std::string tree = std::string("\x01\x00\xff", 3);
  ProofExport lean = lean_export(source_of(program, property, tree));
  ProofExport isabelle = isabelle_export(source_of(program, property, tree));
};

TEST_F(Exports, LeanHoldsEveryNumberOfTheProgram) {
  const std::string text = file_of(lean, "AxiomNetwork.lean");
  for (const std::string_view part :
       {"⟨[⟨-5, 1⟩, ⟨-1, 2⟩], ⟨-7, 1⟩, ⟨7, 1⟩, ⟨5, 0⟩, ⟨9, 0⟩, (dense 0 [⟨1, 0⟩, ⟨-1, -1⟩])⟩",
        "def operator_1 : Operator := .affine ⟨1, 0⟩ ⟨0, 0⟩ list_1\n", ".leakyRelu ⟨1, -2⟩ list_2\n",
        "def list_3 : List (ℕ × List ℕ) := [\n  (2, [3, 4])]\n", ".maxPool list_3\n", ".constant list_4\n",
        ".relu list_5\n", ".sigmoid list_6\n", ".tanh list_7\n",
        "def network : Program := ⟨2, operator_list, output_elements⟩\n"})
    EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
}

TEST_F(Exports, IsabelleHoldsEveryNumberOfTheProgram) {
  const std::string text = file_of(isabelle, "Axiom_Network.thy");
  for (const std::string_view part :
       {"Row [(-5, 1), (-1, 2)] (-7, 1) (7, 1) (5, 0) (9, 0) (dense 0 [(1, 0), (-1, -1)])",
        "\"operator_1 = Affine (1, 0) (0, 0) list_1\"", "LeakyRelu (1, -2) list_2\"",
        "definition list_3 :: \"(nat \\<times> nat list) list\" where\n  \"list_3 = [\n  (2, [3, 4])]\"",
        "MaxPool list_3\"", "Constant list_4\"", "Relu list_5\"", "Sigmoid list_6\"", "Tanh list_7\"",
        "\"network = Program 2 operator_list output_elements\""})
    EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
}

TEST_F(Exports, PropertiesHoldTheDecimals) {
  EXPECT_TRUE(contains(file_of(lean, "AxiomProperty.lean"), "(-1 / 10 ^ 1, 25 / 10 ^ 2),\n  (0, 1"));
  EXPECT_TRUE(contains(file_of(lean, "AxiomProperty.lean"), "⟨box_0, [⟨[(.y 0, -1)], (-3 / 10 ^ 1)⟩]⟩"));
  EXPECT_TRUE(
      contains(file_of(isabelle, "Axiom_Property.thy"), "Disjunct box_0 [Constraint [(Y 0, -1)] (-3 / 10 ^ 1)]"));
}

TEST_F(Exports, TreesAreTheirBytes) {
  EXPECT_TRUE(contains(file_of(lean, "AxiomTree.lean"), "def tree : List ℕ := [\n  1, 0, 255]\n"));
  EXPECT_TRUE(contains(file_of(isabelle, "Axiom_Tree.thy"), "\"tree = [\n  1, 0, 255]\""));
}

TEST_F(Exports, LongListsAreJoinedFromParts) {
  tree.assign(250, '\x07');
  const std::string text = file_of(lean_export(source_of(program, property, tree)), "AxiomTree.lean");
  EXPECT_TRUE(contains(text, "def tree : List ℕ := tree_0 ++ tree_1 ++ tree_2\n")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '7'), 250);
}

TEST_F(Exports, ANameOfTheModelCannotLeaveItsComment) {
  EXPECT_TRUE(contains(file_of(lean, "AxiomNetwork.lean"), "-- elements 2 to 3: sum ?? -/ ? of\n"));
  EXPECT_TRUE(contains(file_of(isabelle, "Axiom_Network.thy"), "(* elements 2 to 3: sum ?? -/ ? of *)\n"));
}

TEST_F(Exports, NothingIsClaimedToBeProved) {
  for (const ProofExport* all : {&lean, &isabelle}) {
    ASSERT_EQ(all->obligations.size(), 3U);
    std::set<std::string> digests;
    for (const ProofObligation& o : all->obligations) digests.insert(statement_digest(*all, o));
    EXPECT_EQ(digests.size(), 3U);
    for (const ExportFile& file : all->files)
      for (const std::string_view word : {"sorry", "axiom ", "axiomatization", "oops", "native_decide"})
        EXPECT_FALSE(contains(file.text, word)) << file.name << ": " << word;
  }
}

}  // namespace
}  // namespace axiom
