// The proof tree that a search leaves behind, encoded as it grows (spec/certificate.md, section 8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bounds/sweep.h"

namespace axiom {

/// Writes instructions of one node in order.
class ProofCode {
 public:
  void propagate(const PropagatePlan& plan);
  void tighten(uint32_t p, std::span<const Tightening> found);
  void clip(size_t constraint, const SlopeSpec& slopes);
  void split_all_disjuncts();       ///< CASE
  void split_input(uint32_t j);     ///< At the midpoint.
  void split_element(ElementId e);  ///< At 0.
  void split_element(ElementId e, double at);
  void refute(size_t constraint, const SlopeSpec& slopes);
  void empty();

  std::string take() { return std::move(bytes_); }

 private:
  void byte(unsigned value) { bytes_.push_back(static_cast<char>(value)); }
  void varint(uint64_t value);
  void slope_spec(const SlopeSpec& slopes);
  std::string bytes_;
};

/// Reads instructions that a ProofCode has written. Once one is cut off or names what is not there, `ok` is false and
/// everything reads as 0.
class ProofReader {
 public:
  enum class Instruction : uint8_t {
    kEnd = 0,  ///< Of the code.
    kPropagate = 1,
    kClip = 2,
    kCase = 3,
    kSplitInput = 4,
    kSplitElement = 5,
    kRefute = 6,
    kEmpty = 7,
    kTighten = 9
  };

  /// Both arguments must outlive it.
  ProofReader(std::string_view code, const BoundProgram& program) : rest_(code), program_(program) {}

  Instruction instruction() { return rest_.empty() ? Instruction::kEnd : static_cast<Instruction>(byte()); }
  /// What follows the instruction: a number below `end`.
  uint32_t index(uint64_t end);
  PropagatePlan propagate();
  /// After the operator. A slope a byte is read for each neuron that is open in `context`, which must be refreshed; the
  /// bounds are to be computed.
  std::vector<Tightening> tighten(uint32_t p, const BoundContext& context);
  /// For a sweep of the operators below `end`.
  SlopeSpec slopes(uint32_t end, const BoundContext& context);
  /// Where a split is; the value only where it is written.
  std::optional<double> split_value();

  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }

 private:
  uint8_t byte();
  uint64_t varint();
  template <typename T>
  T number();
  uint64_t next(uint64_t above, uint64_t end, bool first);
  std::string_view take(uint64_t size);
  std::string_view rest_;
  const BoundProgram& program_;
  bool ok_ = true;
};

/// What a node shows of itself in reports; proves nothing.
enum class NodeState : uint8_t {
  kOpen,      ///< Not looked at yet.
  kSplit,     ///< Has children.
  kClosed,    ///< Refuted or empty.
  kStuck,     ///< Neither closed nor split.
  kViolated,  ///< Holds a counterexample.
};
inline constexpr ElementId kNoElement = ~ElementId{0};

/// One node: the instructions up to its closing one, and a child for each part of a split.
struct ProofNode {
  std::string code;
  std::vector<ProofNode*> children;
  NodeState state = NodeState::kOpen;
  ElementId split = kNoElement;  ///< kSplit: the input or neuron; none where the disjuncts were told apart.
  double split_at = 0;           ///< kSplit: where.
  double bound = -kInfinity;     ///< Lower bound that was reached; above 0 in a refuted node.
};

void append_varint(std::string& bytes, uint64_t value);

/// The tree in preorder. Every node must be closed.
std::string serialize(const ProofNode& root);

/// Calls visit(node) for every node: parents first, siblings in order.
template <typename Visit>
void preorder(const ProofNode& root, Visit visit) {
  std::vector<const ProofNode*> stack{&root};
  while (!stack.empty()) {
    const ProofNode* node = stack.back();
    stack.pop_back();
    visit(*node);
    for (size_t k = node->children.size(); k-- > 0;) stack.push_back(node->children[k]);
  }
}

/// Number of nodes without children.
uint64_t count_leaves(const ProofNode& root);

}  // namespace axiom
