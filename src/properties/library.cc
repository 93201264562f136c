// The list of library properties. A new property is one file and one line here.
//
// Unsafe for all-of is the union of the unsafe sets, one `or` over all alternatives; for any-of their intersection, one
// `or` each, which readers multiply out.
#include "properties/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "properties/vnnlib_text.h"

namespace axiom {

extern const LibraryProperty valid_probabilities_property, bounded_output_property, finite_output_property;

namespace {

// Alternatives that a reader of properties accepts.
constexpr size_t kMostAlternatives = 100'000;

size_t entries_of(const Graph& graph, const std::vector<ValueId>& values) {
  size_t count = 0;
  for (const ValueId value : values)
    count += static_cast<size_t>(*element_count(graph.values[static_cast<size_t>(value)].type->shape));
  return count;
}

std::string names_of(std::span<const LibraryProperty* const> properties) {
  std::string out;
  for (const LibraryProperty* property : properties) out += fmt::format("{}{}", out.empty() ? "" : ",", property->name);
  return out;
}

Status check_question(std::span<const LibraryProperty* const> properties, const LibraryQuestion& question) {
  const std::string names = names_of(properties);
  const auto any = [&](bool LibraryProperty::*takes) {
    return std::any_of(properties.begin(), properties.end(), [&](const LibraryProperty* p) { return p->*takes; });
  };
  const bool needs_range = any(&LibraryProperty::needs_output_range);
  if (needs_range && !question.output_range)
    return usage_error(names + ": where may the outputs lie? Give --output-range LO HI");
  if (!needs_range && question.output_range)
    return usage_error(names + ": takes no --output-range; that is for bounded-output");
  if (question.tolerance && !any(&LibraryProperty::takes_tolerance))
    return usage_error(names + ": takes no --tolerance; leave it out");
  const size_t inputs = input_count(question.graph);
  if (question.boxes.empty()) return invalid_input(fmt::format("{}: there is no box of inputs", names));
  for (const Box& box : question.boxes) {
    if (box.size() == inputs) continue;
    return invalid_input(fmt::format("{}: the box has {} inputs, the model {}; give the box that belongs to this model",
                                     names, box.size(), inputs));
  }
  if (output_count(question.graph) == 0) return invalid_input(names + ": the network has no outputs");
  return {};
}

// What a reader multiplies out; a little above the limit is enough to know.
size_t alternatives_of(const std::vector<LibraryClaim>& claims, Combination how) {
  size_t count = how == Combination::kAllOf ? 0 : 1;
  for (const LibraryClaim& claim : claims) {
    count = how == Combination::kAllOf ? count + claim.unsafe.size() : count * claim.unsafe.size();
    count = std::min(count, kMostAlternatives + 1);
  }
  return count;
}

}  // namespace

std::span<const LibraryProperty* const> property_library() {
  static constexpr std::array list = {&valid_probabilities_property, &bounded_output_property, &finite_output_property};
  return list;
}

const LibraryProperty* find_library_property(std::string_view name) {
  for (const LibraryProperty* property : property_library()) {
    if (property->name == name) return property;
  }
  return nullptr;
}

size_t input_count(const Graph& graph) { return entries_of(graph, graph.inputs); }
size_t output_count(const Graph& graph) { return entries_of(graph, graph.outputs); }

Result<LibraryText> lower_library_properties(std::span<const LibraryProperty* const> properties, Combination how,
                                             const LibraryQuestion& question) {
  AXIOM_CHECK(!properties.empty());
  if (Status fits = check_question(properties, question); !fits) return fits.error();
  std::vector<LibraryClaim> claims;
  LibraryText out;
  for (const LibraryProperty* property : properties) {
    Result<LibraryClaim> claim = property->lower(question);
    if (!claim) return claim.error();
    out.description += (out.description.empty() ? "" : how == Combination::kAllOf ? "; and " : "; or ");
    out.description += claim->description;
    out.vnnlib += fmt::format("; {}: {}\n; Unsafe: {}\n", property->name, claim->description, claim->unsafe_words);
    claims.push_back(std::move(*claim));
  }
  if (alternatives_of(claims, how) > kMostAlternatives)
    return invalid_input(fmt::format("{}: {} outputs are too many, at most about {} alternatives fit in a property",
                                     names_of(properties), output_count(question.graph), kMostAlternatives));
  const bool any_of = how == Combination::kAnyOf && claims.size() > 1;
  if (any_of) out.vnnlib += "; Asked is where all of them are unsafe at once.\n";
  out.vnnlib +=
      vnnlib_declarations(input_count(question.graph), output_count(question.graph)) + vnnlib_boxes(question.boxes);
  if (!any_of) {
    for (size_t i = 1; i < claims.size(); ++i)
      claims[0].unsafe.insert(claims[0].unsafe.end(), claims[i].unsafe.begin(), claims[i].unsafe.end());
    claims.resize(1);
  }
  for (const LibraryClaim& claim : claims) out.vnnlib += vnnlib_unsafe(claim.unsafe);
  return out;
}

}  // namespace axiom
