// Properties with a name: asked about a network without a VNN-LIB file, since their text follows from the network.
//
// A library property is *lowered to canonical VNN-LIB text*: the same network, boxes and options give the same bytes.
// Everything else, certificates and their digests included, is about that text, as if it had been read from a file.
// A new property is one file that defines one `LibraryProperty`, and one line in library.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "graph/property.h"

namespace axiom {

/// What a property is asked about.
struct LibraryQuestion {
  const Graph& graph;                ///< Shape-inferred.
  std::vector<Box> boxes;            ///< The inputs lie in one of them; at least one, each with every X.
  std::optional<Decimal> tolerance;  ///< The default of the property when absent.
};

struct LibraryText {
  std::string vnnlib;
  std::string description;  ///< One line: what is claimed, with its numbers.
};

struct LibraryProperty {
  std::string_view name;
  std::string_view summary;  ///< One line for lists.
  Result<LibraryText> (*lower)(const LibraryQuestion& question);
};

/// All of them, in the order of the help.
std::span<const LibraryProperty* const> property_library();

/// Null if there is none of that name.
const LibraryProperty* find_library_property(std::string_view name);

/// The text of a property. kInvalidInput when a box is not one of the network's inputs or the property cannot be asked.
Result<LibraryText> lower_library_property(const LibraryProperty& property, const LibraryQuestion& question);

/// The number of X: entries of all inputs of a shape-inferred graph.
size_t input_count(const Graph& graph);

}  // namespace axiom
