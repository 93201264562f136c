// PNG (RFC 2083) with zlib; base64 (RFC 4648).
#include "observe/picture.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>

#include "base/result.h"
#include "observe/html.h"

namespace axiom {
namespace {

constexpr int64_t kLeastSide = 8;

std::string big_endian(uint32_t value) {
  std::string out(4, '\0');
  for (int k = 0; k < 4; ++k) out[static_cast<size_t>(k)] = static_cast<char>(value >> (24 - 8 * k));
  return out;
}

std::string chunk(std::string_view name, const std::string& data) {
  const std::string body = std::string(name) + data;
  const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + body + big_endian(static_cast<uint32_t>(sum));
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t k = 0; k < bytes.size(); k += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - k);
    for (size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[k + i]) : 0u);
    for (size_t i = 0; i < 4; ++i) out += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace

std::optional<PictureShape> picture_shape(const std::vector<int64_t>& shape) {
  int64_t total = 1;
  std::vector<int64_t> rest;
  for (const int64_t side : shape) {
    if (side <= 0 || side > (1 << 20) || total > (1 << 24)) return std::nullopt;
    total *= side;
  }
  const size_t n = shape.size();
  const auto make = [&](int64_t channels, int64_t height, int64_t width, bool last) -> std::optional<PictureShape> {
    if ((channels != 1 && channels != 3) || height < kLeastSide || width < kLeastSide) return std::nullopt;
    if (channels * height * width != total) return std::nullopt;
    return PictureShape{static_cast<size_t>(channels), static_cast<size_t>(height), static_cast<size_t>(width), last};
  };
  if (n >= 3) {
    if (auto first = make(shape[n - 3], shape[n - 2], shape[n - 1], false)) return first;
    if (auto last = make(shape[n - 1], shape[n - 3], shape[n - 2], true)) return last;
  }
  if (n >= 2) {
    if (auto plain = make(1, shape[n - 2], shape[n - 1], false)) return plain;
  }
  const int64_t side = std::lround(std::sqrt(static_cast<double>(total)));
  if (side * side == total && std::count(shape.begin(), shape.end(), total) == 1) return make(1, side, side, false);
  return std::nullopt;
}

std::string encode_png(size_t channels, size_t height, size_t width, const std::string& pixels) {
  AXIOM_CHECK(pixels.size() == channels * height * width && (channels == 1 || channels == 3));
  std::string raw;
  for (size_t y = 0; y < height; ++y) raw += '\0' + pixels.substr(y * width * channels, width * channels);
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string packed(size, '\0');
  const int done = compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                            static_cast<uLong>(raw.size()));
  AXIOM_CHECK(done == Z_OK);
  packed.resize(size);
  const char colour = channels == 3 ? 2 : 0;
  const std::string header = big_endian(static_cast<uint32_t>(width)) + big_endian(static_cast<uint32_t>(height)) +
                             std::string{8, colour, 0, 0, 0};
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", packed) + chunk("IEND", "");
}

std::string picture_html(const PictureShape& shape, std::span<const double> values, double lo, double hi,
                         std::string_view description) {
  std::string pixels;
  for (size_t y = 0; y < shape.height; ++y) {
    for (size_t x = 0; x < shape.width; ++x) {
      for (size_t c = 0; c < shape.channels; ++c) {
        const double share = hi > lo ? (values[shape.index(c, y, x)] - lo) / (hi - lo) : 0.5;
        pixels += static_cast<char>(std::lround(std::clamp(share, 0.0, 1.0) * 255));
      }
    }
  }
  return fmt::format("<figure><img alt=\"{}\" src=\"data:image/png;base64,{}\"><figcaption>{}</figcaption></figure>\n",
                     html_escape(description), base64(encode_png(shape.channels, shape.height, shape.width, pixels)),
                     html_escape(description));
}

}  // namespace axiom
