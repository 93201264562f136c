// The registry: made at first use, in the order of the list.
#include "ops/registry.h"

#include "ops/family.h"

// The one list. A file of this folder that defines `ops::Family x_family()` adds its line.
#define AXIOM_FAMILIES(FAMILY) \
  FAMILY(arithmetic_family)    \
  FAMILY(activation_family)    \
  FAMILY(extremes_family)      \
  FAMILY(reduction_family)     \
  FAMILY(matmul_family)        \
  FAMILY(gemm_family)          \
  FAMILY(convolution_family)   \
  FAMILY(normalisation_family) \
  FAMILY(softmax_family)       \
  FAMILY(pooling_family)       \
  FAMILY(reshaping_family)     \
  FAMILY(reordering_family)    \
  FAMILY(constant_family)

namespace axiom {
namespace ops {
#define AXIOM_DECLARE(family) Family family();
AXIOM_FAMILIES(AXIOM_DECLARE)
#undef AXIOM_DECLARE
}  // namespace ops

namespace {

struct Registry {
  ops::Family owned;
  std::vector<const Operator*> list;

  Registry() {
#define AXIOM_ADD(family) \
  for (auto& op : ops::family()) owned.push_back(std::move(op));
    AXIOM_FAMILIES(AXIOM_ADD)
#undef AXIOM_ADD
    for (const auto& op : owned) list.push_back(op.get());
  }
};

const Registry& registry() {
  static const Registry all;
  return all;
}

}  // namespace

std::span<const Operator* const> operators() { return registry().list; }

const Operator* find_operator(std::string_view op_type) {
  for (const Operator* op : registry().list)
    if (op->name() == op_type) return op;
  return nullptr;
}

}  // namespace axiom
