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
  const Graph& graph;                      ///< Shape-inferred.
  std::vector<Box> boxes;                  ///< The inputs lie in one of them; at least one, each with every X.
  std::optional<Decimal> tolerance;        ///< The default of the property when absent.
  std::optional<Interval> output_range{};  ///< Where the outputs may lie.
};

/// What a property says of a network, before it is text.
struct LibraryClaim {
  std::vector<std::string> unsafe;  ///< Alternatives: an output is unsafe when it meets one of them.
  std::string description;          ///< One line: what is claimed, with its numbers.
  std::string unsafe_words;         ///< One line for the text: which outputs are unsafe.
};

struct LibraryText {
  std::string vnnlib;
  std::string description;
};

struct LibraryProperty {
  std::string_view name;
  std::string_view summary;  ///< One line for lists.
  bool takes_tolerance = false, needs_output_range = false;
  Result<LibraryClaim> (*lower)(const LibraryQuestion& question);
};

/// All of them, in the order of the help.
std::span<const LibraryProperty* const> property_library();

/// Null if there is none of that name.
const LibraryProperty* find_library_property(std::string_view name);

/// How several properties are one: at every input all of them hold, or at least one.
enum class Combination { kAllOf, kAnyOf };

/// The text of one property, or of several. kInvalidInput when a box is not one of the network's inputs or a property
/// cannot be asked; kUsage when a number is missing that one of them needs, or given that none of them takes.
Result<LibraryText> lower_library_properties(std::span<const LibraryProperty* const> properties, Combination how,
                                             const LibraryQuestion& question);

/// The number of X: entries of all inputs of a shape-inferred graph. Likewise of Y.
size_t input_count(const Graph& graph);
size_t output_count(const Graph& graph);

}  // namespace axiom
