// The form follows the files of VNN-COMP: alternatives are conjunctions, also of one constraint.
#include "properties/vnnlib_text.h"

#include <fmt/format.h>

#include <iterator>

namespace axiom {
namespace {

template <typename... Arguments>
void append(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

// Alternatives with the same box, one after the other, are one.
std::vector<Box> distinct(const std::vector<Box>& boxes) {
  std::vector<Box> out;
  for (const Box& box : boxes) {
    const bool repeats = !out.empty() && (out.back().shares(box) ||
                                          std::equal(box.begin(), box.end(), out.back().begin(), out.back().end()));
    if (!repeats) out.push_back(box);
  }
  return out;
}

}  // namespace

std::string vnnlib_declarations(size_t inputs, size_t outputs) {
  std::string out;
  for (size_t j = 0; j < inputs; ++j) append(out, "(declare-const X_{} Real)\n", j);
  for (size_t k = 0; k < outputs; ++k) append(out, "(declare-const Y_{} Real)\n", k);
  return out;
}

std::string vnnlib_boxes(const std::vector<Box>& boxes) {
  const std::vector<Box> cases = distinct(boxes);
  std::string out;
  if (cases.size() == 1) {
    for (size_t j = 0; j < cases[0].size(); ++j) {
      append(out, "(assert (>= X_{} {}))\n(assert (<= X_{} {}))\n", j, cases[0][j].lower.to_string(), j,
             cases[0][j].upper.to_string());
    }
    return out;
  }
  std::vector<std::string> alternatives;
  for (const Box& box : cases) {
    std::string& sides = alternatives.emplace_back();
    for (size_t j = 0; j < box.size(); ++j) {
      append(sides, "{}(>= X_{} {}) (<= X_{} {})", j == 0 ? "" : " ", j, box[j].lower.to_string(), j,
             box[j].upper.to_string());
    }
  }
  return vnnlib_unsafe(alternatives);
}

std::string vnnlib_sum(std::span<const size_t> outputs) {
  if (outputs.size() == 1) return fmt::format("Y_{}", outputs[0]);
  std::string out = "(+";
  for (const size_t k : outputs) append(out, " Y_{}", k);
  return out + ")";
}

std::string vnnlib_unsafe(const std::vector<std::string>& alternatives) {
  std::string out = "(assert (or";
  for (const std::string& alternative : alternatives) append(out, "\n  (and {})", alternative);
  return out + "))\n";
}

}  // namespace axiom
