// valid-probabilities: every output is at least 0 and every distribution sums up to 1, each up to a tolerance T.
//
// Unsafe, and closed: some Y_i <= -T, or some distribution's sum >= 1 + T or <= 1 - T. Outside of it every Y_i of a
// distribution of n is also below 1 + n T, since it is its sum less the others. docs/properties.md explains it.
#include <fmt/format.h>

#include <algorithm>

#include "graph/lowering.h"
#include "properties/library.h"
#include "properties/vnnlib_text.h"

namespace axiom {
namespace {

// Entries of a distribution for which Softmax has a meaning.
constexpr size_t kLongest = size_t{1} << 20;

/// Outputs that are one distribution together.
using Distribution = std::vector<size_t>;

// Of each element, the softmax group that it belongs to.
struct Groups {
  explicit Groups(const Program& program) : of(program.element_count, kNone) {
    for (const CoreOp& op : program.ops) {
      if (op.kind != CoreKind::kSoftmax) continue;
      for (size_t g = 0; g + 1 < op.window_begin.size(); ++g) {
        const uint32_t begin = op.window_begin[g], end = op.window_begin[g + 1];
        std::fill(of.begin() + op.first + begin, of.begin() + op.first + end, size.size());
        size.push_back(end - begin);
      }
    }
  }
  static constexpr size_t kNone = ~size_t{0};
  std::vector<size_t> of, size;
};

// The outputs [first, first + count) by softmax group, when they are whole groups, each element once; else nothing.
std::vector<Distribution> by_group(const Program& program, const Groups& groups, size_t first, size_t count) {
  std::vector<Distribution> out;
  std::vector<size_t> place(groups.size.size(), Groups::kNone);
  std::vector<ElementId> elements(program.outputs.begin() + static_cast<std::ptrdiff_t>(first),
                                  program.outputs.begin() + static_cast<std::ptrdiff_t>(first + count));
  for (size_t i = 0; i < count; ++i) {
    const size_t group = groups.of[elements[i]];
    if (group == Groups::kNone) return {};
    if (place[group] == Groups::kNone) {
      place[group] = out.size();
      out.emplace_back();
    }
    out[place[group]].push_back(first + i);
  }
  std::sort(elements.begin(), elements.end());
  if (std::adjacent_find(elements.begin(), elements.end()) != elements.end()) return {};
  for (size_t group = 0; group < place.size(); ++group) {
    if (place[group] != Groups::kNone && out[place[group]].size() != groups.size[group]) return {};
  }
  return out;
}

struct Outputs {
  std::vector<Distribution> distributions;
  size_t count = 0;
};

// By softmax group; an output tensor that is not made of them, by lines along its last axis. A line of one number is no
// distribution but a probability.
Outputs outputs_of(const Graph& graph) {
  Outputs out;
  const Result<Program> program = lower_to_program(graph);
  const std::optional<Groups> groups = program ? std::optional<Groups>(*program) : std::nullopt;
  for (const ValueId output : graph.outputs) {
    const Shape& shape = graph.values[static_cast<size_t>(output)].type->shape;
    const auto count = static_cast<size_t>(*element_count(shape));
    std::vector<Distribution> found;
    if (groups) found = by_group(*program, *groups, out.count, count);
    const size_t length = shape.empty() ? 1 : static_cast<size_t>(shape.back());
    for (size_t i = 0; found.empty() && i < count; ++i) {
      if (i % length == 0) out.distributions.emplace_back();
      out.distributions.back().push_back(out.count + i);
    }
    out.distributions.insert(out.distributions.end(), found.begin(), found.end());
    out.count += count;
  }
  return out;
}

// The least decimal of two digits that is at least twice the proved error t(n) of a float32 Softmax, plus 1e-9: what a
// proof adds for its own rounding is far below that.
Decimal default_tolerance(size_t n) {
  const double ku = static_cast<double>(n + 8) * 0x1p-24, least = 2 * (ku / (1 - ku)) + 1e-9;
  for (int exponent = -9;; ++exponent) {
    for (int digits = 10; digits < 100; ++digits) {
      const Decimal tolerance = *Decimal::parse(fmt::format("{}e{}", digits, exponent));
      if (tolerance.round_down() >= least) return tolerance;
    }
  }
}

Result<Decimal> tolerance_of(const LibraryQuestion& question, size_t longest) {
  const Decimal one = *Decimal::parse("1");
  if (!question.tolerance) return default_tolerance(longest);
  if (compare(Decimal(), *question.tolerance) < 0 && compare(*question.tolerance, one) < 0) return *question.tolerance;
  return invalid_input(
      fmt::format("valid-probabilities: the tolerance {} is not between 0 and 1; outputs that are "
                  "exactly 0 are common, so it must be above 0",
                  question.tolerance->to_string()));
}

Result<LibraryClaim> lower(const LibraryQuestion& question) {
  const Outputs outputs = outputs_of(question.graph);
  size_t longest = 1;
  for (const Distribution& distribution : outputs.distributions) longest = std::max(longest, distribution.size());
  if (longest > kLongest)
    return invalid_input(
        fmt::format("valid-probabilities: a distribution of {} outputs, at most {} are covered", longest, kLongest));
  const Result<Decimal> tolerance = tolerance_of(question, longest);
  if (!tolerance) return tolerance.error();
  const Decimal one = *Decimal::parse("1");
  const std::string below = (-*tolerance).to_string(), least = (one + -*tolerance).to_string(),
                    most = (one + *tolerance).to_string();
  LibraryClaim claim;
  for (size_t k = 0; k < outputs.count; ++k) claim.unsafe.push_back(fmt::format("(<= Y_{} {})", k, below));
  for (const Distribution& distribution : outputs.distributions) {
    const std::string sum = vnnlib_sum(distribution);
    claim.unsafe.push_back(fmt::format("(>= {} {})", sum, most));
    if (distribution.size() > 1) claim.unsafe.push_back(fmt::format("(<= {} {})", sum, least));
  }
  const auto count = std::count_if(outputs.distributions.begin(), outputs.distributions.end(),
                                   [](const Distribution& distribution) { return distribution.size() > 1; });
  claim.description = fmt::format("{} output{}, {} distribution{}, tolerance {}", outputs.count,
                                  outputs.count == 1 ? "" : "s", count, count == 1 ? "" : "s", tolerance->to_string());
  claim.unsafe_words = "an output below 0, or a sum that is not 1, by the tolerance or more.";
  return claim;
}

}  // namespace

extern const LibraryProperty valid_probabilities_property{
    .name = "valid-probabilities",
    .summary = "every output is at least 0, and every distribution sums up to 1",
    .takes_tolerance = true,
    .lower = lower};

}  // namespace axiom
