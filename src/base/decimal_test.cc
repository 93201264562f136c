#include "base/decimal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>

namespace axiom {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

Decimal decimal(std::string_view text) {
  auto parsed = Decimal::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Decimal();
}

std::string text_of(std::string_view text) { return decimal(text).to_string(); }

TEST(Decimal, ReadsAndWritesTheShortestForm) {
  EXPECT_EQ(text_of("-0.303531156"), "-0.303531156");
  EXPECT_EQ(text_of("+00012.500"), "12.5");
  EXPECT_EQ(text_of("-0.0"), "0");
  EXPECT_EQ(text_of("1e-05"), "0.00001");
  EXPECT_EQ(text_of("12E3"), "12000");
  EXPECT_EQ(text_of("1.5e-300"), "1.5e-300");
  EXPECT_EQ(text_of("7e400"), "7e400");
  EXPECT_EQ(text_of("0.0000001"), "1e-7");
}

TEST(Decimal, RefusesWhatIsNoDecimalNumber) {
  for (const char* text : {"", "-", "+", ".", ".5", "5.", "1e", "1e+", "--1", "0x10", "inf", "nan", "1 ", " 1", "1,5",
                           "1.2.3", "1e5.5", "1e99999999999999999999"}) {
    EXPECT_FALSE(Decimal::parse(text)) << text;
  }
  EXPECT_TRUE(Decimal::parse(std::string(1000, '7')));
  EXPECT_FALSE(Decimal::parse(std::string(1001, '7')));
  EXPECT_TRUE(Decimal::parse("1e10000"));
  EXPECT_FALSE(Decimal::parse("1e10001"));
}

TEST(Decimal, AddsAndMultipliesExactly) {
  EXPECT_EQ((decimal("0.1") + decimal("0.2")).to_string(), "0.3");
  EXPECT_EQ((decimal("1e30") + decimal("-1e-30")).to_string(),
            "999999999999999999999999999999.999999999999999999999999999999");
  EXPECT_EQ((decimal("5") + decimal("-5")).to_string(), "0");
  EXPECT_EQ((decimal("-999999999.5") + decimal("0.5")).to_string(), "-999999999");
  EXPECT_EQ((decimal("123456789123456789") * decimal("-987654321987654321")).to_string(),
            "-1.21932631356500531347203169112635269e35");
  EXPECT_EQ((decimal("0") * decimal("-3")).to_string(), "0");
  EXPECT_EQ(-decimal("0"), decimal("0"));
}

TEST(Decimal, ComparesByValue) {
  EXPECT_EQ(compare(decimal("1.0"), decimal("1")), 0);
  EXPECT_EQ(compare(decimal("-2"), decimal("1")), -1);
  EXPECT_EQ(compare(decimal("10"), decimal("9.99")), 1);
  EXPECT_EQ(compare(decimal("-10"), decimal("-9.99")), -1);
  EXPECT_EQ(compare(decimal("0.125"), decimal("0.12")), 1);
  EXPECT_EQ(compare(decimal("0"), decimal("-1e-9000")), 1);
}

TEST(Decimal, RoundsOutwardAtTheEndsOfTheRange) {
  EXPECT_EQ(decimal("1e400").round_down(), kMax);
  EXPECT_EQ(decimal("1e400").round_up(), kInfinity);
  EXPECT_EQ(decimal("-1e400").round_down(), -kInfinity);
  EXPECT_EQ(decimal("-1e400").round_up(), -kMax);
  EXPECT_EQ(decimal("1e-400").round_down(), 0.0);
  EXPECT_EQ(decimal("1e-400").round_up(), kTiny);
  EXPECT_EQ(decimal("-1e-400").round_down(), -kTiny);
  EXPECT_EQ(decimal("-1e-400").round_up(), 0.0);
  EXPECT_FALSE(std::signbit(decimal("-1e-400").round_up()));
  const Decimal beyond_max = Decimal::exact(kMax) + decimal("1");
  EXPECT_EQ(beyond_max.round_down(), kMax);
  EXPECT_EQ(beyond_max.round_up(), kInfinity);
}

TEST(Decimal, RoundsExactValuesToThemselves) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t bits = random();
    double value = 0.0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const Decimal exact = Decimal::exact(value);
    EXPECT_EQ(exact.round_down(), value);
    EXPECT_EQ(exact.round_up(), value);
    EXPECT_EQ(compare(decimal(exact.to_string()), exact), 0);
  }
}

