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
  std::string name, model, boxes, tolerance;
  std::vector<std::string> range;  ///< Two numbers, or none.
};

/// --input-range, --inputs, --tolerance. They make sense together with a property of the library only.
void add_library_options(CLI::App& app, LibraryArguments& arguments);

/// True when one of these options was given.
bool any_library_option(const LibraryArguments& arguments);

/// "valid-probabilities: every output ..." for each property, one a line.
std::string library_list();

/// Reads the network and lowers the property. kUsage for a name that does not exist, and without bounds of the inputs.
Result<LibraryText> library_text(const LibraryArguments& arguments);

}  // namespace axiom::cli
