// The list of library properties. A new property is one file and one line here.
#include "properties/library.h"

#include <fmt/format.h>

#include <array>

namespace axiom {

extern const LibraryProperty valid_probabilities_property;

std::span<const LibraryProperty* const> property_library() {
  static constexpr std::array list = {&valid_probabilities_property};
  return list;
}

const LibraryProperty* find_library_property(std::string_view name) {
  for (const LibraryProperty* property : property_library()) {
    if (property->name == name) return property;
  }
  return nullptr;
}

size_t input_count(const Graph& graph) {
  size_t count = 0;
  for (const ValueId input : graph.inputs)
    count += static_cast<size_t>(*element_count(graph.values[static_cast<size_t>(input)].type->shape));
  return count;
}

Result<LibraryText> lower_library_property(const LibraryProperty& property, const LibraryQuestion& question) {
  const size_t inputs = input_count(question.graph);
  if (question.boxes.empty()) return invalid_input(fmt::format("{}: there is no box of inputs", property.name));
  for (const Box& box : question.boxes) {
    if (box.size() == inputs) continue;
    return invalid_input(fmt::format("{}: the box has {} inputs, the model {}; give the box that belongs to this model",
                                     property.name, box.size(), inputs));
  }
  return property.lower(question);
}

}  // namespace axiom
