// Default lowering: an operator can be run without having a certified meaning.
#include "graph/operator.h"

#include "graph/message.h"

namespace axiom {

Status Operator::lower(const Node& node, LoweringContext&) const {
  return uncertified(node,
                     "the operator is not in spec/operators.md; it can be run, but nothing can be proved about it");
}

}  // namespace axiom
