// Each operator against rows computed by hand.
#include <cmath>

#include "error.h"
#include "tests/build.h"
#include "tests/test.h"

namespace {

using build::Model;
using checker::Kind;
using checker::Operator;
using checker::Program;

// "2*x3 - 1*x0 ; 0.5" for row i: terms in order, then b, M, k, c0.
struct Row {
  std::vector<std::pair<uint32_t, double>> terms;
  double b, magnitude, k, c0;
  bool operator==(const Row&) const = default;
};

Row row(const Operator& op, uint32_t i) {
  Row out{{}, op.bias[i], op.magnitude[i], op.k[i], op.c0[i]};
  for (uint64_t t = op.start[i]; t < op.start[i + 1]; ++t) out.terms.push_back({op.source[t], op.weight[t]});
  return out;
}

std::string refusal(const Model& model) {
  try {
    model.lower();
  } catch (const checker::Malformed& error) {
    return error.what();
  }
  return "";
}

// One node from x (and constants that are already in the model) to y.
Program single(Model model, const std::vector<int64_t>& shape, const std::string& op,
               const std::vector<std::string>& inputs, const std::vector<build::Message>& attributes = {}) {
  return model.input("x", shape).node(op, inputs, "y", attributes).output("y").lower();
}

std::string single_refusal(Model model, const std::vector<int64_t>& shape, const std::string& op,
                           const std::vector<std::string>& inputs, const std::vector<build::Message>& attributes = {}) {
  return refusal(model.input("x", shape).node(op, inputs, "y", attributes).output("y"));
}

using Elements = std::vector<uint32_t>;

void movement() {
  using build::ints_attribute;
  test("data movement makes no elements", [] {
    EXPECT(single({}, {2, 3}, "Identity", {"x"}).outputs == (Elements{0, 1, 2, 3, 4, 5}));
    EXPECT(single({}, {2, 3}, "Dropout", {"x"}).outputs.size() == 6);
    EXPECT(single({}, {2, 3}, "Flatten", {"x"}).operators.size() == 1);
    EXPECT(single({}, {2, 3}, "Transpose", {"x"}).outputs == (Elements{0, 3, 1, 4, 2, 5}));
    EXPECT(single({}, {1, 2, 3}, "Transpose", {"x"}, {ints_attribute("perm", {2, 0, 1})}).outputs ==
           (Elements{0, 3, 1, 4, 2, 5}));
    EXPECT(single(Model().integers("s", {3, -1}), {2, 3}, "Reshape", {"x", "s"}).outputs.size() == 6);
    EXPECT(single(Model().integers("a", {0, -1}), {2}, "Unsqueeze", {"x", "a"}).outputs == (Elements{0, 1}));
    // Runtimes disagree on what an empty list of axes removes.
    EXPECT(single_refusal(Model().integers("a", {}), {2, 1}, "Squeeze", {"x", "a"}).find("no axes") !=
           std::string::npos);
    EXPECT(single_refusal({}, {2, 1}, "Squeeze", {"x"}, {ints_attribute("axes", {})}).find("no axes") !=
           std::string::npos);
    EXPECT(single(Model(), {1, 2}, "Squeeze", {"x"}).outputs == (Elements{0, 1}));
    EXPECT(single(Model(), {2, 2}, "Concat", {"x", "x"}, {build::int_attribute("axis", -1)}).outputs ==
           (Elements{0, 1, 0, 1, 2, 3, 2, 3}));
    const Model scales = Model().constant("s", {2}, {1, 2});
    EXPECT(single(scales, {2, 2}, "Upsample", {"x", "s"}).outputs == (Elements{0, 0, 1, 1, 2, 2, 3, 3}));
    EXPECT(single(scales, {2, 2}, "Resize", {"x", "", "s"},
                  {build::string_attribute("coordinate_transformation_mode", "asymmetric"),
                   build::string_attribute("nearest_mode", "floor")})
               .outputs == (Elements{0, 0, 1, 1, 2, 2, 3, 3}));
    // Beyond 2^24, runtimes that divide in binary32 read other entries.
    EXPECT(single_refusal(scales, {1, (1 << 23) + 1}, "Upsample", {"x", "s"}).find("enlarged") != std::string::npos);
  });
  test("a constant that meets a view becomes elements, one operator per use", [] {
    const Program p = single(Model().constant("c", {1, 2}, {5, 6}), {1, 2}, "Concat", {"c", "x", "c"},
                             {build::int_attribute("axis", 1)});
    EXPECT(p.outputs == (Elements{2, 3, 0, 1, 4, 5}) && p.operators.size() == 3);
    EXPECT(p.operators[1].kind == Kind::constant && p.operators[1].value == (std::vector<double>{5, 6}));
  });
  test("constants are moved and cast before they are used", [] {
    Model model;
    model.integers("i", {1, 2, 3, 4}).integers("s", {2, 2}).constant("b", {2, 2}, {0, 0, 0, 0});
    model.node("Reshape", {"i", "s"}, "m").node("Transpose", {"m"}, "t");
    model.node("Cast", {"t"}, "f", {build::int_attribute("to", 1)});
    const Program p = single(model, {2, 2}, "Add", {"x", "f"});
    EXPECT(p.operators[1].bias == (std::vector<double>{1, 3, 2, 4}));
    Model inexact;
    inexact.integers("i", {16'777'217}).node("Cast", {"i"}, "f", {build::int_attribute("to", 1)});
    EXPECT(single_refusal(inexact, {1}, "Add", {"x", "f"}).find("16777217") != std::string::npos);
    Model beyond;  // 2^64 - 2^40 of type uint64
    beyond.graph.add(
        5, build::Message().integer(1, 1).integer(2, 13).text(8, "i").bytes(9, {0, 0, 0, 0, 0, 255, 255, 255}));
    beyond.node("Cast", {"i"}, "f", {build::int_attribute("to", 1)});
    EXPECT(single_refusal(beyond, {1}, "Add", {"x", "f"}).find("18446742974197923840") != std::string::npos);
  });
  test("data movement outside the stated conditions is refused", [] {
    EXPECT(single_refusal(Model().integers("s", {4}), {2, 3}, "Reshape", {"x", "s"}) != "");
    EXPECT(single_refusal(Model(), {2, 3}, "Squeeze", {"x"}, {ints_attribute("axes", {0})}) != "");
    EXPECT(single_refusal(Model(), {2, 3}, "Transpose", {"x"}, {ints_attribute("perm", {0, 0})}) != "");
    EXPECT(single_refusal(Model().constant("s", {2}, {1, 1.5f}), {2, 2}, "Upsample", {"x", "s"}) != "");
    EXPECT(single_refusal(Model().constant("s", {2}, {1, 2}), {2, 2}, "Resize", {"x", "", "s"}) != "");
    EXPECT(single_refusal(Model(), {2}, "Identity", {"x"}, {build::int_attribute("axis", 1)}) != "");
    EXPECT(single_refusal(Model(), {2}, "Erf", {"x"}).find("no certified meaning") != std::string::npos);
    EXPECT(single_refusal(Model().integers("s", {2}), {2}, "Reshape", {"s", "x"}) != "");
  });
}

void sums() {
  test("Add and Sub of a constant and a view are rows with one addend", [] {
    const Model model = Model().constant("c", {2}, {0.5f, -3});
    const Program add = single(model, {2, 2}, "Add", {"x", "c"}), sub = single(model, {2, 2}, "Sub", {"c", "x"});
    EXPECT(row(add.operators[1], 1) == (Row{{{1, 1}}, -3, 3, 3, 5}));
    EXPECT(row(sub.operators[1], 2) == (Row{{{2, -1}}, 0.5, 0.5, 3, 5}));
    EXPECT(single({}, {2}, "Sub", {"x", "x"}).operators[1].terms() == 4);
  });
  test("MatMul, Add and Sub in a row are one cluster", [] {
    Model model;
    model.input("x", {1, 2}).constant("w", {2, 2}, {1, 0, 2, -4}).constant("b", {2}, {1, -2}).constant("d", {1}, {3});
    model.node("MatMul", {"x", "w"}, "m").node("Add", {"m", "b"}, "a").node("Sub", {"d", "a"}, "s");
    model.node("Sub", {"s", "x"}, "y").output("y");
    const Program p = model.lower();
    EXPECT(p.operators.size() == 2);
    EXPECT(row(p.operators[1], 0) == (Row{{{0, -1}, {1, -2}, {0, -1}}, 2, 4, 6, 11}));
    EXPECT(row(p.operators[1], 1) == (Row{{{1, 4}, {1, -1}}, 5, 5, 5, 9}));
    EXPECT(p.operators[1].most_in_column == 3);
  });
  test("a sum that is used twice, or is an output, ends its cluster", [] {
    Model model;
    model.input("x", {1}).constant("w", {1, 1}, {2}).constant("b", {1}, {1});
    model.node("MatMul", {"x", "w"}, "m").node("Add", {"m", "b"}, "y").output("y").output("m");
    EXPECT(model.lower().operators.size() == 3);
    EXPECT(model.lower().outputs == (Elements{2, 1}));
  });
  test("MatMul follows numpy for batches and vectors", [] {
    const Program vector = single(Model().constant("w", {3}, {1, 2, 3}), {2, 3}, "MatMul", {"x", "w"});
    EXPECT(row(vector.operators[1], 1) == (Row{{{3, 1}, {4, 2}, {5, 3}}, 0, 0, 4, 7}));
    const Program left = single(Model().constant("w", {2, 2}, {1, 2, 3, 4}), {2}, "MatMul", {"w", "x"});
    EXPECT(row(left.operators[1], 1) == (Row{{{0, 3}, {1, 4}}, 0, 0, 3, 5}));
    const Program batch = single(Model().constant("w", {2, 1, 1}, {5, 7}), {1, 1, 1}, "MatMul", {"x", "w"});
    EXPECT(batch.operators[1].count == 2 && row(batch.operators[1], 1).terms[0].second == 7);
  });
  test("Gemm transposes, and is scaled when alpha or beta is not 1", [] {
    const Model model = Model().constant("w", {3, 2}, {1, 2, 3, 4, 5, 6}).constant("c", {3}, {1, 1, -2});
    const auto trans = build::int_attribute("transB", 1);
    const Program plain = single(model, {1, 2}, "Gemm", {"x", "w", "c"}, {trans});
    EXPECT(row(plain.operators[1], 2) == (Row{{{0, 5}, {1, 6}}, -2, 2, 4, 7}));
    EXPECT(plain.operators[1].factor == 1);
    const Program scaled = single(model, {1, 2}, "Gemm", {"x", "w", "c"},
                                  {trans, build::float_attribute("alpha", 0.5f), build::float_attribute("beta", -4)});
    EXPECT(row(scaled.operators[1], 2) == (Row{{{0, 2.5}, {1, 3}}, 8, 8, 6, 9}));
    EXPECT(scaled.operators[1].factor == 8);
    const Program view = single(Model().constant("w", {1, 1}, {3}), {1, 1}, "Gemm", {"x", "w", "x"},
                                {build::float_attribute("beta", 2)});
    EXPECT(row(view.operators[1], 0) == (Row{{{0, 3}, {0, 2}}, 0, 0, 5, 7}));
    EXPECT(single_refusal(model, {1, 2}, "Gemm", {"x", "w", "c"}, {trans, build::float_attribute("beta", 0)}) != "");
    const Model large = Model().constant("w", {1, 1}, {0x1p100f});
    EXPECT(single_refusal(large, {1, 1}, "Gemm", {"x", "w"}, {build::float_attribute("alpha", 0x1p100f)}) != "");
  });
  test("Conv reads channels, kernel rows and kernel columns, and skips the padding", [] {
    const Model model = Model().constant("w", {1, 1, 2, 2}, {1, 2, 3, 4}).constant("b", {1}, {7});
    const Program p = single(model, {1, 1, 3, 3}, "Conv", {"x", "w", "b"},
                             {build::ints_attribute("pads", {1, 0, 0, 0}), build::ints_attribute("strides", {1, 2})});
    EXPECT(p.operators[1].count == 3);
    EXPECT(row(p.operators[1], 0) == (Row{{{0, 3}, {1, 4}}, 7, 7, 4, 7}));
    EXPECT(row(p.operators[1], 1) == (Row{{{0, 1}, {1, 2}, {3, 3}, {4, 4}}, 7, 7, 6, 11}));
  });
  test("Conv with groups and dilations reads its own group", [] {
    const Program p = single(Model().constant("w", {2, 1, 1, 2}, {1, 2, 3, 4}), {1, 2, 1, 3}, "Conv", {"x", "w"},
                             {build::int_attribute("group", 2), build::ints_attribute("dilations", {1, 2})});
    EXPECT(p.operators[1].count == 2);
    EXPECT(row(p.operators[1], 1) == (Row{{{3, 3}, {5, 4}}, 0, 0, 3, 5}));
  });
  test("ConvTranspose spreads each input over the kernel", [] {
    const Program p = single(Model().constant("w", {1, 1, 1, 3}, {1, 2, 4}), {1, 1, 1, 2}, "ConvTranspose", {"x", "w"},
                             {build::ints_attribute("strides", {1, 2}), build::ints_attribute("pads", {0, 1, 0, 0}),
                              build::ints_attribute("output_padding", {0, 1})});
    EXPECT(p.operators[1].count == 5);
    EXPECT(row(p.operators[1], 0).terms == (std::vector<std::pair<uint32_t, double>>{{0, 2}}));
    EXPECT(row(p.operators[1], 1).terms == (std::vector<std::pair<uint32_t, double>>{{1, 1}, {0, 4}}));
    EXPECT(row(p.operators[1], 4).terms.empty());
  });
  test("sums outside the stated conditions are refused", [] {
    EXPECT(single_refusal(Model().constant("w", {1}, {INFINITY}), {1}, "Add", {"x", "w"}) != "");
    EXPECT(single_refusal(Model().constant("w", {3}, {1, 2, 3}), {2}, "Add", {"x", "w"}) != "");
    EXPECT(single_refusal(Model().constant("w", {1, 1}, {1}), {1}, "MatMul", {"w", "w"}) != "");
    EXPECT(single_refusal(Model().constant("w", {1}, {1}), {1}, "Add", {"w", "w"}) != "");
    const Model kernel = Model().constant("w", {1, 1, 2, 2}, {1, 2, 3, 4});
    EXPECT(single_refusal(kernel, {1, 1, 3, 3}, "Conv", {"x", "w"},
                          {build::string_attribute("auto_pad", "SAME_UPPER")}) != "");
    EXPECT(single_refusal(kernel, {1, 1, 1, 1}, "Conv", {"x", "w"}) != "");
    EXPECT(single_refusal(kernel, {1, 2, 3, 3}, "Conv", {"x", "w"}) != "");
    Model five;
    five.input("x", {1}).constant("c", {1}, {1}).node("Add", {"x", "c"}, "t0");
    for (int i = 0; i < 4; ++i) five.node("Add", {checker::text("t", i), "c"}, checker::text("t", i + 1));
    EXPECT(refusal(five.output("t4")).find("5 constants") != std::string::npos);
  });
}

void others() {
  test("BatchNormalization is one term per entry with its own error", [] {
    Model model;
    model.constant("s", {1}, {3}).constant("B", {1}, {1}).constant("m", {1}, {-2}).constant("v", {1}, {3.5f});
    const Program p = single(model, {1, 1, 2}, "BatchNormalization", {"x", "s", "B", "m", "v"},
                             {build::float_attribute("epsilon", 0.5f)});
    EXPECT(row(p.operators[1], 1) == (Row{{{1, 1.5}}, 4, 4 * (1 + 0x1p-48), 12, 28}));
    EXPECT(p.operators[1].factor == 4 && p.operators[1].real_error == 0x1p-48);
    EXPECT(single_refusal(model, {1, 1, 2}, "BatchNormalization", {"x", "s", "B", "m", "v"},
                          {build::float_attribute("epsilon", -3.5f)}) != "");
    EXPECT(single_refusal(model, {1, 2, 2}, "BatchNormalization", {"x", "s", "B", "m", "v"}) != "");
  });
  test("unary operators read one element each", [] {
    const std::pair<const char*, Kind> kinds[] = {
        {"Relu", Kind::relu}, {"Sigmoid", Kind::sigmoid}, {"Tanh", Kind::tanh}, {"LeakyRelu", Kind::leaky_relu}};
    for (const auto& [name, kind] : kinds) {
      const Program p = single({}, {2}, name, {"x"});
      EXPECT(p.operators[1].kind == kind && p.operators[1].source == (Elements{0, 1}));
    }
    EXPECT(single({}, {1}, "LeakyRelu", {"x"}).operators[1].alpha == double(0.01f));
    for (const float alpha : {-0.5f, 1.5f, 0x1p-130f}) {
      EXPECT(single_refusal({}, {1}, "LeakyRelu", {"x"}, {build::float_attribute("alpha", alpha)}) != "");
    }
  });
  test("a node of constants alone has no certified meaning", [] {
    for (const char* op : {"Relu", "Tanh"})
      EXPECT(single_refusal(Model().constant("c", {1}, {1}), {1}, op, {"c"}) != "");
    EXPECT(single_refusal(Model().constant("c", {1, 1, 1, 1}, {1}), {1}, "MaxPool", {"c"},
                          {build::ints_attribute("kernel_shape", {1, 1})}) != "");
  });
  test("MaxPool windows skip the padding, and ceil_mode adds windows that start inside", [] {
    const auto kernel = build::ints_attribute("kernel_shape", {1, 2}),
               strides = build::ints_attribute("strides", {1, 2});
    const Program floor = single({}, {1, 1, 1, 3}, "MaxPool", {"x"}, {kernel, strides});
    EXPECT(floor.operators[1].count == 1);
    const Program ceil =
        single({}, {1, 1, 1, 3}, "MaxPool", {"x"}, {kernel, strides, build::int_attribute("ceil_mode", 1)});
    EXPECT(ceil.operators[1].source == (Elements{0, 1, 2}) &&
           ceil.operators[1].start == (std::vector<uint64_t>{0, 2, 3}));
    EXPECT(single_refusal(
               {}, {1, 1, 1, 3}, "MaxPool", {"x"},
               {kernel, strides, build::int_attribute("ceil_mode", 1), build::string_attribute("auto_pad", "VALID")})
               .find("ceil_mode") != std::string::npos);
    const Program padded =
        single({}, {1, 1, 1, 3}, "MaxPool", {"x"}, {kernel, strides, build::ints_attribute("pads", {0, 1, 0, 0})});
    EXPECT(padded.operators[1].source == (Elements{0, 1, 2}));
    EXPECT(single_refusal({}, {1, 1, 1, 3}, "MaxPool", {"x"}, {kernel, build::ints_attribute("pads", {0, 2, 0, 0})})
               .find("empty window") != std::string::npos);
  });
  test("Softmax numbers its elements group after group, and the output finds them", [] {
    const Program rows = single({}, {2, 3}, "Softmax", {"x"});
    EXPECT(rows.operators[1].kind == Kind::softmax && rows.operators[1].count == 6);
    EXPECT(rows.operators[1].start == (std::vector<uint64_t>{0, 3, 6}));
    EXPECT(rows.operators[1].source == (Elements{0, 1, 2, 3, 4, 5}));
    EXPECT(rows.outputs == (Elements{6, 7, 8, 9, 10, 11}));
    for (const int64_t axis : {0, -2}) {
      const Program columns = single({}, {2, 3}, "Softmax", {"x"}, {build::int_attribute("axis", axis)});
      EXPECT(columns.operators[1].start == (std::vector<uint64_t>{0, 2, 4, 6}));
      EXPECT(columns.operators[1].source == (Elements{0, 3, 1, 4, 2, 5}));
      EXPECT(columns.outputs == (Elements{6, 8, 10, 7, 9, 11}));
    }
    const Program middle = single({}, {2, 2, 2}, "Softmax", {"x"}, {build::int_attribute("axis", 1)});
    EXPECT(middle.operators[1].source == (Elements{0, 2, 1, 3, 4, 6, 5, 7}));
    EXPECT(middle.outputs == (Elements{8, 10, 9, 11, 12, 14, 13, 15}));
    EXPECT(single({}, {1}, "Softmax", {"x"}).operators[1].start == (std::vector<uint64_t>{0, 1}));
  });
  test("before operator set 13 Softmax joins all that follows its axis, which is 1 by default", [] {
    Model old;
    old.opset = 12;
    const Program joined = single(old, {2, 2, 2}, "Softmax", {"x"});
    EXPECT(joined.operators[1].start == (std::vector<uint64_t>{0, 4, 8}));
    EXPECT(joined.outputs == (Elements{8, 9, 10, 11, 12, 13, 14, 15}));
    const auto last = build::int_attribute("axis", -1), all = build::int_attribute("axis", 0);
    EXPECT(single(old, {2, 2, 2}, "Softmax", {"x"}, {last}).operators[1].start ==
           (std::vector<uint64_t>{0, 2, 4, 6, 8}));
    EXPECT(single(old, {2, 2, 2}, "Softmax", {"x"}, {all}).operators[1].start == (std::vector<uint64_t>{0, 8}));
    EXPECT(single_refusal(old, {2}, "Softmax", {"x"}).find("axis 1") != std::string::npos);
    EXPECT(single({}, {2, 2, 2}, "Softmax", {"x"}).operators[1].start == (std::vector<uint64_t>{0, 2, 4, 6, 8}));
  });
  test("Softmax reads what movement and sums leave, and duplicates stay apart", [] {
    Model model;
    model.input("x", {1, 2}).constant("w", {2, 2}, {1, 0, 0, 1}).node("MatMul", {"x", "w"}, "m");
    model.node("Concat", {"m", "m"}, "c", {build::int_attribute("axis", 1)}).node("Softmax", {"c"}, "y").output("y");
    const Program p = model.lower();
    EXPECT(p.operators[2].source == (Elements{2, 3, 2, 3}) && p.outputs == (Elements{4, 5, 6, 7}));
    EXPECT(p.operators[2].reads == (Elements{1}));
  });
  test("Softmax outside the stated conditions is refused", [] {
    for (const int64_t axis : {2, -3, 1 << 30}) {
      EXPECT(single_refusal({}, {2, 2}, "Softmax", {"x"}, {build::int_attribute("axis", axis)}).find("axis") !=
             std::string::npos);
    }
    EXPECT(single_refusal({}, {}, "Softmax", {"x"}).find("rank 0") != std::string::npos);
    EXPECT(single_refusal({}, {2}, "Softmax", {"x"}, {build::float_attribute("axis", 0)}).find("axis") !=
           std::string::npos);
    EXPECT(single_refusal({}, {2}, "Softmax", {"x"}, {build::ints_attribute("axis", {0})}) != "");
    const auto zero = build::int_attribute("axis", 0);
    EXPECT(single_refusal({}, {2}, "Softmax", {"x"}, {zero, zero}).find("twice") != std::string::npos);
    EXPECT(single_refusal({}, {2}, "Softmax", {"x"}, {build::int_attribute("temperature", 1)}) != "");
    EXPECT(single_refusal(Model().constant("c", {2}, {1, 2}), {2}, "Softmax", {"c"}).find("constant") !=
           std::string::npos);
    EXPECT(single_refusal({}, {(1 << 20) + 1}, "Softmax", {"x"}).find("group of 1048577") != std::string::npos);
    EXPECT(single({}, {1 << 20}, "Softmax", {"x"}).operators[1].start.size() == 2);
  });
  test("nodes are visited by lowest index among those whose inputs are there", [] {
    Model model;
    model.input("x", {1}).node("Relu", {"b"}, "y").node("Sigmoid", {"x"}, "a").node("Tanh", {"x"}, "b").output("y");
    const Program p = model.lower();
    EXPECT(p.operators[1].kind == Kind::sigmoid && p.operators[2].kind == Kind::tanh);
    EXPECT(p.operators[3].kind == Kind::relu && p.outputs == (Elements{3}));
    Model cycle;
    cycle.input("x", {1}).node("Add", {"x", "b"}, "a").node("Relu", {"a"}, "b").output("b");
    EXPECT(refusal(cycle).find("never computed") != std::string::npos);
  });
  test("inputs that are initialisers are constants, dimensions without a size are 1", [] {
    Model model;
    model.input("w", {2}).constant("w", {2}, {1, 2}).input("x", {0, 2}).input("z", {-1}).node("Add", {"x", "w"}, "y");
    const Program p = model.output("y").output("z").lower();
    EXPECT(p.inputs() == 3 && p.outputs == (Elements{3, 4, 2}));
  });
}

void steps() {
  test("maxima and minima are made of relu and exact sums, constants last", [] {
    Model model;
    model.input("x", {2}).input("z", {1}).constant("c", {1}, {0.5}).node("Max", {"c", "x", "z"}, "y").output("y");
    const Program p = model.lower();
    EXPECT(p.operators.size() == 7);
    const Operator& difference = p.operators[1];
    EXPECT(row(difference, 1) == (Row{{{2, 1}, {1, -1}}, 0, 0, 1, 1}));
    EXPECT(p.operators[2].kind == Kind::relu && p.operators[2].source == (Elements{3, 4}));
    EXPECT(row(p.operators[3], 0) == (Row{{{0, 1}, {5, 1}}, 0, 0, 1, 1}));
    EXPECT(row(p.operators[4], 0) == (Row{{{7, 1}}, -0.5, 0.5, 1, 1}));
    EXPECT(row(p.operators[6], 0) == (Row{{{11, 1}}, 0.5, 0.5, 1, 1}) && p.outputs == (Elements{13, 14}));
    const Program least = single(Model().constant("c", {}, {0.5}), {1}, "Min", {"x", "c"});
    EXPECT(row(least.operators[1], 0) == (Row{{{0, -1}}, 0.5, 0.5, 1, 1}));
    EXPECT(row(least.operators[3], 0) == (Row{{{2, -1}}, 0.5, 0.5, 1, 1}));
    EXPECT(single({}, {3}, "Max", {"x"}).outputs == (Elements{0, 1, 2}));
    EXPECT(single(Model().constant("c", {3}, {0, 0, 0}), {3}, "Max", {"c", "x"}).operators.size() == 2);
    EXPECT(single_refusal(Model().constant("c", {1}, {0}), {1}, "Max", {"c", "c"}).find("constant") !=
           std::string::npos);
    EXPECT(single_refusal(Model().constant("c", {1}, {INFINITY}), {1}, "Max", {"x", "c"}).find("finite") !=
           std::string::npos);
  });
  test("Clip reads its ends from where its version has them", [] {
    const auto low = build::float_attribute("min", -1), high = build::float_attribute("max", 1);
    const Program p = single(Model().constant("l", {}, {-1}).constant("h", {1}, {1}), {1}, "Clip", {"x", "l", "h"});
    EXPECT(p.operators.size() == 7 && p.operators[1].bias[0] == 1 && p.operators[4].bias[0] == 1);
    EXPECT(single_refusal({}, {1}, "Clip", {"x"}, {low}).find("attribute min") != std::string::npos);
    Model old;
    old.opset = 10;
    EXPECT(single(old, {1}, "Clip", {"x"}, {low, high}).operators.size() == 7);
    EXPECT(single(old, {1}, "Clip", {"x"}).outputs == (Elements{0}));
    EXPECT(single_refusal(Model(), {1}, "Clip", {"x", "x"}) != "");
    EXPECT(single_refusal(Model().constant("l", {2}, {0, 1}), {1}, "Clip", {"x", "l"}).find("one number") !=
           std::string::npos);
  });
  test("Abs, Neg, HardSigmoid and PRelu", [] {
    EXPECT(row(single({}, {1}, "Abs", {"x"}).operators[2], 0) == (Row{{{1, 2}, {0, -1}}, 0, 0, 1, 1}));
    EXPECT(row(single({}, {1}, "Neg", {"x"}).operators[1], 0) == (Row{{{0, -1}}, 0, 0, 1, 1}));
    const Program hard = single({}, {1}, "HardSigmoid", {"x"}, {build::float_attribute("alpha", 0.5)});
    EXPECT(row(hard.operators[1], 0) == (Row{{{0, 0.5}}, 0.5, 0.5, 3, 5}) && hard.operators.size() == 6);
    const Program p = single(Model().constant("s", {1}, {0.25}), {2}, "PRelu", {"x", "s"});
    EXPECT(row(p.operators[2], 1) == (Row{{{1, 0.25}, {3, 0.75}}, 0, 0, 3, 6}));
    EXPECT(p.operators[2].real_error == 0x1p-50);
    EXPECT(single_refusal(Model().constant("s", {1}, {0x1p21f}), {2}, "PRelu", {"x", "s"}) != "");
    EXPECT(single_refusal(Model().constant("s", {2, 1}, {1, 1}), {1}, "PRelu", {"x", "s"}) != "");
  });
  test("products and quotients, of two views and with a constant", [] {
    const Program both = single({}, {2}, "Mul", {"x", "x"});
    EXPECT(both.operators[1].kind == Kind::product && both.operators[1].source == (Elements{0, 0, 1, 1}));
    const Program scaled = single(Model().constant("c", {2, 1}, {3, 0}), {2}, "Mul", {"c", "x"});
    EXPECT(row(scaled.operators[1], 1) == (Row{{{1, 3}}, 0, 0, 2, 3}));
    EXPECT(row(scaled.operators[1], 2) == (Row{{}, 0, 0, 1, 1}));
    const Program thirds = single(Model().constant("c", {1}, {3}), {1}, "Div", {"x", "c"});
    EXPECT(row(thirds.operators[1], 0) == (Row{{{0, 1.0 / 3}}, 0, 0, 4, 6}) &&
           thirds.operators[1].real_error == 0x1p-50);
    const Program inverse = single(Model().constant("c", {1}, {3}), {1}, "Div", {"c", "x"});
    EXPECT(inverse.operators[1].kind == Kind::reciprocal &&
           row(inverse.operators[2], 0) == (Row{{{1, 3}}, 0, 0, 2, 3}));
    Model two;
    two.input("a", {2}).input("b", {1}).node("Div", {"a", "b"}, "y").output("y");
    const Program quotient = two.lower();
    EXPECT(quotient.operators[1].source == (Elements{2}));
    EXPECT(quotient.operators[2].source == (Elements{0, 3, 1, 3}));
    for (const float divisor : {0.0f, 0x1p-101f, -0x1p101f}) {
      EXPECT(single_refusal(Model().constant("c", {1}, {divisor}), {1}, "Div", {"x", "c"}).find("divisor") !=
             std::string::npos);
    }
    EXPECT(single_refusal(Model().constant("c", {1}, {1}), {1}, "Mul", {"c", "c"}) != "");
  });
  test("a product that Add alone reads joins its cluster", [] {
    Model model;
    model.input("x", {1}).constant("c", {1}, {3}).constant("d", {1}, {4});
    const Program p = model.node("Mul", {"x", "c"}, "m").node("Add", {"m", "d"}, "y").output("y").lower();
    EXPECT(p.operators.size() == 2 && row(p.operators[1], 0) == (Row{{{0, 3}}, 4, 4, 3, 5}));
  });
  test("a softmax is sharp when a product reads it and its groups are small", [] {
    const auto model = [](int64_t n) {
      Model m;
      m.input("x", {n}).node("Softmax", {"x"}, "s").node("Mul", {"s", "x"}, "y");
      return m.output("y").lower();
    };
    EXPECT(model(256).operators[1].sharp && !model(257).operators[1].sharp);
    EXPECT(!single({}, {2}, "Softmax", {"x"}).operators[1].sharp);
    Model summed;
    summed.input("x", {2}).node("Softmax", {"x"}, "s").node("Add", {"s", "x"}, "y").output("y");
    EXPECT(!summed.lower().operators[1].sharp);
  });
  test("MatMul of two views: all products, then their sums", [] {
    Model model;
    model.input("a", {1, 2}).input("b", {2, 2}).node("MatMul", {"a", "b"}, "y").output("y");
    const Program p = model.lower();
    EXPECT(p.operators[1].source == (Elements{0, 2, 1, 4, 0, 3, 1, 5}));
    EXPECT(row(p.operators[2], 1) == (Row{{{8, 1}, {9, 1}}, 0, 0, 3, 5}));
  });
  test("Pow of the exponents that are stated", [] {
    const auto power = [](float e) { return single(Model().constant("e", {}, {e}), {1}, "Pow", {"x", "e"}); };
    EXPECT(power(0.5f).operators[1].kind == Kind::sqrt && power(-1).operators[1].kind == Kind::reciprocal);
    EXPECT(power(2).operators[1].source == (Elements{0, 0}) && power(3).operators[2].source == (Elements{1, 0}));
    EXPECT(power(4).operators[2].source == (Elements{1, 1}));
    EXPECT(single_refusal(Model().constant("e", {}, {1.5}), {1}, "Pow", {"x", "e"}).find("exponent") !=
           std::string::npos);
    EXPECT(single_refusal(Model().constant("e", {1}, {2}), {}, "Pow", {"x", "e"}).find("shape") != std::string::npos);
    EXPECT(single_refusal({}, {1}, "Pow", {"x", "x"}) != "");
  });
  test("sums and means over axes", [] {
    const Program sum = single(Model().integers("a", {-2}), {2, 2}, "ReduceSum", {"x", "a"});
    EXPECT(row(sum.operators[1], 1) == (Row{{{1, 1}, {3, 1}}, 0, 0, 3, 5}) && sum.operators[1].factor == 1);
    const Program mean = single({}, {2, 2}, "ReduceMean", {"x"}, {build::ints_attribute("axes", {1})});
    EXPECT(row(mean.operators[1], 1) == (Row{{{2, 0.5}, {3, 0.5}}, 0, 0, 5, 8}) && mean.operators[1].factor == 2);
    EXPECT(single({}, {2, 2}, "ReduceSum", {"x"}).outputs.size() == 1);
    const auto nothing = build::int_attribute("noop_with_empty_axes", 1);
    EXPECT(single({}, {2, 2}, "ReduceSum", {"x"}, {nothing}).outputs.size() == 4);
    EXPECT(single_refusal({}, {2, 2}, "ReduceMean", {"x"}, {nothing}) != "");
    EXPECT(single_refusal(Model().integers("a", {0, -2}), {2, 2}, "ReduceSum", {"x", "a"}).find("twice") !=
           std::string::npos);
    EXPECT(single_refusal({}, {2, 2}, "ReduceSum", {"x"}, {build::ints_attribute("axes", {1})}) != "");
  });
}

}  // namespace

void lowering_tests() {
  movement();
  sums();
  others();
  steps();
}
