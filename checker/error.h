// The two ways in which input fails, and how their texts are made. Both are
// caught in check(); nothing is thrown past checker.h.
#pragma once

#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>

namespace checker {

// A model or property that is malformed or has no certified meaning.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A certificate that proves nothing.
struct Rejected : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A double with all its digits.
inline std::string number(double x) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.17g", x);
  return buffer;
}

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace checker
