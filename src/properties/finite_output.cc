// finite-output: nothing overflows, in no covered evaluation.
//
// Every certificate about at least one alternative proves that much, by the premise of spec/operators.md section 5: it
// holds for each sum of the network, and with it no value anywhere is infinite or not a number (proofs/Finite.v, for
// the operators that Coq knows). The unsafe set asks for the little that is left to say about the outputs: that they
// stay below what rounds to infinity.
#include <fmt/format.h>

#include "properties/library.h"

namespace axiom {
namespace {

// 2^128 - 2^103, the least number that rounds to an infinity of binary32.
constexpr const char* kOverflow = "340282356779733661637539395458142568448";

Result<LibraryClaim> lower(const LibraryQuestion& question) {
  const size_t outputs = output_count(question.graph);
  LibraryClaim claim;
  for (size_t k = 0; k < outputs; ++k) {
    claim.unsafe.push_back(fmt::format("(<= Y_{} -{})", k, kOverflow));
    claim.unsafe.push_back(fmt::format("(>= Y_{} {})", k, kOverflow));
  }
  claim.description = fmt::format("{} finite output{}", outputs, outputs == 1 ? "" : "s");
  claim.unsafe_words = "an output that rounds to an infinity of binary32.";
  return claim;
}

}  // namespace

extern const LibraryProperty finite_output_property{
    .name = "finite-output", .summary = "no value overflows and none is NaN, inside the network too", .lower = lower};

}  // namespace axiom
