// Runs every test and says which sentences do not hold.
#include <cstdio>

#include "tests/test.h"

namespace {
int tests = 0, failures = 0;
std::string current;
}  // namespace

void test(const std::string& sentence, const std::function<void()>& body) {
  ++tests;
  current = sentence;
  try {
    body();
  } catch (const std::exception& error) {
    expect(false, "no exception", "", 0, error.what());
  }
}

void expect(bool holds, const char* what, const char* file, int line, const std::string& detail) {
  if (holds) return;
  ++failures;
  std::printf("FAILED: %s\n  %s:%d: %s %s\n", current.c_str(), file, line, what, detail.c_str());
}

int main() {
  sha256_tests();
  decimal_tests();
  encoding_tests();
  property_tests();
  network_tests();
  onnx_tests();
  lowering_tests();
  line_tests();
  sweep_tests();
  certificate_tests();
  tampering_tests();
  thread_tests();
  malformed_tests();
  std::printf("%d tests, %d failures\n", tests, failures);
  return failures == 0 ? 0 : 1;
}
