// Symbols are written as Isabelle stores them, \<times> and not the sign, so that the files are plain ASCII.
#include "certificate/export/isabelle/isabelle.h"

#include <fmt/format.h>

#include "certificate/export/dialect.h"
#include "certificate/export/shipped_semantics.h"

namespace axiom {
namespace {

class Isabelle : public Dialect {
 public:
  std::string define_list(std::string_view name, Type entry, std::string_view value) const override {
    return define(name, fmt::format("{} list", type(entry)), value);
  }
  std::string define(std::string_view name, std::string_view type, std::string_view value) const override {
    return fmt::format("definition {} :: \"{}\" where\n  \"{} = {}\"\n", name, type, name, value);
  }
  std::string_view append() const override { return "@"; }
  std::string comment(std::string_view text) const override { return fmt::format("(* {} *)\n", text); }
  std::string number(int64_t mantissa, int exponent) const override {
    return fmt::format("({}, {})", mantissa, exponent);
  }
  std::string record(std::string_view name, std::span<const std::string> fields) const override {
    return fmt::format("{} {}", name, fmt::join(fields, " "));
  }
  std::string alternative(std::string_view name, std::span<const std::string> fields) const override {
    return record(name, fields);
  }
  std::string variable(bool is_output, uint32_t index) const override {
    return fmt::format("{} {}", is_output ? "Y" : "X", index);
  }
  std::string_view operator_type() const override { return "core_operator"; }
  std::string_view program_type() const override { return "core_program"; }
  std::string_view property_type() const override { return "unsafe_set"; }

 private:
  static std::string_view type(Type entry) {
    switch (entry) {
      case Type::kRow:
        return "row";
      case Type::kOperator:
        return "core_operator";
      case Type::kNumber:
        return "dyad";
      case Type::kElement:
      case Type::kByte:
        return "nat";
      case Type::kWindow:
        return "(nat \\<times> nat list)";
      case Type::kGroup:
        return "(nat list)";
      case Type::kSide:
        return "(rat \\<times> rat)";
      case Type::kDisjunct:
        return "disjunct";
    }
    return "";
  }
};

std::string theory(std::string_view comment, std::string_view name, std::string_view imports, std::string_view body) {
  return fmt::format("(* {} *)\ntheory {}\n  imports {}\nbegin\n\n{}\nend\n", comment, name, imports, body);
}

std::string theorem_text(const TheorySource& source) {
  const std::string_view s = source.semantics == Semantics::kReal ? "Real_Arithmetic" : "Float32_Arithmetic";
  const std::string comment = fmt::format(
      "No execution of the network from the input set of the property reaches its unsafe set, if two things\n"
      "   hold that nothing here proves: the checker is sound, and it accepts the certificate.\n"
      "   model       sha256 {}\n   property    sha256 {}\n   certificate sha256 {}",
      source.model_digest, source.property_digest, source.certificate_digest);
  const std::string body = fmt::format(
      "text \\<open>Open obligation accepted: the checker's answer for this certificate.\\<close>\n\n"
      "definition accepts :: \"checker \\<Rightarrow> bool\" where\n"
      "  \"accepts check = check {} network unsafe_points tree\"\n\n"
      "theorem verified:\n"
      "  assumes \"sound check\" and \"accepts check\"\n"
      "  shows \"claim {} network unsafe_points\"\n"
      "  using assms unfolding sound_def accepts_def by blast\n",
      s, s);
  return theory(comment, "Axiom_Theorem", "Axiom_Network Axiom_Property Axiom_Tree", body);
}

constexpr std::string_view kRoot =
    "session Axiom_Certificate = HOL +\n"
    "  theories\n"
    "    Axiom_Theorem\n";

}  // namespace

ProofExport isabelle_export(const TheorySource& source) {
  const Isabelle isabelle;
  const std::string_view s = source.semantics == Semantics::kReal ? "Real_Arithmetic" : "Float32_Arithmetic";
  const std::string network = fmt::format(
      "The network as core program (spec/operators.md). Model bytes, decompressed:\n   sha256 {}", source.model_digest);
  const std::string property = fmt::format(
      "The property: its unsafe points, with the decimals of the text (VNN-LIB, decompressed:\n   sha256 {}).",
      source.property_digest);
  const std::string tree = fmt::format("The proof tree of the certificate, {} bytes. Certificate:\n   sha256 {}",
                                       source.tree.size(), source.certificate_digest);
  const std::vector<std::string> statement = {"Axiom_Semantics.thy", "Axiom_Network.thy", "Axiom_Property.thy"};
  return {.assistant = "isabelle",
          .files = {{"ROOT", std::string(kRoot)},
                    {"Axiom_Semantics.thy", std::string(kIsabelleSemanticsText)},
                    {"Axiom_Network.thy", theory(network, "Axiom_Network", "Axiom_Semantics",
                                                 network_definitions(source.program, isabelle))},
                    {"Axiom_Property.thy", theory(property, "Axiom_Property", "Axiom_Semantics",
                                                  property_definitions(source.property, "unsafe_points", isabelle))},
                    {"Axiom_Tree.thy",
                     theory(tree, "Axiom_Tree", "Axiom_Semantics", tree_definitions(source.tree, isabelle))},
                    {"Axiom_Theorem.thy", theorem_text(source)}},
          .obligations = {
              {"soundness", "sound check, for the function check of spec/certificate.md", {statement[0]}},
              {"accepted",
               fmt::format("check {} network unsafe_points tree, for the function check of spec/certificate.md", s),
               {statement[0], statement[1], statement[2], "Axiom_Tree.thy"}},
              {"verified", fmt::format("claim {} network unsafe_points", s), statement}}};
}

}  // namespace axiom
