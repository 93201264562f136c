// From the words of the command line to a LibraryQuestion.
#include "cli/library_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/output.h"
#include "cli/suggest.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"

namespace axiom::cli {
namespace {

Result<std::vector<Box>> boxes_of_file(const std::string& path, const Graph& model) {
  const Result<Property> property = read_vnnlib(path, model);
  if (!property) return property.error();
  std::vector<Box> boxes;
  for (const Disjunct& disjunct : property->disjuncts) boxes.push_back(disjunct.box);
  if (boxes.empty()) return invalid_input(path + ": no input meets its assertions, so it has no box of inputs");
  return boxes;
}

// "A,B": both properties, in this order.
Result<std::vector<const LibraryProperty*>> properties_of(const std::string& names) {
  std::vector<const LibraryProperty*> out;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    begin = end + 1;
    out.push_back(find_library_property(name));
    if (out.back() != nullptr && std::count(out.begin(), out.end(), out.back()) > 1)
      return usage_error(fmt::format("{} is named twice", name));
    if (out.back() != nullptr) continue;
    std::vector<std::string> known;
    for (const LibraryProperty* property : property_library()) known.emplace_back(property->name);
    return usage_error(fmt::format("there is no property '{}' in the library; {}", name,
                                   suggestion(name, known, "known: " + fmt::format("{}", fmt::join(known, ", ")))));
  }
  return out;
}

}  // namespace

Result<Decimal> decimal_of(const char* option, const std::string& text) {
  Result<Decimal> number = Decimal::parse(text);
  if (!number) return usage_error(fmt::format("{}: '{}' is not a decimal number", option, text));
  return number;
}

Result<Interval> interval_of(const char* option, const std::vector<std::string>& ends) {
  const Result<Decimal> low = decimal_of(option, ends[0]);
  if (!low) return low.error();
  const Result<Decimal> high = decimal_of(option, ends[1]);
  if (!high) return high.error();
  if (compare(*low, *high) > 0) {
    return usage_error(
        fmt::format("{}: {} is above {}; give the lower end first", option, low->to_string(), high->to_string()));
  }
  return Interval{*low, *high};
}

void add_library_options(CLI::App& app, LibraryArguments& arguments) {
  app.add_option("--input-range", arguments.range, "every input lies between these two numbers")
      ->option_text("LO HI")
      ->expected(2);
  app.add_option("--inputs", arguments.boxes, "the inputs lie in the boxes of this property; its outputs do not matter")
      ->option_text("FILE");
  app.add_option("--output-range", arguments.output_range, "bounded-output: where every output must lie")
      ->option_text("LO HI")
      ->expected(2);
  app.add_option("--tolerance", arguments.tolerance,
                 "valid-probabilities: what counts as equal; default: follows from the network")
      ->option_text("T");
  app.add_flag("--any-of", arguments.any_of, "of several properties NAME,NAME one is enough, at each input");
}

bool any_library_option(const LibraryArguments& arguments, bool input_range) {
  return (input_range && !arguments.range.empty()) || !arguments.boxes.empty() || !arguments.tolerance.empty() ||
         !arguments.output_range.empty() || arguments.any_of;
}

std::string library_list() {
  std::string out;
  for (const LibraryProperty* property : property_library()) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", property->name, property->summary);
  }
  return out;
}

Result<LibraryText> library_text(const LibraryArguments& arguments) {
  const Result<std::vector<const LibraryProperty*>> properties = properties_of(arguments.name);
  if (!properties) return properties.error();
  if (arguments.range.empty() == arguments.boxes.empty()) {
    return usage_error(
        fmt::format("{} is about bounded inputs; give {}--input-range LO HI (all inputs) or --inputs FILE "
                    "(the boxes of a property)",
                    arguments.name, arguments.range.empty() ? "" : "one of "));
  }
  std::optional<Decimal> tolerance;
  if (!arguments.tolerance.empty()) {
    const Result<Decimal> number = decimal_of("--tolerance", arguments.tolerance);
    if (!number) return number.error();
    tolerance = *number;
  }
  std::optional<Interval> output_range, input_range;
  if (!arguments.output_range.empty()) {
    Result<Interval> range = interval_of("--output-range", arguments.output_range);
    if (!range) return range.error();
    output_range = std::move(*range);
  }
  if (!arguments.range.empty()) {
    Result<Interval> range = interval_of("--input-range", arguments.range);
    if (!range) return range.error();
    input_range = std::move(*range);
  }
  Result<Graph> graph = read_onnx(arguments.model);
  if (!graph) return graph.error();
  if (Status inferred = infer_shapes(*graph); !inferred) return inferred.error();
  Result<std::vector<Box>> boxes = input_range
                                       ? std::vector<Box>{std::vector<Interval>(input_count(*graph), *input_range)}
                                       : boxes_of_file(arguments.boxes, *graph);
  if (!boxes) return boxes.error();
  return lower_library_properties(*properties, arguments.any_of ? Combination::kAnyOf : Combination::kAllOf,
                                  {*graph, std::move(*boxes), tolerance, output_range});
}

}  // namespace axiom::cli
