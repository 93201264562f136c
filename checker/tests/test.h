// A test is a sentence and a function; expectations always run, in every build.
#pragma once

#include <functional>
#include <string>

void test(const std::string& sentence, const std::function<void()>& body);

// Reports a failed expectation with its place; the test goes on.
void expect(bool holds, const char* what, const char* file, int line, const std::string& detail = "");

#define EXPECT(condition) expect((condition), #condition, __FILE__, __LINE__)
#define EXPECT_NOTE(condition, detail) expect((condition), #condition, __FILE__, __LINE__, (detail))

// The tests of each file.
void sha256_tests();
void decimal_tests();
void encoding_tests();
void property_tests();
void network_tests();
void onnx_tests();
void lowering_tests();
void line_tests();
void sweep_tests();
void certificate_tests();
void tampering_tests();
void thread_tests();
void malformed_tests();
