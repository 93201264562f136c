#include "base/progress.h"

#include <gtest/gtest.h>

namespace axiom {
namespace {

TEST(Progress, TellsShareRateAndRemainingTime) {
  EXPECT_EQ(
      progress_line(
          {.label = "verify", .unit = "leaves", .detail = "bound -0.2", .done = 312, .total = 1000, .seconds = 2.0}),
      "verify: 312/1000 leaves (31 %), 156/s, 5 s left, bound -0.2");
}

TEST(Progress, PromisesNoEndWhenTheTotalIsUnknown) {
  EXPECT_EQ(progress_line({.label = "search", .unit = "", .detail = "", .done = 5, .total = 0, .seconds = 10.0}),
            "search: 5, 0.5/s");
  EXPECT_EQ(progress_line({.label = "search", .unit = "", .detail = "", .done = 0, .total = 9, .seconds = 1.0}),
            "search: 0/9 (0 %)");
}

TEST(Progress, SpellsDurations) {
  EXPECT_EQ(duration_text(0.2), "1 s");
  EXPECT_EQ(duration_text(65), "1 min 05 s");
  EXPECT_EQ(duration_text(7380), "2 h 03 min");
}

TEST(Progress, IsSilentWhereStderrIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("work", "items", 10);
    for (int i = 0; i < 10; ++i) progress.update(i);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace axiom
