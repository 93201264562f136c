// Covered binary32 evaluations (spec/operators.md section 5), drawn at random and by design: any order of summation,
// any mixture of binary32 and wider formats, fused products, flushed subnormals, scales applied to operands, products
// or sums.
#include <algorithm>
#include <cmath>

#include "meaning.h"

namespace axiom::soundness {
namespace {

// How one operation is carried out.
enum class Format { kSingle, kDouble, kExtended };

// A leaf or partial sum on its way; a product waits until it is known whether it is fused.
struct Part {
  long double value = 0;
  float a = 0, b = 0;
  bool waiting = false;
};

class Machine {
 public:
  explicit Machine(Random& random) : random_(random) {
    const uint64_t style = random();
    flush_results_ = style % 3 == 0;
    flush_operands_ = style / 3 % 3 == 0;
    mixed_ = style / 9 % 2 == 0;
    default_format_ = static_cast<Format>(style / 18 % 4 % 3);  // Single twice as often.
    fused_ = style / 72 % 2 == 0;
  }

  float operand(float x) const { return flush_operands_ && std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
  float store(long double x) const {
    const float y = static_cast<float>(x);
    return flush_results_ && std::fabs(y) < 0x1p-126f ? std::copysign(0.0f, y) : y;
  }
  bool toss() { return random_() % 2 == 0; }
  Random& random() { return random_; }
  double wobble(double most) { return std::uniform_real_distribution<double>(-most, most)(random_); }

  Part product(float a, float b) { return {0, operand(a), operand(b), true}; }
  Part number(float x) { return {static_cast<long double>(operand(x)), 0, 0, false}; }

  long double settle(const Part& part) {
    if (!part.waiting) return part.value;
    switch (format()) {
      case Format::kSingle:
        return store(part.a * part.b);
      case Format::kDouble:
        return static_cast<double>(part.a) * part.b;
      case Format::kExtended:
        return static_cast<long double>(part.a) * part.b;
    }
    return 0;
  }

  Part add(const Part& x, const Part& y) {
    const bool fuse = (x.waiting || y.waiting) && (mixed_ ? toss() : fused_);
    if (fuse) return fuse_into(x.waiting ? x : y, x.waiting ? y : x);
    const long double a = settle(x), b = settle(y);
    switch (format()) {
      case Format::kSingle:
        return {store(operand(static_cast<float>(a)) + operand(static_cast<float>(b)))};
      case Format::kDouble:
        return {maybe_stored(static_cast<double>(a) + static_cast<double>(b))};
      case Format::kExtended:
        return {maybe_stored(a + b)};
    }
    return {};
  }

 private:
  Format format() {
    if (!mixed_) return default_format_;
    return static_cast<Format>(random_() % 4 % 3);
  }
  long double maybe_stored(long double x) { return mixed_ && toss() ? store(x) : x; }
  Part fuse_into(const Part& product, const Part& other) {
    const long double addend = settle(other);
    switch (format()) {
      case Format::kSingle:
        return {store(fmaf(product.a, product.b, operand(static_cast<float>(addend))))};
      case Format::kDouble:
        return {fma(product.a, product.b, static_cast<double>(addend))};
      case Format::kExtended:
        return {fmal(product.a, product.b, addend)};
    }
    return {};
  }

  Random& random_;
  bool flush_results_ = false, flush_operands_ = false, mixed_ = false, fused_ = false;
  Format default_format_ = Format::kSingle;
};

double estimate(const Part& part) {
  return part.waiting ? static_cast<double>(part.a) * part.b : static_cast<double>(part.value);
}

// Adds the parts up along some binary tree.
float add_up(std::vector<Part> parts, Machine& machine) {
  if (parts.empty()) return 0;
  Random& random = machine.random();
  const auto by = [](auto key) { return [key](const Part& a, const Part& b) { return key(a) < key(b); }; };
  const uint64_t order = random() % 7;
  if (order == 1) std::reverse(parts.begin(), parts.end());
  if (order == 2) std::stable_sort(parts.begin(), parts.end(), by([](const Part& p) { return estimate(p); }));
  if (order == 3) std::stable_sort(parts.begin(), parts.end(), by([](const Part& p) { return -estimate(p); }));
  if (order == 4)
    std::stable_sort(parts.begin(), parts.end(), by([](const Part& p) { return std::fabs(estimate(p)); }));
  if (order == 5)
    std::stable_sort(parts.begin(), parts.end(), by([](const Part& p) { return -std::fabs(estimate(p)); }));
  if (order == 6) std::shuffle(parts.begin(), parts.end(), random);
  const uint64_t shape = random() % 3;
  while (parts.size() > 1) {
    if (shape == 0) {  // One accumulator.
      Part sum = parts[0];
      for (size_t i = 1; i < parts.size(); ++i) sum = machine.add(sum, parts[i]);
      parts = {sum};
    } else if (shape == 1) {  // Pairwise.
      std::vector<Part> next;
      for (size_t i = 0; i + 1 < parts.size(); i += 2) next.push_back(machine.add(parts[i], parts[i + 1]));
      if (parts.size() % 2 == 1) next.push_back(parts.back());
      parts = std::move(next);
    } else {  // Any tree.
      std::swap(parts[random() % parts.size()], parts.back());
      const Part last = parts.back();
      parts.pop_back();
      Part& other = parts[random() % parts.size()];
      other = machine.add(other, last);
    }
  }
  return machine.store(machine.settle(parts[0]));
}

float evaluate_sum(const Scalar& scalar, const std::vector<float>& values, Machine& machine) {
  const bool plain = scalar.alpha == 1 && scalar.beta == 1;
  const bool on_sums = machine.toss(), on_weights = machine.toss();
  std::vector<Part> products, addends;
  for (const Leaf& leaf : scalar.leaves) {
    const float x = values[static_cast<size_t>(leaf.source)];
    if (!leaf.product) {
      addends.push_back(machine.number(leaf.weight < 0 ? -x : x));
      continue;
    }
    float w = leaf.weight, v = x;
    if (!plain && !on_sums && scalar.alpha != 1) {
      float& scaled = on_weights ? w : v;
      scaled = machine.store(machine.settle(machine.product(scalar.alpha, scaled)));
    }
    products.push_back(machine.product(w, v));
  }
  for (const float c : scalar.constants) addends.push_back(machine.number(c));
  if (plain) {
    products.insert(products.begin() + static_cast<std::ptrdiff_t>(machine.random()() % (products.size() + 1)),
                    addends.begin(), addends.end());
    return add_up(std::move(products), machine);
  }
  const auto scaled_by_beta = [&](float x) {
    return scalar.beta == 1 ? machine.number(x) : machine.product(scalar.beta, x);
  };
  std::vector<Part> all;
  if (on_sums && scalar.alpha != 1)
    all = {machine.product(scalar.alpha, add_up(std::move(products), machine))};
  else
    all = std::move(products);
  for (const Part& addend : addends) all.push_back(scaled_by_beta(static_cast<float>(addend.value)));
  return add_up(std::move(all), machine);
}

float evaluate_normalization(const Normalization& n, float x, Machine& machine) {
  const auto single = [&](float y) { return machine.store(y); };
  const bool wide = machine.toss(), reciprocal = machine.toss(), centred = machine.toss();
  if (wide) {
    const double root = std::sqrt(static_cast<double>(n.variance) + n.epsilon);
    const double w = reciprocal ? n.scale * (1 / root) : n.scale / root;
    return machine.store(centred ? (static_cast<double>(x) - n.mean) * w + n.shift : x * w + (n.shift - n.mean * w));
  }
  const float root = single(std::sqrt(single(machine.operand(n.variance) + machine.operand(n.epsilon))));
  const float scale = machine.operand(n.scale), mean = machine.operand(n.mean), shift = machine.operand(n.shift);
  x = machine.operand(x);
  const float w = reciprocal ? single(scale * single(1 / root)) : single(scale / root);
  if (centred) return single(single(single(x - mean) * w) + shift);
  const float offset = single(shift - single(mean * w));
  return single(single(x * w) + offset);
}

// The exponentials of a group may be wrong by almost a half, each in its own way; by 2^-20 where a product reads them.
std::vector<float> evaluate_softmax(const Scalar& scalar, const std::vector<float>& values, Machine& machine) {
  std::vector<float> e;
  for (const int source : scalar.sources) e.push_back(machine.operand(values[static_cast<size_t>(source)]));
  const float largest = *std::max_element(e.begin(), e.end());
  const bool crude = machine.toss() && machine.toss() && !scalar.sharp, reciprocal = machine.toss();
  std::uniform_real_distribution<float> error(-0.49f, 0.49f);
  std::vector<Part> parts;
  for (float& x : e) {
    x = machine.store(std::exp(x - largest) *
                      (crude ? 1 + error(machine.random()) : static_cast<float>(1 + machine.wobble(0x1p-21))));
    parts.push_back(machine.number(x));
  }
  const float sum = add_up(std::move(parts), machine), inverse = machine.store(1 / sum);
  for (float& x : e) x = machine.store(reciprocal ? machine.operand(x) * inverse : machine.operand(x) / sum);
  return e;
}

}  // namespace

std::vector<float> evaluate_somehow(const Meaning& meaning, std::span<const float> input, Random& random) {
  Machine machine(random);
  std::vector<float> values(input.begin(), input.end()), group;
  for (size_t i = input.size(); i < meaning.scalars.size(); ++i) {
    const Scalar& scalar = meaning.scalars[i];
    const float x = scalar.sources.empty() ? 0 : machine.operand(values[static_cast<size_t>(scalar.sources[0])]);
    float y = 0;
    switch (scalar.kind) {
      case ScalarKind::kInput:
        break;
      case ScalarKind::kConstant:
        y = scalar.value;
        break;
      case ScalarKind::kSum:
        y = evaluate_sum(scalar, values, machine);
        break;
      case ScalarKind::kRelu:
        y = x > 0 ? x : 0;
        break;
      case ScalarKind::kLeakyRelu:
        y = x < 0 ? machine.store(scalar.value * x) : x;
        break;
      case ScalarKind::kSigmoid:
        y = 1 / (1 + std::exp(-x));
        break;
      case ScalarKind::kTanh:
        y = std::tanh(x);
        break;
      case ScalarKind::kMin:
        y = x;
        for (const int source : scalar.sources) y = std::min(y, machine.operand(values[static_cast<size_t>(source)]));
        break;
      case ScalarKind::kAbs:
        y = std::fabs(x);
        break;
      case ScalarKind::kExp:  // The functions of a library that uses up most of what it is allowed.
        y = machine.store(std::exp(static_cast<double>(x)) * (1 + machine.wobble(0x1p-21)));
        break;
      case ScalarKind::kReciprocal:
        y = machine.store(1 / static_cast<double>(x) * (1 + machine.wobble(0x1p-23)));
        break;
      case ScalarKind::kSqrt:
        y = machine.store(std::sqrt(static_cast<double>(x)) * (1 + machine.wobble(0x1p-23)));
        break;
      case ScalarKind::kSin:
        y = machine.store(std::sin(static_cast<double>(x)) + machine.wobble(0x1p-21));
        break;
      case ScalarKind::kCos:
        y = machine.store(std::cos(static_cast<double>(x)) + machine.wobble(0x1p-21));
        break;
      case ScalarKind::kProduct:
        y = machine.store(x * machine.operand(values[static_cast<size_t>(scalar.sources[1])]));
        break;
      case ScalarKind::kQuotient: {
        const float divisor = machine.operand(values[static_cast<size_t>(scalar.sources[1])]);
        y = machine.store(machine.toss() ? x / divisor : x * machine.store(1 / divisor));
        break;
      }
      case ScalarKind::kDot: {
        std::vector<Part> products;
        for (size_t k = 0; k + 1 < scalar.sources.size(); k += 2)
          products.push_back(machine.product(values[static_cast<size_t>(scalar.sources[k])],
                                             values[static_cast<size_t>(scalar.sources[k + 1])]));
        y = add_up(std::move(products), machine);
        break;
      }
      case ScalarKind::kNormalize:
        y = evaluate_normalization(scalar.normalization, x, machine);
        break;
      case ScalarKind::kSoftmax:  // A group is evaluated at its first scalar.
        if (scalar.own == 0) group = evaluate_softmax(scalar, values, machine);
        y = group[scalar.own];
        break;
      case ScalarKind::kMax:
        y = x;
        for (const int source : scalar.sources) y = std::max(y, machine.operand(values[static_cast<size_t>(source)]));
        break;
    }
    values.push_back(y);
  }
  return values;
}

}  // namespace axiom::soundness