TEST(Decimal, BracketsEveryValueByNeighbouringDoubles) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    const Decimal value = decimal((random() % 2 ? "-0." : "0.") + std::to_string(random()) + std::to_string(random()) +
                                  "e" + std::to_string(static_cast<int>(random() % 600) - 300));
    const double down = value.round_down(), up = value.round_up(), nearest = value.round_nearest();
    EXPECT_LE(compare(Decimal::exact(down), value), 0);
    EXPECT_GE(compare(Decimal::exact(up), value), 0);
    EXPECT_TRUE(down == up || std::nextafter(down, kInfinity) == up);
    EXPECT_TRUE(nearest == down || nearest == up);
  }
}

TEST(Decimal, DecidesTheHairBesideAMidpoint) {
  // 1 + 2^-53 lies halfway between 1 and the next double.
  const Decimal midpoint = decimal("1") + Decimal::exact(0x1p-53);
  const Decimal hair = decimal("1e-90");
  EXPECT_EQ(midpoint.round_nearest(), 1.0);
  EXPECT_EQ((midpoint + hair).round_nearest(), 1.0 + 0x1p-52);
  EXPECT_EQ((midpoint + -hair).round_nearest(), 1.0);
  EXPECT_EQ((decimal("1") + hair).round_up(), 1.0 + 0x1p-52);
  EXPECT_EQ((decimal("1") + -hair).round_down(), 1.0 - 0x1p-53);
}

TEST(Decimal, RoundsToFloatWithoutPassingThroughDouble) {
  // Just above the float midpoint 1 + 2^-24, but on it once rounded to double.
  const Decimal value = decimal("1") + Decimal::exact(0x1p-24) + Decimal::exact(0x1p-80);
  EXPECT_EQ(value.round_nearest_float(), 1.0f + 0x1p-23f);
  EXPECT_EQ(static_cast<float>(value.round_nearest()), 1.0f);
}

TEST(Decimal, QuotientsRoundDownToTheDigitsAskedFor) {
  const auto quotient = [](const char* a, const char* b, size_t digits) {
    return quotient_down(decimal(a), decimal(b), digits).to_string();
  };
  EXPECT_EQ(quotient("1", "3", 5), "0.33333");
  EXPECT_EQ(quotient("-1", "3", 5), "-0.33334");
  EXPECT_EQ(quotient("1", "-3", 5), "-0.33334");
  EXPECT_EQ(quotient("-2", "-3", 5), "0.66666");
  EXPECT_EQ(quotient("1", "8", 3), "0.125");
  EXPECT_EQ(quotient("-1", "8", 3), "-0.125");
  EXPECT_EQ(quotient("123456", "1", 3), "123000");
  EXPECT_EQ(quotient("-123456", "1", 3), "-124000");
  EXPECT_EQ(quotient("-999.9", "1", 3), "-1000");
  EXPECT_EQ(quotient("120000", "0.001", 2), "120000000");
  EXPECT_EQ(quotient("1e-9000", "1e900", 4), "1e-9900");
  EXPECT_EQ(quotient("0", "7", 4), "0");
}

TEST(Decimal, QuotientsOfAnyNumbersAreTheGreatestBelow) {
  std::mt19937_64 random(3);
  const auto draw = [&random] {
    return decimal((random() % 2 ? "-" : "") + std::to_string(1 + random() % 100000) + std::to_string(random()) + "e" +
                   std::to_string(static_cast<int>(random() % 60) - 30));
  };
  for (int i = 0; i < 500; ++i) {
    const Decimal a = draw(), b = draw();
    const size_t digits = 1 + random() % 30;
    const Decimal q = quotient_down(a, b, digits);
    EXPECT_LE(q.digit_count(), digits);
    // q <= a / b < q + 10^(1 - digits) |q| * 10, after multiplication with |b|.
    const Decimal size = b.is_negative() ? -b : b, value = b.is_negative() ? -a : a;
    EXPECT_LE(compare(q * size, value), 0);
    const Decimal last = q.is_negative() ? -q : q;
    const Decimal next = q + last * decimal("1e" + std::to_string(1 - static_cast<int>(digits)));
    EXPECT_GT(compare(next * size, value), 0) << q.to_string();
  }
}

}  // namespace
}  // namespace axiom
