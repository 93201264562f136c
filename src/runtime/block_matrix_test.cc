// Products by blocks give the bits of products row by row.
#include "runtime/block_matrix.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "runtime/batched_matrix.h"

namespace axiom {
namespace {

// A 3x3 convolution with padding over `size` x `size` places; channels outermost.
SparseRows convolution(uint32_t in, uint32_t out, uint32_t size, ElementId first) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> kernel(size_t{in} * out * 9);
  for (float& w : kernel) w = normal(random);
  SparseRows rows;
  for (uint32_t o = 0; o < out; ++o) {
    for (uint32_t place = 0; place < size * size; ++place) {
      for (uint32_t t = 0; t < in * 9; ++t) {
        const uint32_t y = place / size + t % 9 / 3 - 1, x = place % size + t % 3 - 1;
        if (y >= size || x >= size) continue;  // Also below 0.
        rows.column.push_back(first + t / 9 * size * size + y * size + x);
        rows.weight.push_back(kernel[size_t{o} * in * 9 + t]);
      }
      rows.begin.push_back(rows.column.size());
    }
  }
  return rows;
}

template <typename T>
std::vector<T> random_lanes(size_t entries, size_t lanes) {
  std::mt19937 random(2);
  std::normal_distribution<T> normal;
  std::vector<T> values(entries * lanes);
  for (T& v : values) v = normal(random);
  return values;
}

constexpr uint32_t kIn = 7, kOut = 5, kSize = 6, kFirst = 11, kElements = kFirst + kIn * kSize * kSize;

std::vector<uint32_t> every(uint32_t step) {
  std::vector<uint32_t> active;
  for (uint32_t r = step - 1; r < kOut * kSize * kSize; r += step) active.push_back(r);
  return active;
}

TEST(BlockMatrix, BackwardProductsAreTheSameBits) {
  const SparseRows rows = convolution(kIn, kOut, kSize, kFirst);
  const auto blocks = backward_blocks<double>(rows);
  ASSERT_EQ(blocks.blocks.size(), kSize * kSize);
  EXPECT_LT(blocks.weights.size(), rows.weight.size());  // Places inside share theirs.
  for (const int lanes : {4, 8}) {
    const auto a = random_lanes<double>(rows.rows(), static_cast<size_t>(lanes));
    for (const uint32_t step : {1u, 2u, 7u, 100u}) {
      auto sparse = random_lanes<double>(kElements, static_cast<size_t>(lanes)), dense = sparse;
      multiply_accumulate(SparseMatrixView{rows.begin.data(), rows.column.data(), rows.weight.data()}, every(step),
                          a.data(), lanes, sparse.data());
      multiply_accumulate(blocks, every(step), a.data(), lanes, dense.data());
      EXPECT_EQ(sparse, dense);
    }
  }
}

TEST(BlockMatrix, RowsWithoutTermsTakePart) {
  SparseRows rows = convolution(kIn, kOut, kSize, kFirst);
  for (int n = 0; n < 1000; ++n) rows.begin.push_back(rows.column.size());
  const auto blocks = backward_blocks<double>(rows);
  EXPECT_EQ(blocks.row_end, rows.rows());
  const auto a = random_lanes<double>(rows.rows(), 8);
  std::vector<uint32_t> all(rows.rows());
  std::iota(all.begin(), all.end(), 0u);
  auto sparse = random_lanes<double>(kElements, 8), dense = sparse;
  multiply_accumulate(SparseMatrixView{rows.begin.data(), rows.column.data(), rows.weight.data()}, all, a.data(), 8,
                      sparse.data());
  multiply_accumulate(blocks, all, a.data(), 8, dense.data());
  EXPECT_EQ(sparse, dense);
}

TEST(BlockMatrix, FloatProductsAreTheSameBits) {
  const SparseRows rows = convolution(kIn, kOut, kSize, kFirst);
  const std::vector<float> weights(rows.weight.begin(), rows.weight.end());
  const FloatSparseView view{rows.begin.data(), rows.column.data(), weights.data()};
  const auto a = random_lanes<float>(rows.rows(), kFloatLanes);
  for (const uint32_t step : {1u, 3u}) {
    auto sparse = random_lanes<float>(kElements, kFloatLanes), dense = sparse;
    multiply_accumulate(view, every(step), a.data(), sparse.data());
    multiply_accumulate(backward_blocks<float>(rows), every(step), a.data(), dense.data());
    EXPECT_EQ(sparse, dense);
  }
  const auto v = random_lanes<float>(kElements, kFloatLanes);
  auto sparse = random_lanes<float>(rows.rows(), kFloatLanes), dense = sparse;
  gather_accumulate(view, rows.rows(), v.data(), sparse.data());
  multiply_accumulate(forward_blocks<float>(rows), v.data(), dense.data());
  EXPECT_EQ(sparse, dense);
}

TEST(BlockMatrix, IsEmptyWhereItDoesNotPayOrTheOrderWouldChange) {
  SparseRows diagonal;
  for (uint32_t r = 0; r < 5; ++r) {
    diagonal.column.push_back(r);
    diagonal.weight.push_back(2);
    diagonal.begin.push_back(diagonal.column.size());
  }
  EXPECT_TRUE(backward_blocks<double>(diagonal).empty());
  EXPECT_FALSE(backward_blocks<double>(diagonal).pays(5));
  const SparseRows twice{{0, 4}, {3, 4, 3, 4}, {1, 2, 3, 4}};
  EXPECT_TRUE(backward_blocks<double>(twice).empty());
  EXPECT_TRUE(forward_blocks<float>(twice).empty());
  EXPECT_TRUE(backward_blocks<double>(SparseRows{}).empty());
}

}  // namespace
}  // namespace axiom
