// What somebody who mistyped a word probably meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace axiom::cli {

/// Least number of letters to insert, delete, replace or swap with their neighbour that turns `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `known`, or nothing when none is near: at most one edit for every three letters, and one at least.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// "did you mean 'verify'?", or `otherwise` when nothing is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known, std::string_view otherwise);

}  // namespace axiom::cli
