// A cursor that remembers whether it ran off the end, so that the fields read like the table of the specification.
#include "cli/certificate_header.h"

#include <fmt/format.h>

namespace axiom::cli {
namespace {

constexpr std::string_view kMagic = "AXCERT01";

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  uint8_t byte() {
    if (position_ >= bytes_.size()) failed_ = true;
    return failed_ ? 0 : static_cast<uint8_t>(bytes_[position_++]);
  }
  /// Unsigned LEB128 of at most 9 bytes without redundant zero byte.
  uint64_t varint() {
    uint64_t value = 0;
    for (int i = 0; i < 9; ++i) {
      const uint8_t next = byte();
      value |= static_cast<uint64_t>(next & 0x7f) << (7 * i);
      if (next & 0x80) continue;
      failed_ |= i > 0 && next == 0;
      return value;
    }
    failed_ = true;
    return 0;
  }
  std::string hex(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", byte());
    return text;
  }
  bool failed() const { return failed_; }
  size_t position() const { return position_; }

 private:
  std::string_view bytes_;
  size_t position_ = kMagic.size();
  bool failed_ = false;
};

}  // namespace

bool is_certificate(std::string_view bytes) { return bytes.starts_with(kMagic); }

Result<CertificateHeader> parse_certificate_header(std::string_view bytes) {
  if (!is_certificate(bytes)) return invalid_input("byte 0: a certificate begins with AXCERT01");
  Cursor cursor(bytes);
  CertificateHeader header;
  const uint8_t semantics = cursor.byte();
  if (semantics > 1)
    return invalid_input(fmt::format("byte 8: semantics is {}; it is 0 (real) or 1 (float32)", semantics));
  header.semantics = semantics == 0 ? "real" : "float32";
  header.model_digest = cursor.hex(32);
  header.property_digest = cursor.hex(32);
  for (uint64_t* count :
       {&header.inputs, &header.outputs, &header.operators, &header.elements, &header.disjuncts, &header.tree_bytes}) {
    *count = cursor.varint();
  }
  if (cursor.failed())
    return invalid_input(fmt::format("byte {}: the header is damaged or cut off", cursor.position()));
  header.header_bytes = cursor.position();
  const uint64_t rest = bytes.size() - cursor.position();
  if (rest != header.tree_bytes) {
    return invalid_input(
        fmt::format("the header announces a tree of {} bytes, and {} follow", header.tree_bytes, rest));
  }
  return header;
}

}  // namespace axiom::cli
