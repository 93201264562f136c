// SHA-256, decimals, the encodings of certificates, VNN-LIB and protobuf.
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "bytes.h"
#include "decimal.h"
#include "error.h"
#include "onnx.h"
#include "property.h"
#include "sha256.h"
#include "tests/build.h"
#include "tests/test.h"

namespace {

using checker::Decimal;
using checker::Malformed;
using checker::Rejected;
using checker::Round;
using checker::Semantics;

std::string digest_of(const std::string& text) {
  return checker::hex(checker::sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
}

Decimal decimal(const std::string& text) {
  Decimal value;
  EXPECT_NOTE(Decimal::parse(text, value), text);
  return value;
}

template <class Error>
std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

checker::Property property(const std::string& text, Semantics semantics = Semantics::real) {
  return checker::read_property({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, semantics, {});
}

std::string property_error(const std::string& text) {
  return error_of<Malformed>([&] { property(text); });
}

const std::string kDeclared = "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n";
const std::string kBox = kDeclared + "(assert (>= X_0 -1)) (assert (<= X_0 1))\n";

}  // namespace

void sha256_tests() {
  test("SHA-256 gives the values of FIPS 180-4", [] {
    EXPECT(digest_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT(digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT(digest_of(std::string(1'000'000, 'a')) ==
           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });
  test("SHA-256 pads every length around a block", [] {
    EXPECT(digest_of(std::string(55, 'a')) == "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    EXPECT(digest_of(std::string(56, 'a')) == "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
    EXPECT(digest_of(std::string(64, 'a')) == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  });
}

void decimal_tests() {
  test("a decimal is rounded to the nearest double, also where two doubles are almost equally near", [] {
    for (const char* text : {"0.1",
                             "-0.1",
                             "1",
                             "3.14159265358979323846",
                             "1e22",
                             "1e23",
                             "9007199254740993",
                             "9007199254740992.9999",
                             "2.2250738585072011e-308",
                             "2.2250738585072014e-308",
                             "4.9406564584124654e-324",
                             "2.4703282292062328e-324",
                             "2.47032822920623272088284396434110686182e-324",
                             "1.7976931348623157e308",
                             "8.98846567431158e307",
                             "0.500000000000000166533453693773481063544750213623046875",
                             "6929495644600919.5",
                             "123456789.125e-30",
                             "0.00000000000000000000000000000000000000000000000000000000001",
                             "5e-324",
                             "1e-400",
                             "-1e-400"}) {
      EXPECT_NOTE(decimal(text).to_double(Round::nearest) == std::strtod(text, nullptr), text);
      EXPECT_NOTE(decimal(text).to_float(Round::nearest) == double(std::strtof(text, nullptr)), text);
    }
  });
  test("exact ties go to the even neighbour", [] {
    EXPECT(decimal("9007199254740993").to_double(Round::nearest) == 9007199254740992.0);
    EXPECT(decimal("9007199254740995").to_double(Round::nearest) == 9007199254740996.0);
    EXPECT(decimal("16777217").to_float(Round::nearest) == 16777216.0);
    EXPECT(decimal("16777219").to_float(Round::nearest) == 16777220.0);
    EXPECT(decimal("9007199254740993.00000000000000000000000000000000001").to_double(Round::nearest) ==
           9007199254740994.0);
  });
  test("directed rounding gives the neighbours on both sides, and the number itself when it is a double", [] {
    for (const char* text : {"0.1", "0.3", "1e23", "3.3e-320", "123456.789"}) {
      const double down = decimal(text).to_double(Round::down), up = decimal(text).to_double(Round::up);
      EXPECT(std::nextafter(down, INFINITY) == up);
      const double near = decimal(text).to_double(Round::nearest);
      EXPECT(near == down || near == up);
      const std::string negative = std::string("-") + text;
      EXPECT(decimal(negative).to_double(Round::down) == -up);
      EXPECT(decimal(negative).to_double(Round::up) == -down);
    }
    for (const auto mode : {Round::nearest, Round::down, Round::up})
      EXPECT(decimal("-0.375").to_double(mode) == -0.375);
    EXPECT(decimal("1e-400").to_double(Round::up) == std::numeric_limits<double>::denorm_min());
    EXPECT(decimal("1e-400").to_double(Round::down) == 0);
    EXPECT(decimal("-1e-400").to_double(Round::down) == -std::numeric_limits<double>::denorm_min());
  });
  test("beyond the range, nearest and outward rounding give infinity, inward rounding the greatest number", [] {
    EXPECT(decimal("1e400").to_double(Round::nearest) == INFINITY);
    EXPECT(decimal("1e400").to_double(Round::down) == DBL_MAX);
    EXPECT(decimal("-1e400").to_double(Round::up) == -DBL_MAX);
    EXPECT(decimal("-1e400").to_double(Round::down) == -INFINITY);
    EXPECT(decimal("3.5e38").to_float(Round::nearest) == INFINITY);
    EXPECT(decimal("3.4028235e38").to_float(Round::nearest) == double(FLT_MAX));
  });
  test("sums, differences and products of decimals are exact", [] {
    const Decimal third = decimal("0.1") + decimal("0.2") + -decimal("0.3");
    EXPECT(third.is_zero());
    EXPECT((decimal("1e100") + decimal("1") + -decimal("1e100")).is_one());
    EXPECT((decimal("0.05") * decimal("-20.0")).is_one());
    EXPECT((decimal("0.05") * decimal("-20.0")).is_negative());
    EXPECT((decimal("123456789012345678901234567890") * decimal("1e-29")).to_double(Round::nearest) ==
           1.23456789012345678901234567890);
  });
  test("only plain decimals are numbers", [] {
    Decimal value;
    for (const char* text : {"", "-", ".", "1e", "1e+", "0x1", "inf", "nan", "1.2.3", "1 ", "--1", "1e1.0"}) {
      EXPECT_NOTE(!Decimal::parse(text, value), text);
    }
    EXPECT(decimal("+.5").to_double(Round::nearest) == 0.5);
    EXPECT(decimal("5.").to_double(Round::nearest) == 5);
    EXPECT(decimal("1.0").is_one() && decimal("0.01e2").is_one() && !decimal("1.01").is_one());
    EXPECT(error_of<Malformed>([] { decimal("1e99999999999999999999"); }) != "");
  });
}

void encoding_tests() {
  const auto varint = [](const build::Bytes& bytes) { return checker::ByteReader(bytes).varint(); };
  test("integers are LEB128 of at most 9 bytes without a redundant last byte", [&] {
    EXPECT(varint({0}) == 0);
    EXPECT(varint({0x7f}) == 127);
    EXPECT(varint({0x80, 0x01}) == 128);
    EXPECT(varint({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}) == (uint64_t(1) << 63) - 1);
    EXPECT(error_of<Rejected>([&] { varint({0x80, 0x00}); }) != "");
    EXPECT(error_of<Rejected>([&] { varint({0x81, 0x80, 0x00}); }) != "");
    EXPECT(error_of<Rejected>([&] { varint({0x80}); }) != "");
    EXPECT(error_of<Rejected>([&] { varint(build::Bytes(10, 0x80)); }) != "");
  });
  test("floating-point numbers must be finite", [] {
    for (const double value : {double(INFINITY), -double(INFINITY), std::nan("")}) {
      build::Bytes bytes;
      build::put_f64(bytes, value);
      EXPECT(error_of<Rejected>([&] { checker::ByteReader(bytes).f64(); }) != "");
      build::Bytes single;
      build::put_f32(single, float(value));
      EXPECT(error_of<Rejected>([&] { checker::ByteReader(single).f32(); }) != "");
    }
  });
}

void property_tests() {
  test("bounds of X make the box and everything else a constraint", [] {
    const auto p = property(kBox + "(assert (<= (+ (* 2 X_0) Y_1) (- Y_0 0.1)))");
    EXPECT(p.inputs == 1 && p.outputs == 2 && p.disjuncts.size() == 1 && p.constraints.size() == 1);
    EXPECT(p.disjuncts[0].lo[0] == -1 && p.disjuncts[0].hi[0] == 1);
    const auto& c = p.constraints[0];
    EXPECT(c.terms.size() == 3 && !c.terms[0].is_output && c.terms[0].t == 2);
    EXPECT(c.terms[1].is_output && c.terms[1].index == 0 && c.terms[1].t == -1);
    EXPECT(c.terms[2].index == 1 && c.terms[2].t == 1);
    EXPECT(c.r == std::nextafter(-0.1, 0.0));  // -0.1 rounded up: the nearest double lies below
  });
  test("the greatest lower and the least upper bound count, in each conjunction its own", [] {
    const auto p = property(kBox + "(assert (or (and (<= X_0 0.5) (<= X_0 0.25)) (>= X_0 0) (<= Y_0 3)))");
    EXPECT(p.disjuncts.size() == 3);
    EXPECT(p.disjuncts[0].hi[0] == 0.25 && p.disjuncts[1].lo[0] == 0 && p.disjuncts[2].constraints.size() == 1);
  });
  test("and multiplies out with its first operand most significant", [] {
    const auto p = property(kBox + "(assert (or (<= Y_0 1) (<= Y_0 2)))(assert (or (<= Y_1 3) (<= Y_1 4)))");
    EXPECT(p.disjuncts.size() == 4);
    const double expected[4][2] = {{1, 3}, {1, 4}, {2, 3}, {2, 4}};
    for (size_t d = 0; d < 4; ++d) {
      for (size_t i = 0; i < 2; ++i) EXPECT(p.constraints[p.disjuncts[d].constraints[i]].r == expected[d][i]);
    }
  });
  test("atoms without variables are true or false", [] {
    EXPECT(property(kBox + "(assert (<= 1 2))").disjuncts.size() == 1);
    EXPECT(property(kBox + "(assert (<= Y_0 (+ Y_0 -1e-300)))").disjuncts.empty());
    EXPECT(property(kBox + "(assert (or (>= 1 2) (<= Y_0 0)))").disjuncts.size() == 1);
  });
  test("box ends are rounded outward under real and to nearest binary32 under float32", [] {
    const std::string text = kDeclared + "(assert (>= X_0 0.1))(assert (<= X_0 0.3))";
    const auto real = property(text).disjuncts[0], single = property(text, Semantics::float32).disjuncts[0];
    EXPECT(real.lo[0] == std::nextafter(0.1, 0) && real.hi[0] == std::nextafter(0.3, 1));
    EXPECT(single.lo[0] == double(0.1f) && single.hi[0] == double(0.3f));
  });
  test("malformed properties are refused with their line", [] {
    EXPECT(property_error(kDeclared + "(assert (<= X_0 1))").find("lacks a bound") != std::string::npos);
    EXPECT(property_error(kBox + "(assert (<= Y_7 1))").find("line 5") != std::string::npos);
    for (const char* text :
         {"(assert (<= (* X_0 Y_0) 1))", "(assert (= Y_0 1))", "(assert (<= Y_0))", "(assert (<= Y_0 1 2))", "(push)",
          "(assert (and))", "(assert (<= (or Y_0) 1))", "(assert (or Y_0))", "(assert Y_0)", "(assert (<= Y_0 1)", ")",
          "(declare-const Y_0 Real)", "(declare-const Z_0 Real)", "(declare-const Y_02 Real)",
          "(declare-const Y_9 Real)", "(declare-const Y_2 Int)", "(assert (<= (* 1e-200 Y_0) 0))",
          "(assert (<= Y_0 1x))", "(assert (<= (+) 1))"}) {
      EXPECT_NOTE(property_error(kBox + text) != "", text);
    }
    EXPECT(property_error(kDeclared + "(assert (>= X_0 0))(assert (<= X_0 1e400))") != "");
  });
  test("a comment ends at the line break only, and control characters at which others end it are refused", [] {
    const auto unsafe = [](const std::string& end) {
      return build::box_property(1, 0, 1, 1, "(or ; two cases" + end + "(and (<= Y_0 0.5))\n(and (>= Y_0 3)))");
    };
    EXPECT(property(unsafe("\n"), Semantics::real).disjuncts.size() == 2);
    EXPECT(property(unsafe("\t\r\n"), Semantics::real).disjuncts.size() == 2);
    for (const char* end : {"\r", "\v", "\f", "\x1e", "\r\r\n"}) {
      EXPECT(property_error(unsafe(end)).find("control character") != std::string::npos);
    }
  });
  test("a million nested lists and a formula that explodes are refused", [] {
    std::string nested = kBox + "(assert ";
    for (int i = 0; i < 1'000'000; ++i) nested += "(and ";
    EXPECT(property_error(nested).find("nested") != std::string::npos);
    std::string wide = kBox;
    for (int i = 0; i < 64; ++i) wide += "(assert (or (<= Y_0 1) (<= Y_1 2)))";
    EXPECT(property_error(wide).find("too large") != std::string::npos);
  });
  test("every truncation of a property is read or refused", [] {
    const std::string text = kBox + "(assert (or (and (<= Y_0 1.5e1) (>= Y_1 -2)) (<= (- Y_0) (* 3 Y_1))))";
    for (size_t size = 0; size < text.size(); ++size) property_error(text.substr(0, size));
  });
}

void onnx_tests() {
  build::Model model;
  model.input("x", {1, 2}).constant("w", {2, 2}, {1, 2, 3, 4}).node("MatMul", {"x", "w"}, "y").output("y");
  const build::Bytes good = model.bytes();
  const auto load = [](const build::Bytes& bytes) {
    return error_of<Malformed>([&] { checker::lower(checker::read_onnx(bytes), {}); });
  };
  test("a model is read", [&] { EXPECT(load(good) == ""); });
  test("every truncation of a model is refused", [&] {
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT(load(build::Bytes(good.begin(), good.begin() + std::ptrdiff_t(size))) != "");
    }
  });
  test("every flipped bit of a model is read or refused", [&] {
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      build::Bytes bytes = good;
      bytes[bit / 8] ^= uint8_t(1 << bit % 8);
      load(bytes);
    }
  });
  test("data in float_data means the same as raw data", [&] {
    build::Message tensor = build::Message().integer(1, 2).integer(2, 1).text(8, "w");
    tensor.float32(4, 1).float32(4, 2);
    build::Model other;
    other.input("x", {2}).node("Add", {"x", "w"}, "y").output("y");
    other.graph.add(5, tensor);
    EXPECT(other.lower().operators[1].bias == (std::vector<double>{1, 2}));
  });
  test("what could give bytes two meanings is refused", [&] {
    const build::Message graph = model.graph;
    const build::Message opset = build::Message().integer(2, 13);
    EXPECT(load(build::Message().add(7, graph).add(7, graph).add(8, opset).out).find("two graphs") !=
           std::string::npos);
    EXPECT(load(build::Message().add(7, graph).add(8, opset).add(25, {}).out).find("functions") != std::string::npos);
    EXPECT(load(build::Message().add(7, graph).out).find("operator set") != std::string::npos);
    build::Model external = model;
    external.graph.add(5, build::Message().integer(2, 1).text(8, "e").integer(14, 1));
    EXPECT(load(external.bytes()).find("external") != std::string::npos);
    build::Model twice = model;
    twice.node("Relu", {"x"}, "y");
    EXPECT(load(twice.bytes()).find("defined twice") != std::string::npos);
    build::Model size = model;
    size.graph.add(5, build::Message().integer(1, 3).integer(2, 1).text(8, "s").bytes(9, build::Bytes(8)));
    EXPECT(load(size.bytes()).find("its shape needs 12") != std::string::npos);
    build::Model inputs = model;
    inputs.input("x", {1, 2});
    EXPECT(load(inputs.bytes()).find("listed twice") != std::string::npos);
    build::Message tensors = build::tensor_attribute("value", build::float_tensor("", {}, {1}));
    tensors.add(5, build::float_tensor("", {}, {2}));
    build::Model merged = model;
    merged.node("Constant", {}, "c", {tensors});
    EXPECT(load(merged.bytes()).find("two tensors") != std::string::npos);
    for (const auto& [type, entry] : {std::pair{9, 256}, {2, 300}, {3, 200}, {5, -40'000}, {10, 70'000}}) {
      build::Model wide = model;
      wide.graph.add(5, build::Message().integer(1, 1).integer(2, type).text(8, "i").integer(5, entry));
      EXPECT_NOTE(load(wide.bytes()).find("outside its type") != std::string::npos, load(wide.bytes()));
    }
    // Field 2 (f) of an attribute with 2^32 added to its key: readers that keep 32 bits of a key see alpha.
    build::Message alpha = build::float_attribute("alpha", 1);
    alpha.out.insert(alpha.out.end(), {0x95, 0x80, 0x80, 0x80, 0x10, 0, 0, 0, 0});
    build::Model hidden = model;
    hidden.node("LeakyRelu", {"x"}, "z", {alpha});
    EXPECT(load(hidden.bytes()).find("field number") != std::string::npos);
    build::Model huge = model;
    huge.graph.add(
        5, build::Message().integer(1, int64_t(1) << 40).integer(1, int64_t(1) << 40).integer(2, 1).text(8, "h"));
    EXPECT(load(huge.bytes()).find("too many entries") != std::string::npos);
  });
}
