// Prints what axiom-check's own readers make of a model and a property, in the format of dump.ml, for `compare`: the
// two readings of the same bytes must not differ in a single line. A test tool, linked with checker/, no part of either
// judge.
#include <bit>
#include <cinttypes>
#include <cstdio>

#include "error.h"
#include "files.h"
#include "lower.h"
#include "onnx.h"
#include "property.h"

using namespace checker;

static void bits(double x) { std::printf("%016" PRIx64, std::bit_cast<uint64_t>(x)); }

static void dump(const Program& program) {
  for (size_t n = 0; n < program.operators.size(); ++n) {
    const Operator& o = program.operators[n];
    std::printf("operator %zu %s first %u size %u\n", n, name(o.kind), o.first, o.count);
    if (o.kind == Kind::affine) {
      std::printf("factor "), bits(o.factor), std::printf(" rho "), bits(o.real_error), std::printf("\n");
      for (uint32_t i = 0; i < o.count; ++i) {
        std::printf("row %u b ", i), bits(o.bias[i]), std::printf(" M "), bits(o.magnitude[i]);
        std::printf(" k %.0f c0 ", o.k[i]), bits(o.c0[i]), std::printf(":");
        for (uint64_t t = o.start[i]; t < o.start[i + 1]; ++t) std::printf(" %u ", o.source[t]), bits(o.weight[t]);
        std::printf("\n");
      }
    } else if (o.kind == Kind::maxpool || o.kind == Kind::softmax) {
      for (size_t i = 0; i + 1 < o.start.size(); ++i) {
        std::printf("%s %zu:", o.kind == Kind::maxpool ? "window" : "group", i);
        for (uint64_t t = o.start[i]; t < o.start[i + 1]; ++t) std::printf(" %u", o.source[t]);
        std::printf("\n");
      }
    } else if (o.kind == Kind::constant) {
      for (uint32_t i = 0; i < o.count; ++i) std::printf("value %u ", i), bits(o.value[i]), std::printf("\n");
    } else if (o.kind != Kind::input) {
      std::printf("alpha "), bits(o.kind == Kind::leaky_relu ? o.alpha : 0), std::printf(":");
      for (uint32_t s : o.source) std::printf(" %u", s);
      std::printf("\n");
    }
  }
  std::printf("outputs:");
  for (uint32_t e : program.outputs) std::printf(" %u", e);
  std::printf("\n");
}

static void dump(const Property& property, Semantics semantics) {
  for (size_t n = 0; n < property.disjuncts.size(); ++n) {
    const Disjunct& d = property.disjuncts[n];
    std::printf("disjunct %s %zu\n", name(semantics), n);
    for (size_t j = 0; j < d.lo.size(); ++j)
      std::printf("box %zu ", j), bits(d.lo[j]), std::printf(" "), bits(d.hi[j]), std::printf("\n");
    for (uint32_t c : d.constraints) {
      std::printf("constraint "), bits(property.constraints[c].r), std::printf(":");
      for (const Constraint::Term& t : property.constraints[c].terms)
        std::printf(" %c%u ", t.is_output ? 'Y' : 'X', t.index), bits(t.t);
      std::printf("\n");
    }
  }
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const auto model = read_file(argv[1], uint64_t(1) << 30), property = read_file(argv[2], uint64_t(1) << 30);
    const Program program = lower(read_onnx(model), Limits{});
    dump(program);
    for (const Semantics s : {Semantics::real, Semantics::float32}) dump(read_property(property, s, program), s);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 4;
  }
}
