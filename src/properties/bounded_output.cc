// bounded-output: every output lies between two numbers.
//
// Unsafe, and closed: some Y_i <= LO or some Y_i >= HI, so that what is proved is LO < Y_i < HI.
#include <fmt/format.h>

#include "properties/library.h"

namespace axiom {
namespace {

Result<LibraryClaim> lower(const LibraryQuestion& question) {
  const auto& [low, high] = *question.output_range;
  if (compare(low, high) >= 0)
    return invalid_input(fmt::format("bounded-output: no number lies between {} and {}; give the lower end first",
                                     low.to_string(), high.to_string()));
  const size_t outputs = output_count(question.graph);
  const std::string least = low.to_string(), most = high.to_string();
  LibraryClaim claim;
  for (size_t k = 0; k < outputs; ++k) {
    claim.unsafe.push_back(fmt::format("(<= Y_{} {})", k, least));
    claim.unsafe.push_back(fmt::format("(>= Y_{} {})", k, most));
  }
  claim.description = fmt::format("{} output{} between {} and {}", outputs, outputs == 1 ? "" : "s", least, most);
  claim.unsafe_words = "an output at one of these ends or beyond.";
  return claim;
}

}  // namespace

extern const LibraryProperty bounded_output_property{.name = "bounded-output",
                                                     .summary = "every output lies between the ends of --output-range",
                                                     .needs_output_range = true,
                                                     .lower = lower};

}  // namespace axiom
