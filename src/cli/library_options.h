// The options by which a library property is asked about a network, and its text.
#pragma once

#include <string>
#include <vector>

#include "properties/library.h"

namespace CLI {
class App;
}

namespace axiom::cli {

struct LibraryArguments {
  std::string name;  ///< One property, or several: "A,B".
  std::string model, boxes, tolerance;
  std::vector<std::string> range, output_range;  ///< Two numbers, or none.
  bool any_of = false;
};

/// --input-range, --inputs, --output-range, --tolerance, --any-of. They make sense together with a property of the
/// library only.
void add_library_options(CLI::App& app, LibraryArguments& arguments);

/// True when one of these options was given; --input-range counts when `input_range` says so.
bool any_library_option(const LibraryArguments& arguments, bool input_range = true);

/// The number that `text` is. kUsage, with the name of the option, when it is none.
Result<Decimal> decimal_of(const char* option, const std::string& text);

/// The interval between the two numbers of an option. kUsage when it is not one.
Result<Interval> interval_of(const char* option, const std::vector<std::string>& ends);

/// "valid-probabilities: every output ..." for each property, in one line.
std::string library_list();

/// Reads the network and lowers the property. kUsage for a name that does not exist, and without bounds of the inputs.
Result<LibraryText> library_text(const LibraryArguments& arguments);

}  // namespace axiom::cli
