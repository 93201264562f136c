// Reading a whole file, with a cap on its size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace checker {

// Throws Malformed when the file cannot be read or is larger than `cap` bytes.
std::vector<uint8_t> read_file(const std::string& path, uint64_t cap);

}  // namespace checker
