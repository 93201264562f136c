#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

namespace axiom {
namespace {

TEST(Tensor, StartsAsZerosOfItsShape) {
  const Tensor tensor(DType::kInt32, {2, 3});
  EXPECT_EQ(tensor.size(), 6);
  EXPECT_EQ(tensor.byte_size(), 24u);
  for (int32_t value : tensor.data<int32_t>()) EXPECT_EQ(value, 0);
}

TEST(Tensor, HoldsOneElementWithoutExtentsAndNoneWithAZeroExtent) {
  EXPECT_EQ(Tensor(DType::kFloat32, {}).size(), 1);
  EXPECT_EQ(Tensor(DType::kFloat32, {4, 0}).size(), 0);
  EXPECT_EQ(Tensor().size(), 0);
}

TEST(Tensor, KeepsItsValueWhenACopyIsWrittenTo) {
  const Tensor original = Tensor::from<double>({2}, {1.0, 2.0});
  Tensor copy = original;
  EXPECT_EQ(copy.bytes(), original.bytes());
  copy.mutable_data<double>()[0] = 7.0;
  EXPECT_EQ(original.data<double>()[0], 1.0);
  EXPECT_EQ(copy.data<double>()[0], 7.0);
}

TEST(Tensor, SharesItsBytesWithAReshapedTensor) {
  const Tensor original = Tensor::from<bool>({4}, {true, false, false, true});
  const Tensor square = original.reshaped({2, 2});
  EXPECT_EQ(square.bytes(), original.bytes());
  EXPECT_EQ(square.shape(), (Shape{2, 2}));
  EXPECT_TRUE(square.data<bool>()[3]);
}

TEST(Tensor, AdoptsBytesWithoutCopyingThem) {
  std::string bytes(400, '\0');
  const float value = 1.5f;
  std::memcpy(bytes.data() + 4, &value, 4);
  const void* place = bytes.data();
  const Tensor tensor = Tensor::adopt(DType::kFloat32, {100}, std::move(bytes));
  EXPECT_EQ(static_cast<const void*>(tensor.bytes()), place);
  EXPECT_EQ(tensor.data<float>()[1], 1.5f);
}

TEST(Tensor, EndsTheProcessWhenReadAsAnotherDtype) {
  EXPECT_DEATH(static_cast<void>(Tensor(DType::kFloat32, {1}).data<double>()), "internal error");
}

TEST(ElementCount, RefusesNegativeExtentsAndOverflow) {
  EXPECT_EQ(*element_count({2, 3, 4}), 24);
  EXPECT_EQ(*element_count({}), 1);
  EXPECT_FALSE(element_count({2, -1}));
  EXPECT_FALSE(element_count({int64_t{1} << 31, 2}));
  EXPECT_FALSE(element_count({int64_t{1} << 40, int64_t{1} << 40}));
  EXPECT_EQ(*element_count({int64_t{1} << 40, int64_t{1} << 40, 0}), 0);
  EXPECT_FALSE(element_count({11}, 10));
}

TEST(Dtype, HasANameAndASize) {
  for (DType dtype :
       {DType::kFloat32, DType::kUint8, DType::kInt8, DType::kInt32, DType::kInt64, DType::kBool, DType::kFloat64}) {
    EXPECT_FALSE(dtype_name(dtype).empty());
    EXPECT_GE(dtype_size(dtype), 1u);
  }
  EXPECT_EQ(to_string(Shape{1, 3, 32, 32}), "[1, 3, 32, 32]");
  EXPECT_EQ(to_string(Shape{}), "[]");
}

}  // namespace
}  // namespace axiom
