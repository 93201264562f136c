// Claims for the tests, small enough that every byte of their certificates can be
// tried.
#include "tests/claims.h"

namespace build {

using checker::Semantics;

// y = Relu(x0 + x1) with x in [-1, 1]: y <= 2, so y >= 3 never happens.
Claim relu_claim() {
  Model model;
  model.input("x", {2})
      .constant("w", {2, 1}, {1, 1})
      .node("MatMul", {"x", "w"}, "m")
      .node("Relu", {"m"}, "y")
      .output("y");
  return {model.bytes(), box_property(2, -1, 1, 1, "(>= Y_0 3)"), Semantics::float32, {1, 1, 0, 6, 0, 0}};
}

// y = Relu(x) - Relu(x / 2), x in [-1, 1], which is at most 0.5. With lower slopes
// of zero the relaxation gives 1; a split at 0 makes it exact.
Claim split_claim() {
  Model model;
  model.input("x", {1}).constant("w", {1, 2}, {1, 0.5f}).constant("v", {2, 1}, {1, -1});
  model.node("MatMul", {"x", "w"}, "m").node("Relu", {"m"}, "r").node("MatMul", {"r", "v"}, "y").output("y");
  Claim claim{model.bytes(), box_property(1, -1, 1, 1, "(or (<= Y_0 -1) (>= Y_0 0.75))"), Semantics::float32, {}};
  // PROPAGATE; CASE { REFUTE, SPLIT INPUT 0 { PROPAGATE REFUTE, PROPAGATE REFUTE } }
  claim.tree = {1, 1, 1, 3, 6, 0, 1, 4, 0, 0, 1, 1, 1, 6, 0, 1, 1, 1, 1, 6, 0, 0};
  return claim;
}

// Y_0 - 3 X_0 >= 1.6 needs x0 <= 0.2, as x1 <= 1, and Y_0 >= 1.5 needs x0 >= 0.5:
// one CLIP by each constraint leaves nothing.
Claim clip_claim() {
  Claim claim = relu_claim();
  claim.property = box_property(2, -1, 1, 1, "(and (>= Y_0 1.5) (>= (- Y_0 (* 3 X_0)) 1.6))");
  claim.tree = {1, 1, 1, 2, 0, 1, 1, 1, 1, 2, 1, 1, 7};
  return claim;
}

// SPLIT ELEMENT x0 + x1 at 0.25. Below it y is at most 0.25, which a multiplier says
// again; above it the combination of both constraints is refuted.
Claim hinted_claim() {
  Claim claim = relu_claim();
  claim.property = box_property(2, -1, 1, 1, "(and (>= Y_0 1.5) (>= (- Y_0 (* 3 X_0)) 1.6))");
  Bytes tree{1, 1, 1, 5, 2, 1};
  put_f64(tree, 0.25);
  tree.insert(tree.end(), {6, 0, 0x83, 64, 1, 2});  // explicit slope 64 / 128, one multiplier of element 2
  put_f32(tree, -0.5f);
  tree.insert(tree.end(), {2, 1, 0, 2, 0, 2, 6, 2, 2, 0});
  put_f64(tree, 1);
  tree.push_back(1);
  put_f64(tree, 0.5);
  tree.push_back(0);
  claim.tree = tree;
  return claim;
}

// The y of split_claim() is at least -1/4 with lower slopes of 1/4, and at most 1/2 with those of 1 or, where x <= 0,
// with a multiplier of that. Each REFUTE uses a bound of y and nothing else.
Claim tight_claim() {
  Claim claim = split_claim();
  claim.property = box_property(1, -1, 1, 1, "(or (<= Y_0 -0.3) (>= Y_0 0.6))");
  const auto numbered = [](Bytes out, float beta) {
    put_f32(out, beta);
    return out;
  };
  const Bytes below = numbered({6, 0, 0x80, 1, 5}, 1), above = numbered({6, 0, 0x80, 1, 5}, -1);
  const Bytes tight = numbered({9, 3, 1, 1, 0x80, 1, 1}, -0.5f);
  claim.tree = join({{1, 0, 0, 9, 3, 2, 0, 3, 32, 32, 1, 2, 3}, below, {5, 1, 0}, tight, above, above});
  return claim;
}

Claim kinds_claim() {
  Model model;
  model.input("x", {1, 1, 1, 2}).node("LeakyRelu", {"x"}, "l").node("Sigmoid", {"l"}, "s");
  model.node("Tanh", {"s"}, "t").node("Relu", {"t"}, "r");
  model.node("MaxPool", {"r"}, "p", {ints_attribute("kernel_shape", {1, 2})});
  model.constant("c", {1, 1, 1, 1}, {0.5f}).node("Concat", {"p", "c"}, "q", {int_attribute("axis", 3)});
  model.node("Add", {"q", "x"}, "y").output("y");
  return {model.bytes(), box_property(2, -1, 1, 2, "(>= (+ Y_0 Y_1) 4)"), Semantics::float32, {1, 1, 0, 6, 0, 0}};
}

// y = Softmax(3 x0 - x1, x1): both are at least 0 and sum up to 1.
Claim softmax_claim() {
  Model model;
  model.input("x", {1, 2}).constant("w", {2, 2}, {3, 0, -1, 1}).node("MatMul", {"x", "w"}, "m");
  model.node("Softmax", {"m"}, "y").output("y");
  return {model.bytes(),
          box_property(2, -1, 1, 2, "(or (<= Y_1 -0.001) (>= (+ Y_0 Y_1) 1.001) (<= (+ Y_0 Y_1) 0.999))"),
          Semantics::float32,
          {1, 1, 0, 3, 6, 0, 0, 6, 0, 0, 6, 0, 0}};
}

std::vector<Claim> accepted_claims() {
  return {relu_claim(), split_claim(), clip_claim(), hinted_claim(), tight_claim(), kinds_claim(), softmax_claim()};
}

}  // namespace build
