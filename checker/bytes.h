// Reading the encodings of spec/certificate.md section 8.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "error.h"

namespace checker {

class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  uint64_t at() const { return at_; }
  uint64_t left() const { return bytes_.size() - at_; }

  uint8_t byte() { return take(1)[0]; }

  std::span<const uint8_t> take(uint64_t count) {
    if (count > left()) throw Rejected(text("ends after ", left(), " of ", count, " bytes"));
    at_ += count;
    return bytes_.subspan(size_t(at_ - count), size_t(count));
  }

  // LEB128, at most 9 bytes, without a redundant last byte.
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const uint8_t part = byte();
      value |= uint64_t(part & 127) << shift;
      if (part >= 128) continue;
      if (part == 0 && shift > 0) throw Rejected("an integer with a redundant byte");
      return value;
    }
    throw Rejected("an integer of more than 9 bytes");
  }

  // A varint below `limit`.
  uint32_t index(uint64_t limit, const char* what) {
    const uint64_t value = varint();
    if (value >= limit) throw Rejected(text(what, " ", value, " of ", limit));
    return uint32_t(value);
  }

  double f64() { return finite<double>(); }
  float f32() { return finite<float>(); }

 private:
  template <class Float>
  Float finite() {
    Float value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    if (!std::isfinite(value)) throw Rejected("a number that is not finite");
    return value;
  }

  std::span<const uint8_t> bytes_;
  uint64_t at_ = 0;
};

}  // namespace checker
