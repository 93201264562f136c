#include "formats/onnx/onnx.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/files.h"
#include "base/sha256.h"
#include "formats/onnx/model_maker.h"

namespace axiom::onnx {
namespace {

namespace fs = std::filesystem;

Graph parsed(const ModelMaker& maker) {
  auto graph = parse_onnx(maker.bytes());
  EXPECT_TRUE(graph) << (graph ? "" : graph.error().message);
  return graph ? *std::move(graph) : Graph();
}

std::string error_of(const ModelMaker& maker, const std::string& folder = "") {
  const auto graph = parse_onnx(maker.bytes(), folder);
  return graph ? "no error" : graph.error().message;
}

const Value& value_named(const Graph& graph, const std::string& name) {
  for (const Value& value : graph.values) {
    if (value.name == name) return value;
  }
  ADD_FAILURE() << "no value " << name;
  return graph.values.front();
}

std::vector<int> order_of(const Graph& graph) {
  std::vector<int> order;
  for (const Node& node : graph.nodes) order.push_back(node.index);
  return order;
}

TEST(Onnx, BecomesAGraphOfNodesAndConstants) {
  const ModelMaker maker = small_network();
  const Graph graph = parsed(maker);
  EXPECT_EQ(graph.model_digest, sha256_hex(maker.bytes()));
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[0].name, "Gemm_0");
  EXPECT_EQ(graph.nodes[1].name, "relu");
  EXPECT_EQ(graph.nodes[0].opset, 14);
  EXPECT_NE(graph.nodes[0].op, nullptr);
  EXPECT_EQ(std::get<int64_t>(graph.nodes[0].attributes.at("transB")), 1);
  ASSERT_EQ(graph.inputs.size(), 1u);
  const Value& x = graph.values[static_cast<size_t>(graph.inputs[0])];
  EXPECT_EQ(x.type->shape, (Shape{1, 2}));
  EXPECT_FALSE(x.constant);
  EXPECT_EQ(value_named(graph, "w").constant->data<float>()[3], 4.0f);
  EXPECT_EQ(graph.values[static_cast<size_t>(graph.outputs.at(0))].name, "y");
}

TEST(Onnx, PutsNodesInOrderByLowestFileIndex) {
  ModelMaker maker;
  maker.input("x", {1}).output("d");
  maker.node("Relu", {"c"}, "d");
  maker.node("Relu", {"a"}, "c");
  maker.node("Relu", {"x"}, "b");
  maker.node("Relu", {"x"}, "a");
  EXPECT_EQ(order_of(parsed(maker)), (std::vector<int>{2, 3, 1, 0}));
}

TEST(Onnx, TakesConstantNodesBehindTheirUse) {
  ModelMaker maker;
  maker.input("x", {2}).output("y");
  maker.node("Add", {"x", "c"}, "y");
  TensorProto& tensor = *attribute(maker.node("Constant", {}, "c"), "value", AttributeProto::TENSOR).mutable_t();
  tensor.set_data_type(1);
  tensor.add_dims(2);
  tensor.add_float_data(1);
  tensor.add_float_data(2);
  auto& ints = attribute(maker.node("Constant", {}, "i"), "value_ints", AttributeProto::INTS);
  ints.add_ints(-7);
  attribute(maker.node("Constant", {}, "f"), "value_float", AttributeProto::FLOAT).set_f(0.5f);
  const Graph graph = parsed(maker);
  EXPECT_EQ(order_of(graph), std::vector<int>{0});
  EXPECT_EQ(value_named(graph, "c").constant->data<float>()[1], 2.0f);
  EXPECT_EQ(value_named(graph, "i").constant->data<int64_t>()[0], -7);
  EXPECT_EQ(value_named(graph, "f").constant->shape(), Shape{});
}

TEST(Onnx, CountsUnknownDimensionsOfAnInputAsOne) {
  ModelMaker maker = small_network();
  auto& shape = *maker.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.add_dim()->set_dim_param("batch");
  shape.add_dim();
  shape.add_dim()->set_dim_value(0);
  shape.add_dim()->set_dim_value(-1);
  EXPECT_EQ(value_named(parsed(maker), "x").type->shape, (Shape{1, 2, 1, 1, 1, 1}));
}

TEST(Onnx, LeavesInitialisersOutOfTheInputs) {
  ModelMaker maker = small_network();
  maker.input("w", {2, 2});
  EXPECT_EQ(parsed(maker).inputs.size(), 1u);
}

TEST(Onnx, KeepsOmittedInputsAndOutputs) {
  ModelMaker maker;
  maker.input("x", {1}).output("y");
  NodeProto& node = maker.node("Relu", {"x", "", "x"}, "y");
  node.add_output("");
  const Graph graph = parsed(maker);
  EXPECT_EQ(graph.nodes[0].inputs.at(1), kNoValue);
  EXPECT_EQ(graph.nodes[0].outputs.at(1), kNoValue);
}

TEST(Onnx, ReadsEveryDtypeFromItsFieldAndFromRawBytes) {
  ModelMaker maker = small_network();
  maker.initializer("f64", {1}, 11).add_double_data(0.1);
  maker.initializer("i64", {2}, 7).add_int64_data(1);
  maker.graph().mutable_initializer(3)->add_int64_data(-2);
  maker.initializer("i32", {}, 6).add_int32_data(-3);
  maker.initializer("i8", {1}, 3).add_int32_data(-128);
  maker.initializer("u8", {1}, 2).add_int32_data(255);
  maker.initializer("bool", {1}, 9).add_int32_data(1);
  maker.initializer("raw", {2}, 7).set_raw_data(std::string("\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16));
  maker.initializer("empty", {0, 3});
  const Graph graph = parsed(maker);
  EXPECT_EQ(value_named(graph, "f64").constant->data<double>()[0], 0.1);
  EXPECT_EQ(value_named(graph, "i64").constant->data<int64_t>()[1], -2);
  EXPECT_EQ(value_named(graph, "i32").constant->data<int32_t>()[0], -3);
  EXPECT_EQ(value_named(graph, "i8").constant->data<int8_t>()[0], -128);
  EXPECT_EQ(value_named(graph, "u8").constant->data<uint8_t>()[0], 255);
  EXPECT_TRUE(value_named(graph, "bool").constant->data<bool>()[0]);
  EXPECT_EQ(value_named(graph, "raw").constant->data<int64_t>()[1], -1);
  EXPECT_EQ(value_named(graph, "empty").constant->size(), 0);
}

TEST(Onnx, RefusesTensorsThatContradictThemselves) {
  const auto error = [](const std::function<void(TensorProto&)>& change) {
    ModelMaker maker = small_network();
    change(*maker.graph().mutable_initializer(1));
    return error_of(maker);
  };
  EXPECT_EQ(error([](TensorProto& t) { t.set_raw_data("1234567"); }),
            "onnx: initialiser 'b': shape [2] needs 8 bytes, the file has 7");
  EXPECT_EQ(error([](TensorProto& t) { t.add_float_data(1); }),
            "onnx: initialiser 'b': it has values in 2 fields; one is allowed");
  EXPECT_EQ(error([](TensorProto& t) { t.clear_raw_data(); }), "onnx: initialiser 'b': it has no values");
  EXPECT_EQ(error([](TensorProto& t) { t.clear_raw_data(), t.add_int64_data(1); }),
            "onnx: initialiser 'b': shape [2] needs 2 values in the field of its dtype, the file has 0");
  EXPECT_EQ(error([](TensorProto& t) { t.set_dims(0, -2); }),
            "onnx: initialiser 'b': shape [-2] has a negative extent");
  EXPECT_EQ(error([](TensorProto& t) { t.set_dims(0, int64_t{1} << 40), t.add_dims(int64_t{1} << 40); }),
            "onnx: initialiser 'b': shape [1099511627776, 1099511627776] has more than 2147483648 elements");
  EXPECT_EQ(error([](TensorProto& t) { t.set_data_type(10); }),
            "onnx: initialiser 'b': its dtype float16 is not supported; known are float32, float64, int64, int32, "
            "int8, uint8 and bool");
  EXPECT_EQ(error([](TensorProto& t) { t.set_data_type(9), t.set_raw_data("\1\2"); }),
            "onnx: initialiser 'b': a bool is neither 0 nor 1");
  EXPECT_EQ(
      error([](TensorProto& t) { t.clear_raw_data(), t.set_data_type(3), t.add_int32_data(1), t.add_int32_data(200); }),
      "onnx: initialiser 'b': the value 200 does not fit int8");
  EXPECT_EQ(error([](TensorProto& t) { t.mutable_segment(); }),
            "onnx: initialiser 'b': it is stored in segments, which is not supported");
}

TEST(Onnx, RefusesNamesThatAreUndefinedOrDefinedTwice) {
  ModelMaker undefined = small_network();
  undefined.graph().mutable_node(1)->set_input(0, "nobody");
  EXPECT_EQ(error_of(undefined), "onnx: node 1 'relu' (Relu): its input 'nobody' is not defined");
  ModelMaker twice = small_network();
  twice.graph().mutable_node(1)->set_output(0, "h");
  EXPECT_EQ(error_of(twice), "onnx: node 1 'relu' (Relu): the name 'h' is defined twice");
  ModelMaker shadow = small_network();
  shadow.weights("w", {1}, {1});
  EXPECT_EQ(error_of(shadow), "onnx: initialiser 'w': the name 'w' is defined twice");
  ModelMaker output = small_network();
  output.output("z");
  EXPECT_EQ(error_of(output), "onnx: output 'z': nothing in the graph defines it");
  ModelMaker listed = small_network();
  listed.input("x", {1});
  EXPECT_EQ(error_of(listed), "onnx: input 'x': it is listed twice");
}

TEST(Onnx, RefusesCycles) {
  ModelMaker maker;
  maker.input("x", {1}).output("b");
  maker.node("Add", {"x", "b"}, "a");
  maker.node("Relu", {"a"}, "b");
  EXPECT_EQ(error_of(maker), "onnx: node 0 'Add_0' (Add): it lies on or behind a cycle");
}

TEST(Onnx, NamesWhatIsNotSupported) {
  ModelMaker unknown = small_network();
  unknown.graph().mutable_node(1)->set_op_type("Nope");
  EXPECT_EQ(error_of(unknown),
            "onnx: node 1 'relu' (Nope): this operator is not supported; export the model with others");
  ModelMaker domain = small_network();
  domain.graph().mutable_node(1)->set_domain("com.example");
  EXPECT_EQ(error_of(domain),
            "onnx: node 1 'relu' (Relu): operators of the domain 'com.example' are not supported; inline functions "
            "(onnx.inliner) or export with standard operators");
  ModelMaker function = small_network();
  function.model.add_functions()->set_name("Relu");
  EXPECT_EQ(error_of(function), "onnx: function 'Relu': redefines an operator; inline it (onnx.inliner)");
  ModelMaker subgraph = small_network();
  attribute(*subgraph.graph().mutable_node(1), "body", AttributeProto::GRAPH).mutable_g();
  EXPECT_EQ(error_of(subgraph),
            "onnx: node 1 'relu' (Relu): attribute 'body' holds a subgraph; control flow is not supported, export a "
            "model without it");
  ModelMaker sparse = small_network();
  sparse.graph().add_sparse_initializer();
  EXPECT_EQ(error_of(sparse), "onnx: sparse initialisers are not supported; store them as dense tensors");
  ModelMaker sequence = small_network();
  sequence.graph().mutable_input(0)->mutable_type()->mutable_sequence_type();
  EXPECT_EQ(error_of(sequence), "onnx: input 'x': it is no tensor, which is not supported");
}

TEST(Onnx, ChecksTheTypesOfAttributes) {
  const auto error = [](const std::function<void(AttributeProto&)>& change) {
    ModelMaker maker = small_network();
    change(*maker.graph().mutable_node(0)->mutable_attribute(0));
    return error_of(maker);
  };
  const std::string place = "onnx: node 0 'Gemm_0' (Gemm): ";
  EXPECT_EQ(error([](AttributeProto& a) { a.set_f(1); }),
            place + "attribute 'transB' has a value that is not of its stated type");
  EXPECT_EQ(error([](AttributeProto& a) { a.clear_type(); }),
            place + "attribute 'transB' has a value that is not of its stated type");
  EXPECT_EQ(error([](AttributeProto& a) { a.clear_i(); }), "no error");
  EXPECT_EQ(
      error([](AttributeProto& a) { a.clear_i(), a.set_type(AttributeProto::STRINGS); }),
      place + "attribute 'transB' has a type that is not supported; known are float, int, string, tensor and lists");
  ModelMaker twice = small_network();
  attribute(*twice.graph().mutable_node(0), "transB", AttributeProto::INT);
  EXPECT_EQ(error_of(twice), place + "attribute 'transB' is given twice");
}

TEST(Onnx, ChecksTheOperatorSet) {
  EXPECT_EQ(error_of(ModelMaker(6)),
            "onnx: operator set 6 is not supported; convert the model to one of 7 to 28 (onnx.version_converter)");
  ModelMaker none = small_network();
  none.model.mutable_opset_import(0)->set_domain("ai.onnx.ml");
  EXPECT_EQ(error_of(none), "onnx: the model imports no default operator set; is it complete?");
  ModelMaker two = small_network();
  two.model.add_opset_import()->set_version(15);
  EXPECT_EQ(error_of(two), "onnx: the model imports two default operator sets");
}

TEST(Onnx, KeepsControlCharactersOutOfMessages) {
  ModelMaker maker = small_network();
  maker.graph().mutable_initializer(0)->set_name("w\n\x1b[31m");
  EXPECT_EQ(error_of(maker),
            "onnx: initialiser with an unprintable name: its name is unprintable or longer than 1,000 bytes");
}

TEST(Onnx, RefusesWhatIsNoModel) {
  for (const std::string& bytes : {std::string(), std::string("hello, world"), std::string(100, '\xff')}) {
    const auto graph = parse_onnx(bytes);
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().kind, ErrorKind::kInvalidInput);
  }
}

TEST(Onnx, BoundsTheMemoryOfManyEmptyMessages) {
  // Two bytes a node: 40 MB that would become gigabytes of messages.
  std::string nodes;
  for (int i = 0; i < 20'000'000; ++i) nodes += std::string_view("\x0a\x00", 2);
  std::string length;
  for (size_t rest = nodes.size(); rest > 0; rest >>= 7) {
    length += static_cast<char>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  const auto graph = parse_onnx("\x3a" + length + nodes);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().kind, ErrorKind::kResource);
}

TEST(Onnx, RefusesDeepNesting) {
  GraphProto inner;
  for (int i = 0; i < 200; ++i) {
    GraphProto outer;
    *outer.add_node()->add_attribute()->mutable_g() = std::move(inner);
    inner = std::move(outer);
  }
  ModelMaker maker;
  maker.graph() = inner;
  EXPECT_EQ(error_of(maker), "onnx: this is no ONNX model, or it is damaged or cut short");
}

class ExternalData : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("axiom_external_" + std::to_string(getpid()));
    fs::create_directories(folder_ / "model" / "data");
    EXPECT_TRUE(write_file((folder_ / "model" / "data" / "w.bin").string(), "xxxx" + bytes_of({1, 2, 3, 4})));
    EXPECT_TRUE(write_file((folder_ / "secret").string(), bytes_of({1, 2, 3, 4})));
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// The small network with its matrix in another file.
  static ModelMaker model(const std::string& location, const std::string& offset = "", const std::string& length = "") {
    ModelMaker maker = small_network();
    TensorProto& tensor = *maker.graph().mutable_initializer(0);
    tensor.clear_raw_data();
    tensor.set_data_location(TensorProto::EXTERNAL);
    const auto add = [&tensor](const std::string& key, const std::string& value) {
      if (value.empty()) return;
      tensor.add_external_data()->set_key(key);
      tensor.mutable_external_data()->rbegin()->set_value(value);
    };
    add("location", location), add("offset", offset), add("length", length);
    return maker;
  }
  std::string error(const ModelMaker& maker) const { return error_of(maker, (folder_ / "model").string()); }

  fs::path folder_;
};

TEST_F(ExternalData, IsReadFromBeneathTheModelsFolder) {
  const std::string path = (folder_ / "model" / "m.onnx").string();
  ASSERT_TRUE(write_file(path, model("data/w.bin", "4", "16").bytes()));
  const auto graph = read_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(value_named(*graph, "w").constant->data<float>()[3], 4.0f);
}

TEST_F(ExternalData, MustLieInsideTheFile) {
  for (const auto& [offset, length] : {std::pair{"5", "16"},
                                       {"4", "12"},
                                       {"99", ""},
                                       {"18446744073709551615", "16"},
                                       {"4", "18446744073709551615"},
                                       {"-4", ""},
                                       {"four", ""}}) {
    EXPECT_NE(error(model("data/w.bin", offset, length)), "no error") << offset << " " << length;
  }
  EXPECT_EQ(error(model("data/w.bin", "8")),
            "onnx: initialiser 'w': its external data must be 16 bytes inside 'data/w.bin' (20 bytes)");
}

TEST_F(ExternalData, CannotLeadOutOfTheFolder) {
  fs::create_symlink("../../secret", folder_ / "model" / "data" / "link");
  fs::create_directory_symlink("..", folder_ / "model" / "up");
  fs::create_hard_link(folder_ / "secret", folder_ / "model" / "hard");
  ASSERT_EQ(mkfifo((folder_ / "model" / "pipe").c_str(), 0600), 0);
  for (const std::string& location :
       {std::string("../secret"), (folder_ / "secret").string(), std::string("data/../../secret"),
        std::string("data/link"), std::string("up/secret"), std::string("hard"), std::string("pipe"),
        std::string("data"), std::string("missing"), std::string(), std::string("data//w.bin"),
        std::string("data/w.bin\0x", 12)}) {
    EXPECT_NE(error(model(location)), "no error") << location;
  }
}

TEST_F(ExternalData, NeedsAFolder) {
  EXPECT_EQ(error_of(model("data/w.bin", "4")),
            "onnx: initialiser 'w': it has external data, but the model was not read from a file");
}

}  // namespace
}  // namespace axiom::onnx
