// robust: near an input, the network decides as it does there.
//
// Inputs come in the units in which people store them, *pixels*; the network is fed (pixel - mean) / std. Everything
// is exact in decimals until the ends of the box, which are rounded outward when the quotient has too many digits.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/graph.h"
#include "graph/property.h"
#include "properties/library.h"

namespace axiom {

/// From pixels to what the network is fed.
class PixelScale {
 public:
  /// `mean` and `deviation`: none, one number for all entries, or one a channel. The channels are axis 1 of the input
  /// where it has that many, else the last axis. `range`: where pixels lie, if that is known. kInvalidInput with the
  /// reason when the numbers do not fit the network.
  static Result<PixelScale> make(const Graph& graph, std::span<const Decimal> mean, std::span<const Decimal> deviation,
                                 std::optional<Interval> range);

  size_t size() const { return size_; }

  /// The binary32 numbers that the network is fed. kInvalidInput when a pixel lies outside of the range.
  Result<std::vector<float>> input(std::span<const Decimal> pixels) const;

  /// What pixels within `eps` of these, and inside the range, become. Holds input(pixels), as rounded to binary32.
  Box box(std::span<const Decimal> pixels, const Decimal& eps) const;

 private:
  Decimal below(const Decimal& pixel, size_t entry) const;
  Decimal above(const Decimal& pixel, size_t entry) const;

  size_t size_ = 0;
  std::vector<Decimal> mean_, deviation_;  // By channel; empty: 0, 1.
  std::vector<uint32_t> channel_;          // Of each entry; empty when there is one channel.
  std::optional<Interval> range_;
};

/// The output with the greatest score, the first of several; nothing when a score is NaN.
std::optional<size_t> decision_of(std::span<const float> scores);

/// kInvalidInput unless the network decides between two classes or more: one output tensor with one axis of more than
/// one entry.
Status check_decides(const Graph& graph);

struct RobustQuestion {
  const Graph& graph;       ///< Shape-inferred.
  const PixelScale& scale;  ///< For this network.
  std::vector<Decimal> pixels;
  Decimal eps;          ///< Not negative.
  size_t decision = 0;  ///< The output that must stay the greatest.
};

/// Unsafe: another output is at least that of the decision, for some pixels within eps.
Result<LibraryText> robust_text(const RobustQuestion& question);

}  // namespace axiom
