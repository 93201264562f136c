// Robustness in the greatest norm (Szegedy et al. 2014), with the units of the data set.
//
// With p the pixels, the box of X_j is ((max(p_j - eps, LO) - m) / s, (min(p_j + eps, HI) - m) / s). A quotient of
// decimals need not end; then 20 digits are kept, rounded outward, far finer than binary64.
#include "properties/robust.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "properties/vnnlib_text.h"

namespace axiom {
namespace {

constexpr size_t kQuotientDigits = 20;
constexpr size_t kMostDigits = 1000;  // Of a number in a property.

const Decimal& least(const Decimal& a, const Decimal& b) { return compare(b, a) < 0 ? b : a; }
const Decimal& greatest(const Decimal& a, const Decimal& b) { return compare(b, a) > 0 ? b : a; }

// The axis that holds the channels; nothing when none has that many.
std::optional<size_t> channel_axis(const Shape& shape, size_t channels) {
  const auto has = [&](size_t axis) { return axis < shape.size() && shape[axis] == static_cast<int64_t>(channels); };
  if (has(1)) return 1;
  if (!shape.empty() && has(shape.size() - 1)) return shape.size() - 1;
  return std::nullopt;
}

Result<std::vector<uint32_t>> channels_of(const Graph& graph, size_t channels) {
  if (graph.inputs.size() != 1)
    return invalid_input(
        fmt::format("mean and std: the network has {} inputs, so channels are not defined; give one "
                    "number for all of them",
                    graph.inputs.size()));
  const Shape& shape = graph.values[static_cast<size_t>(graph.inputs[0])].type->shape;
  const std::optional<size_t> axis = channel_axis(shape, channels);
  if (!axis)
    return invalid_input(
        fmt::format("mean and std: {} numbers, but neither axis 1 nor the last axis of the input {} "
                    "has {} entries; give one number for each channel, or one for all",
                    channels, to_string(shape), channels));
  size_t stride = 1;
  for (size_t i = *axis + 1; i < shape.size(); ++i) stride *= static_cast<size_t>(shape[i]);
  std::vector<uint32_t> out(input_count(graph));
  for (size_t j = 0; j < out.size(); ++j) out[j] = static_cast<uint32_t>(j / stride % channels);
  return out;
}

}  // namespace

Result<PixelScale> PixelScale::make(const Graph& graph, std::span<const Decimal> mean,
                                    std::span<const Decimal> deviation, std::optional<Interval> range) {
  PixelScale scale;
  scale.size_ = input_count(graph);
  scale.mean_.assign(mean.begin(), mean.end());
  scale.deviation_.assign(deviation.begin(), deviation.end());
  scale.range_ = std::move(range);
  for (const Decimal& s : deviation) {
    if (compare(s, Decimal()) > 0) continue;
    return invalid_input(fmt::format("std: {} is not above 0", s.to_string()));
  }
  const size_t channels = std::max(mean.size(), deviation.size());
  for (std::vector<Decimal>* numbers : {&scale.mean_, &scale.deviation_}) {
    if (numbers->size() == 1) numbers->resize(channels, numbers->front());
    if (numbers->empty() || numbers->size() == channels) continue;
    return invalid_input(
        fmt::format("mean has {} numbers, std has {}; give one for each channel, or one for all of them", mean.size(),
                    deviation.size()));
  }
  if (channels > 1) {
    Result<std::vector<uint32_t>> of = channels_of(graph, channels);
    if (!of) return of.error();
    scale.channel_ = std::move(*of);
  }
  return scale;
}

Decimal PixelScale::below(const Decimal& pixel, size_t entry) const {
  const size_t channel = channel_.empty() ? 0 : channel_[entry];
  const Decimal centred = mean_.empty() ? pixel : pixel + -mean_[channel];
  return deviation_.empty() ? centred : quotient_down(centred, deviation_[channel], kQuotientDigits);
}

Decimal PixelScale::above(const Decimal& pixel, size_t entry) const {
  const size_t channel = channel_.empty() ? 0 : channel_[entry];
  const Decimal centred = mean_.empty() ? pixel : pixel + -mean_[channel];
  return deviation_.empty() ? centred : -quotient_down(-centred, deviation_[channel], kQuotientDigits);
}

Result<std::vector<float>> PixelScale::input(std::span<const Decimal> pixels) const {
  AXIOM_CHECK(pixels.size() == size_);
  std::vector<float> out;
  for (size_t j = 0; j < size_; ++j) {
    if (range_ && (compare(pixels[j], range_->lower) < 0 || compare(pixels[j], range_->upper) > 0))
      return invalid_input(
          fmt::format("number {} is {}, outside of the range {} to {}; the range, eps, mean and std "
                      "are in the units of the inputs given",
                      j, pixels[j].round_nearest(), range_->lower.to_string(), range_->upper.to_string()));
    out.push_back(below(pixels[j], j).round_nearest_float());
    if (!std::isfinite(out.back()))
      return invalid_input(fmt::format("number {} is {}, which is no finite binary32 number for the network", j,
                                       pixels[j].round_nearest()));
  }
  return out;
}

Box PixelScale::box(std::span<const Decimal> pixels, const Decimal& eps) const {
  AXIOM_CHECK(pixels.size() == size_);
  std::vector<Interval> sides;
  sides.reserve(size_);
  for (size_t j = 0; j < size_; ++j) {
    Decimal low = pixels[j] + -eps, high = pixels[j] + eps;
    if (range_) {
      low = greatest(low, range_->lower);
      high = least(high, range_->upper);
    }
    sides.push_back({below(low, j), above(high, j)});
  }
  return sides;
}

std::optional<size_t> decision_of(std::span<const float> scores) {
  if (std::any_of(scores.begin(), scores.end(), [](float y) { return std::isnan(y); })) return std::nullopt;
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

Status check_decides(const Graph& graph) {
  if (graph.outputs.size() != 1)
    return invalid_input(
        fmt::format("robust: the network has {} output tensors; a decision is the greatest entry of "
                    "one",
                    graph.outputs.size()));
  const Shape& shape = graph.values[static_cast<size_t>(graph.outputs[0])].type->shape;
  const auto wide = std::count_if(shape.begin(), shape.end(), [](int64_t extent) { return extent > 1; });
  if (wide == 1) return {};
  if (wide == 0)
    return invalid_input(
        "robust: the network has one output; a decision needs a score for each of two classes or "
        "more. Of a single number, ask for --property bounded-output");
  return invalid_input(fmt::format("robust: the output {} is no list of scores, one for each class", to_string(shape)));
}

Result<LibraryText> robust_text(const RobustQuestion& question) {
  if (Status decides = check_decides(question.graph); !decides) return decides.error();
  const size_t outputs = output_count(question.graph);
  if (question.decision >= outputs)
    return invalid_input(fmt::format("robust: there is no class {}; the network has the classes 0 to {}",
                                     question.decision, outputs - 1));
  if (question.eps.is_negative()) return invalid_input("robust: eps is negative");
  const Box box = question.scale.box(question.pixels, question.eps);
  for (const Interval& side : box) {
    if (side.lower.digit_count() <= kMostDigits && side.upper.digit_count() <= kMostDigits) continue;
    return invalid_input(
        fmt::format("robust: with this eps the ends of the box have more than {} digits; give eps "
                    "fewer",
                    kMostDigits));
  }
  std::vector<std::string> unsafe;
  for (size_t k = 0; k < outputs; ++k) {
    if (k != question.decision) unsafe.push_back(fmt::format("(>= Y_{} Y_{})", k, question.decision));
  }
  LibraryText out;
  out.description = fmt::format("class {}, eps {}", question.decision, question.eps.to_string());
  out.vnnlib =
      fmt::format("; robust: {}\n; Unsafe: another output is at least Y_{}.\n", out.description, question.decision) +
      vnnlib_declarations(input_count(question.graph), outputs) + vnnlib_boxes(std::vector<Box>{box}) +
      vnnlib_unsafe(unsafe);
  return out;
}

}  // namespace axiom
