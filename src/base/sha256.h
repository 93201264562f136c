// SHA-256 (FIPS 180-4), streaming.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace axiom {

/// Hashes bytes as they come. Uses the processor's SHA instructions where it has them; the digest is the same.
class Sha256 {
 public:
  enum class Code { kFastest, kPortable };
  explicit Sha256(Code code = Code::kFastest) : code_(code) {}
  void update(const void* data, size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  /// Lower-case hex digest of everything given so far; more may follow.
  std::string hex() const;

 private:
  Code code_;
  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> block_ = {};  ///< The bytes since the last full block.
  uint64_t size_ = 0;                   ///< Bytes given so far.
};

/// Digest of `bytes` in lower-case hex.
std::string sha256_hex(std::string_view bytes);

}  // namespace axiom
