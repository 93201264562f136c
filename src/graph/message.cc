// Errors that name their node.
#include "graph/message.h"

#include <fmt/format.h>

namespace axiom {

std::string describe(const Node& node) { return fmt::format("node {} '{}' ({})", node.index, node.name, node.op_type); }

Error rejected(const Node& node, const std::string& what) { return invalid_input(describe(node) + ": " + what); }

Error uncertified(const Node& node, const std::string& why) {
  return not_certifiable("no certified meaning: " + describe(node) + ": " + why);
}

Error too_large(const Node& node, const std::string& what) { return resource_error(describe(node) + ": " + what); }

}  // namespace axiom
