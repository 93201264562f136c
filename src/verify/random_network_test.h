// Small random networks for tests.
#pragma once

#include <cmath>
#include <random>

#include "graph/program.h"

namespace axiom {

/// Rows that read `width` elements from `from` on, with normally distributed weights. `errors`: how many roundings a
/// sum has.
inline CoreOp random_affine(std::mt19937& random, ElementId first, uint32_t count, ElementId from, uint32_t width,
                            double errors) {
  std::normal_distribution<float> normal(0, 1);
  CoreOp op;
  op.kind = CoreKind::kAffine;
  op.first = first;
  op.count = count;
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t j = 0; j < width; ++j) {
      op.rows.column.push_back(from + j);
      op.rows.weight.push_back(normal(random));
    }
    op.rows.begin.push_back(op.rows.column.size());
    op.bias.push_back(normal(random));
    op.magnitude.push_back(std::fabs(op.bias.back()));
  }
  op.gamma.assign(count, errors);
  op.underflow.assign(count, width);
  return op;
}

/// Two layers of relus and one output. `errors`: as above; 0: as many as a sum has terms.
inline Program random_network(uint32_t seed, uint32_t inputs, uint32_t neurons, double errors = 0) {
  std::mt19937 random(seed);
  Program program;
  CoreOp input;
  input.count = inputs;
  program.ops.push_back(input);
  ElementId next = inputs, from = 0;
  uint32_t width = inputs;
  const auto append = [&](uint32_t count) {
    program.ops.push_back(random_affine(random, next, count, from, width, errors > 0 ? errors : width));
    next += count;
  };
  for (int layer = 0; layer < 2; ++layer) {
    append(neurons);
    CoreOp relu;
    relu.kind = CoreKind::kUnary;
    relu.first = next;
    relu.count = neurons;
    for (uint32_t i = 0; i < neurons; ++i) relu.source.push_back(next - neurons + i);
    from = relu.first;
    next += neurons;
    width = neurons;
    program.ops.push_back(std::move(relu));
  }
  append(1);
  program.outputs = {next - 1};
  program.element_count = next;
  program.input_count = inputs;
  return program;
}

}  // namespace axiom
