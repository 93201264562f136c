#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "observe/html.h"
#include "observe/picture.h"
#include "observe/plot.h"
#include "observe/sarif.h"

namespace axiom {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Html, TextCannotLeaveItsPlace) {
  EXPECT_EQ(html_escape("a<b> & \"c\"\x01"), "a&lt;b&gt; &amp; &quot;c&quot; ");
  const std::string page = html_page("<script>", "");
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(Html, ColumnsOfNumbersAreSetToTheRight) {
  const std::string table = html_table({"name", "n"}, {{"a", "1.5"}, {"b", "-"}});
  EXPECT_EQ(count(table, "class=\"n\""), 3u);
}

TEST(Plot, WhatAnAxisCannotShowIsLeftOut) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(line_plot({.title = "t"}, {{"s", "plain", {{0, -infinity}, {1, NAN}}, false, {}}}), "");
  EXPECT_EQ(histogram_plot({.log_x = true}, {0, -1}, "good"), "");
  const std::string plot = line_plot({.title = "t"}, {{"s", "plain", {{0, -infinity}, {1, 2}, {2, 3}}, false, {}}});
  EXPECT_EQ(plot.find("inf"), std::string::npos);
  EXPECT_EQ(plot.find("nan"), std::string::npos);
}

TEST(Plot, OneValueStillHasAnAxis) {
  for (const bool log : {false, true}) {
    const std::string plot = histogram_plot({.title = "t", .log_x = log}, {0.25}, "good");
    EXPECT_EQ(plot.find("nan"), std::string::npos);
    EXPECT_EQ(count(plot, "<rect"), 1u);
  }
}

TEST(Plot, EveryNodeOfATreeIsDrawn) {
  TreeDrawing tree;
  tree.nodes = {{0, "plain", "root"}, {0, "plain", "left"}, {1, "good", "a"}, {1, "bad", "b"}, {0, "open", "right"}};
  const std::string plot = tree_plot("tree", tree);
  EXPECT_EQ(count(plot, "<circle"), 5u);
  EXPECT_EQ(count(plot, "<line"), 4u);
}

TEST(Picture, ShapesThatArePictures) {
  const auto image = picture_shape({1, 3, 32, 32});
  ASSERT_TRUE(image);
  EXPECT_EQ(image->channels, 3u);
  EXPECT_EQ(image->index(1, 0, 2), 1024u + 2);
  const auto last = picture_shape({1, 32, 16, 3});
  ASSERT_TRUE(last);
  EXPECT_EQ(last->height, 32u);
  EXPECT_EQ(last->index(1, 0, 2), 7u);
  const auto vector = picture_shape({1, 784, 1});
  ASSERT_TRUE(vector);
  EXPECT_EQ(vector->width, 28u);
  EXPECT_FALSE(picture_shape({1, 5}));
  EXPECT_FALSE(picture_shape({1, 4, 4}));
  EXPECT_FALSE(picture_shape({1, 785}));
  EXPECT_FALSE(picture_shape({-1, 3, 32, 32}));
}

TEST(Picture, PngHasItsChunksAndChecksums) {
  const std::string png = encode_png(1, 2, 3, std::string("\x00\x7f\xff\x10\x20\x30", 6));
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_NE(png.find("IHDR"), std::string::npos);
  EXPECT_NE(png.find("IDAT"), std::string::npos);
  // The checksum of an empty IEND is the same in every file.
  EXPECT_EQ(png.substr(png.size() - 12), std::string("\x00\x00\x00\x00IEND\xae\x42\x60\x82", 12));
}

TEST(Sarif, RulesHaveDistinctIds) {
  std::set<std::string_view> ids;
  for (const SarifRule& rule : sarif_rules()) EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
}

TEST(Sarif, PathsBecomeUris) {
  const auto uri = [](const std::string& path) {
    const auto document = sarif_document("1.2.3", {{"axiom/time", "m", path, 3, "q", nullptr}});
    return document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        .get<std::string>();
  };
  EXPECT_EQ(uri("a folder/p%.vnnlib"), "a%20folder/p%25.vnnlib");
  EXPECT_EQ(uri("/a/b.vnnlib"), "file:///a/b.vnnlib");
}

}  // namespace
}  // namespace axiom
