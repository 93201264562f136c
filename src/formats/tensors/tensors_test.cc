#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/files.h"
#include "formats/tensors/json.h"
#include "formats/tensors/npy.h"

namespace axiom {
namespace {

std::string npy(const std::string& header, const std::string& values) {
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header + values;
}

Tensor only(const std::string& text, DType dtype = DType::kFloat32) {
  auto tensors = parse_json_tensors(text, dtype);
  EXPECT_TRUE(tensors) << (tensors ? "" : tensors.error().message);
  return tensors ? tensors->at("") : Tensor();
}

std::string error_of(const std::string& text, DType dtype = DType::kFloat32) {
  const auto tensors = parse_json_tensors(text, dtype);
  return tensors ? "no error" : tensors.error().message;
}

TEST(Npy, ReadsBackWhatItWrote) {
  const Tensor tensors[] = {Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6}),
                            Tensor::from<double>({}, {0.1}),
                            Tensor::from<int64_t>({0, 4}, {}),
                            Tensor::from<bool>({3}, {true, false, true}),
                            Tensor::from<int8_t>({1}, {-1}),
                            Tensor::from<uint8_t>({1}, {255}),
                            Tensor::from<int32_t>({2}, {1, -7})};
  for (const Tensor& tensor : tensors) {
    const std::string bytes = npy_bytes(tensor);
    EXPECT_EQ((bytes.size() - tensor.byte_size()) % 64, 0u);
    const auto read = parse_npy(bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->dtype(), tensor.dtype());
    EXPECT_EQ(read->shape(), tensor.shape());
    EXPECT_EQ(npy_bytes(*read), bytes);
  }
}

TEST(Npy, TakesTheHeaderThatNumpyWrites) {
  const auto read = parse_npy(
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }  \n", std::string("\0\0\x80\x3f\0\0\0\x40", 8)));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->shape(), (Shape{1, 2}));
  EXPECT_EQ(read->data<float>()[1], 2.0f);
}

TEST(Npy, RefusesWhatItWouldMisread) {
  const std::string four(4, '\0');
  for (const char* header : {"{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }\n",
                             "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n",
                             "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }\n",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296), }\n",
                             "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n",
                             "{'descr': '<f4', 'shape': (1,), }\n", "{'descr': '<f4'", "", "[]"}) {
    EXPECT_FALSE(parse_npy(npy(header, four))) << header;
  }
  EXPECT_FALSE(parse_npy(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }\n", "\2")));
}

TEST(Npy, SurvivesEveryTruncationAndBitFlip) {
  std::string bytes = npy_bytes(Tensor::from<float>({2}, {1, 2}));
  for (size_t length = 0; length < bytes.size(); ++length) EXPECT_FALSE(parse_npy(bytes.substr(0, length)));
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto read = parse_npy(bytes);
    EXPECT_TRUE(read || read.error().message.find('\n') == std::string::npos);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
}

TEST(JsonTensors, AreNestedListsOrScalars) {
  EXPECT_EQ(only("[[1, 2.5, -3e1], [4, 5, 6]]").shape(), (Shape{2, 3}));
  EXPECT_EQ(only("[[1, 2.5, -3e1], [4, 5, 6]]").data<float>()[2], -30.0f);
  EXPECT_EQ(only("7").shape(), Shape{});
  EXPECT_EQ(only("[]").shape(), (Shape{0}));
  EXPECT_EQ(only("[[], []]").shape(), (Shape{2, 0}));
  EXPECT_EQ(only("[9007199254740993]", DType::kInt64).data<int64_t>()[0], 9007199254740993);
}

TEST(JsonTensors, MayHaveNames) {
  const auto tensors = parse_json_tensors(R"({"x": [1, 2], "y": [[3]], "z": 4})");
  ASSERT_TRUE(tensors);
  EXPECT_EQ(tensors->size(), 3u);
  EXPECT_EQ(tensors->at("y").shape(), (Shape{1, 1}));
}

TEST(JsonTensors, AreRoundedOnceFromTheDecimalText) {
  // A hair above the midpoint of two floats, but on it once rounded to double.
  EXPECT_EQ(only("[1.00000005960464477539062500000001]").data<float>()[0], 1.0f + 0x1p-23f);
  EXPECT_EQ(only("[0.1]", DType::kFloat64).data<double>()[0], 0.1);
}

TEST(JsonTensors, AreRefusedWhenRaggedOrNotNumeric) {
  EXPECT_EQ(error_of("[[1, 2], [3]]"), "json: lists of 2 and of 1 entries stand beside each other");
  EXPECT_EQ(error_of("[1, [2]]"), "json: a list stands beside a number");
  EXPECT_EQ(error_of("[[1], 2]"), "json: a number stands beside a list");
  EXPECT_EQ(error_of("[1, null]"), "json: null is no number");
  EXPECT_EQ(error_of("[1, 2"), "json: no valid JSON at byte 6");
  EXPECT_EQ(error_of("[1.5]", DType::kInt64), "json: 1.5 is no int64");
  EXPECT_EQ(error_of("{}"), "json: the text holds no tensor");
  for (const char* text : {"", "nul", "[[1], []]", "[[], [1]]", "[{}]", R"({"x": {"y": 1}})", R"({"x": 1, "x": 2})",
                           "[true]", R"(["1"])", "[1] [2]", "[NaN]"}) {
    EXPECT_FALSE(parse_json_tensors(text)) << text;
  }
  EXPECT_FALSE(parse_json_tensors(std::string(1'000'000, '[')));
}

TEST(JsonTensors, AreWrittenSoThatTheyReadBackTheSame) {
  const Tensor tensor = Tensor::from<float>({2, 1, 2}, {0.1f, 1e-30f, 3.0f, -16777216.0f});
  EXPECT_EQ(json_text(tensor), "[[[0.1, 1e-30]], [[3, -16777216]]]");
  EXPECT_EQ(npy_bytes(only(json_text(tensor))), npy_bytes(tensor));
  EXPECT_EQ(json_text(Tensor(DType::kFloat32, {2, 0})), "[[], []]");
  EXPECT_EQ(json_text(Tensor::from<int64_t>({}, {5})), "5");
}

TEST(Conversion, RoundsToNearestAndRefusesFractionsAsIntegers) {
  EXPECT_EQ(converted(Tensor::from<double>({1}, {0.1}), DType::kFloat32)->data<float>()[0], 0.1f);
  EXPECT_EQ(converted(Tensor::from<float>({1}, {3.0f}), DType::kInt64)->data<int64_t>()[0], 3);
  EXPECT_FALSE(converted(Tensor::from<float>({1}, {3.5f}), DType::kInt64));
  EXPECT_FALSE(converted(Tensor::from<double>({1}, {1e30}), DType::kInt64));
  EXPECT_FALSE(converted(Tensor::from<double>({1}, {std::numeric_limits<double>::quiet_NaN()}), DType::kInt64));
}

TEST(TensorFiles, AreToldApartByTheirNames) {
  const auto folder = std::filesystem::temp_directory_path() / ("axiom_tensors_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::string npy_path = (folder / "x.npy").string(), json_path = (folder / "x.json").string();
  ASSERT_TRUE(write_npy(npy_path, Tensor::from<double>({1}, {0.5})));
  ASSERT_TRUE(write_file(json_path, R"({"input": [0.5]})"));
  EXPECT_EQ(read_tensors(npy_path)->at("").dtype(), DType::kFloat64);
  EXPECT_EQ(read_tensors(json_path)->at("input").dtype(), DType::kFloat32);
  EXPECT_FALSE(read_tensors((folder / "missing.json").string()));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace axiom
