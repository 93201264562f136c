// From the words of the command line to a LibraryQuestion.
#include "cli/library_options.h"

#include <CLI/CLI.hpp>

#include "cli/output.h"
#include "cli/suggest.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"

namespace axiom::cli {
namespace {

Result<Decimal> decimal_of(const char* option, const std::string& text) {
  Result<Decimal> number = Decimal::parse(text);
  if (!number) return usage_error(fmt::format("{}: '{}' is not a decimal number", option, text));
  return number;
}

Result<std::vector<Box>> boxes_of_range(const LibraryArguments& arguments, size_t inputs) {
  const Result<Decimal> low = decimal_of("--input-range", arguments.range[0]);
  if (!low) return low.error();
  const Result<Decimal> high = decimal_of("--input-range", arguments.range[1]);
  if (!high) return high.error();
  if (compare(*low, *high) > 0) {
    return usage_error(
        fmt::format("--input-range: {} is above {}; give the lower end first", low->to_string(), high->to_string()));
  }
  return std::vector<Box>{std::vector<Interval>(inputs, {*low, *high})};
}

Result<std::vector<Box>> boxes_of_file(const std::string& path, const Graph& model) {
  const Result<Property> property = read_vnnlib(path, model);
  if (!property) return property.error();
  std::vector<Box> boxes;
  for (const Disjunct& disjunct : property->disjuncts) boxes.push_back(disjunct.box);
  if (boxes.empty()) return invalid_input(path + ": no input meets its assertions, so it has no box of inputs");
  return boxes;
}

}  // namespace

void add_library_options(CLI::App& app, LibraryArguments& arguments) {
  app.add_option("--input-range", arguments.range, "every input lies between these two numbers")
      ->option_text("LO HI")
      ->expected(2);
  app.add_option("--inputs", arguments.boxes, "the inputs lie in the boxes of this property; its outputs do not matter")
      ->option_text("FILE");
  app.add_option("--tolerance", arguments.tolerance, "what counts as equal; default: follows from the network")
      ->option_text("T");
}

bool any_library_option(const LibraryArguments& arguments) {
  return !arguments.range.empty() || !arguments.boxes.empty() || !arguments.tolerance.empty();
}

std::string library_list() {
  std::string out;
  for (const LibraryProperty* property : property_library()) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", property->name, property->summary);
  }
  return out;
}

Result<LibraryText> library_text(const LibraryArguments& arguments) {
  const LibraryProperty* property = find_library_property(arguments.name);
  if (property == nullptr) {
    std::vector<std::string> names;
    for (const LibraryProperty* known : property_library()) names.emplace_back(known->name);
    return usage_error(
        fmt::format("there is no property '{}' in the library; {}", arguments.name,
                    suggestion(arguments.name, names, "known: " + fmt::format("{}", fmt::join(names, ", ")))));
  }
  if (arguments.range.empty() == arguments.boxes.empty()) {
    return usage_error(
        fmt::format("{} is about bounded inputs; give {}--input-range LO HI (all inputs) or --inputs FILE "
                    "(the boxes of a property)",
                    property->name, arguments.range.empty() ? "" : "one of "));
  }
  std::optional<Decimal> tolerance;
  if (!arguments.tolerance.empty()) {
    const Result<Decimal> number = decimal_of("--tolerance", arguments.tolerance);
    if (!number) return number.error();
    tolerance = *number;
  }
  Result<Graph> graph = read_onnx(arguments.model);
  if (!graph) return graph.error();
  if (Status inferred = infer_shapes(*graph); !inferred) return inferred.error();
  Result<std::vector<Box>> boxes =
      arguments.boxes.empty() ? boxes_of_range(arguments, input_count(*graph)) : boxes_of_file(arguments.boxes, *graph);
  if (!boxes) return boxes.error();
  return lower_library_property(*property, {*graph, std::move(*boxes), tolerance});
}

}  // namespace axiom::cli
