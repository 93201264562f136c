// The public benchmark files, where they are at hand: AXIOM_BENCHMARKS names the folder, else it is looked for beside
// the source tree.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "base/files.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"

namespace axiom {
namespace {

namespace fs = std::filesystem;

fs::path benchmarks() {
  const char* named = std::getenv("AXIOM_BENCHMARKS");
  return named != nullptr ? fs::path(named) : fs::path(AXIOM_SOURCE_DIR) / ".." / "shared" / "benchmarks";
}

/// Calls `read` with every file of <family>/<kind>/ and returns how many there were.
int for_each_file(const std::string& kind, const std::function<void(const std::string&)>& read) {
  int count = 0;
  for (const auto& family : fs::directory_iterator(benchmarks())) {
    if (!fs::is_directory(family.path() / kind)) continue;
    for (const auto& file : fs::directory_iterator(family.path() / kind)) {
      read(file.path().string());
      ++count;
    }
  }
  return count;
}

class Benchmarks : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory(benchmarks())) {
      GTEST_SKIP() << "no benchmark files at " << benchmarks() << "; set AXIOM_BENCHMARKS to their folder";
    }
  }
};

TEST_F(Benchmarks, HaveModelsThatAreRead) {
  const int count = for_each_file("onnx", [](const std::string& path) {
    const auto graph = read_onnx(path);
    ASSERT_TRUE(graph) << path << ": " << graph.error().message;
    EXPECT_EQ(graph->inputs.size(), 1u) << path;
    EXPECT_EQ(graph->outputs.size(), 1u) << path;
  });
  EXPECT_GT(count, 0);
}

TEST_F(Benchmarks, HavePropertiesThatAreRead) {
  const int count = for_each_file("vnnlib", [](const std::string& path) {
    const auto text = read_file(path);
    ASSERT_TRUE(text) << path;
    const auto property = parse_vnnlib(*text);
    ASSERT_TRUE(property) << path << ": " << property.error().message;
    EXPECT_FALSE(property->disjuncts.empty()) << path;
  });
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace axiom
