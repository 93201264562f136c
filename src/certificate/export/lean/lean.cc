// Structures are written as anonymous constructors, whose type Lean knows from the list that they stand in.
#include "certificate/export/lean/lean.h"

#include <fmt/format.h>

#include "certificate/export/dialect.h"
#include "certificate/export/shipped_semantics.h"

namespace axiom {
namespace {

class Lean : public Dialect {
 public:
  std::string define_list(std::string_view name, Type entry, std::string_view value) const override {
    return define(name, fmt::format("List {}", type(entry)), value);
  }
  std::string define(std::string_view name, std::string_view type, std::string_view value) const override {
    return fmt::format("def {} : {} := {}\n", name, type, value);
  }
  std::string_view append() const override { return "++"; }
  std::string comment(std::string_view text) const override { return fmt::format("-- {}\n", text); }
  std::string number(int64_t mantissa, int exponent) const override {
    return fmt::format("⟨{}, {}⟩", mantissa, exponent);
  }
  std::string record(std::string_view, std::span<const std::string> fields) const override {
    return fmt::format("⟨{}⟩", fmt::join(fields, ", "));
  }
  std::string alternative(std::string_view name, std::span<const std::string> fields) const override {
    std::string lower(name);
    lower.front() = static_cast<char>(lower.front() - 'A' + 'a');
    return fmt::format(".{} {}", lower, fmt::join(fields, " "));
  }
  std::string variable(bool is_output, uint32_t index) const override {
    return fmt::format(".{} {}", is_output ? "y" : "x", index);
  }
  std::string_view operator_type() const override { return "Operator"; }
  std::string_view program_type() const override { return "Program"; }
  std::string_view property_type() const override { return "Property"; }

 private:
  static std::string_view type(Type entry) {
    switch (entry) {
      case Type::kRow:
        return "Row";
      case Type::kOperator:
        return "Operator";
      case Type::kNumber:
        return "Dyad";
      case Type::kElement:
      case Type::kByte:
        return "ℕ";
      case Type::kWindow:
        return "(ℕ × List ℕ)";
      case Type::kGroup:
        return "(List ℕ)";
      case Type::kSide:
        return "(ℚ × ℚ)";
      case Type::kDisjunct:
        return "Disjunct";
    }
    return "";
  }
};

std::string module(std::string_view comment, std::string_view imports, std::string_view body) {
  return fmt::format("/-\n{}\n-/\n{}\nnamespace Axiom.Certificate\n\n{}\nend Axiom.Certificate\n", comment, imports,
                     body);
}

std::string theorem_text(const TheorySource& source) {
  const std::string_view s = source.semantics == Semantics::kReal ? ".real" : ".float32";
  const std::string comment = fmt::format(
      "No execution of the network from the input set of the property reaches its unsafe set, if two things hold that\n"
      "nothing here proves: the checker is sound, and it accepts the certificate.\n"
      "  model       sha256 {}\n  property    sha256 {}\n  certificate sha256 {}",
      source.model_digest, source.property_digest, source.certificate_digest);
  const std::string body = fmt::format(
      "/-- Open obligation `accepted`: the checker's answer for this certificate. -/\n"
      "def Accepts (check : Checker) : Prop := check {} network property tree = true\n\n"
      "theorem verified (check : Checker) (sound : Sound check) (accepted : Accepts check) :\n"
      "    claim {} network property :=\n"
      "  sound {} network property tree accepted\n",
      s, s, s);
  return module(comment, "import AxiomNetwork\nimport AxiomProperty\nimport AxiomTree\n", body);
}

constexpr std::string_view kLakefile =
    "name = \"AxiomCertificate\"\n"
    "defaultTargets = [\"AxiomCertificate\"]\n"
    "\n"
    "[[require]]\n"
    "name = \"mathlib\"\n"
    "scope = \"leanprover-community\"\n"
    "\n"
    "[[lean_lib]]\n"
    "name = \"AxiomCertificate\"\n"
    "roots = [\"AxiomSemantics\", \"AxiomNetwork\", \"AxiomProperty\", \"AxiomTree\", \"AxiomTheorem\"]\n";

}  // namespace

ProofExport lean_export(const TheorySource& source) {
  const Lean lean;
  const std::string_view s = source.semantics == Semantics::kReal ? "real" : "float32";
  const std::string network = fmt::format(
      "The network as core program (spec/operators.md). Model bytes, decompressed:\n  sha256 {}", source.model_digest);
  const std::string property = fmt::format(
      "The property: its unsafe points, with the decimals of the text (VNN-LIB, decompressed:\n  sha256 {}).",
      source.property_digest);
  const std::string tree = fmt::format("The proof tree of the certificate, {} bytes. Certificate:\n  sha256 {}",
                                       source.tree.size(), source.certificate_digest);
  const std::vector<std::string> statement = {"AxiomSemantics.lean", "AxiomNetwork.lean", "AxiomProperty.lean"};
  return {.assistant = "lean4",
          .files = {{"lakefile.toml", std::string(kLakefile)},
                    {"AxiomSemantics.lean", std::string(kLeanSemanticsText)},
                    {"AxiomNetwork.lean",
                     module(network, "import AxiomSemantics\n", network_definitions(source.program, lean))},
                    {"AxiomProperty.lean", module(property, "import AxiomSemantics\n",
                                                  property_definitions(source.property, "property", lean))},
                    {"AxiomTree.lean", module(tree, "import AxiomSemantics\n", tree_definitions(source.tree, lean))},
                    {"AxiomTheorem.lean", theorem_text(source)}},
          .obligations = {
              {"soundness", "Axiom.Sound check, for the function check of spec/certificate.md", {statement[0]}},
              {"accepted",
               fmt::format("check Axiom.Semantics.{} Axiom.Certificate.network Axiom.Certificate.property "
                           "Axiom.Certificate.tree = true, for the function check of spec/certificate.md",
                           s),
               {statement[0], statement[1], statement[2], "AxiomTree.lean"}},
              {"verified",
               fmt::format("Axiom.claim Axiom.Semantics.{} Axiom.Certificate.network Axiom.Certificate.property", s),
               statement}}};
}

}  // namespace axiom
