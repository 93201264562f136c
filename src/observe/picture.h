// Inputs that are pictures, as PNG files inside a page.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace axiom {

/// Where the pixels of a picture are in a flat input.
struct PictureShape {
  size_t channels = 1, height = 0, width = 0;
  bool channels_last = false;
  size_t index(size_t c, size_t y, size_t x) const {
    return channels_last ? (y * width + x) * channels + c : (c * height + y) * width + x;
  }
};

/// How to see an input of this shape as a picture: [.., C, H, W] or [.., H, W, C] with 1 or 3 channels and at least 8
/// pixels a side, or a vector whose length is the square of 8 or more. Nothing when it is none of them.
std::optional<PictureShape> picture_shape(const std::vector<int64_t>& shape);

/// <img> with a PNG in it; `lo` is black and `hi` white, in each channel.
std::string picture_html(const PictureShape& shape, std::span<const double> values, double lo, double hi,
                         std::string_view description);

/// The bytes of a PNG file: 8 bits a channel, 1 or 3 channels, rows from the top.
std::string encode_png(size_t channels, size_t height, size_t width, const std::string& pixels);

}  // namespace axiom
