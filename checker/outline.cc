// Section 8 of spec/certificate.md without its conditions: what is not a certificate may pass here, since the walk
// reads the same bytes again.
#include "outline.h"

#include "bytes.h"
#include "error.h"

namespace checker {
namespace {

constexpr size_t kMostDepth = 100'000;

class Outline {
 public:
  Outline(const Property& property, std::span<const uint8_t> tree, uint64_t least, uint64_t most)
      : property_(property), in_(tree), least_(least), most_(most), all_active_(property.disjuncts.size() > 1) {}

  void read();
  std::vector<Part> take() { return std::move(parts_); }

 private:
  struct Open {
    uint64_t begin;
    uint32_t children, next;  // next: the child to visit
    bool all_active;
    bool is_case;
  };

  Open node();
  void end(const Open& node);
  void form();
  void slopes();
  void skip_varints(uint64_t count);

  const Property& property_;
  ByteReader in_;
  uint64_t least_, most_;
  std::vector<Part> parts_;
  std::vector<Open> stack_;
  bool all_active_;
  uint32_t active_ = 0;  // as in the walk
};

void Outline::read() {
  while (stack_.size() < kMostDepth) {
    stack_.push_back(node());
    while (stack_.back().next == stack_.back().children) {
      end(stack_.back());
      stack_.pop_back();
      if (stack_.empty()) return;
    }
    Open& parent = stack_.back();
    if (parent.is_case && parent.all_active) active_ = parent.next;
    all_active_ = parent.all_active && !parent.is_case;
    ++parent.next;
  }
}

// The instructions of a node.
Outline::Open Outline::node() {
  const uint64_t begin = in_.at();
  while (true) {
    switch (in_.byte()) {
      case 1: {
        const uint8_t mode = in_.byte();
        in_.byte();
        if (mode == 2) skip_varints(in_.varint());
        break;
      }
      case 2:
        form();
        break;
      case 3:
        return {begin, all_active_ ? uint32_t(property_.disjuncts.size()) : 1, 0, all_active_, true};
      case 4:
      case 5:
        in_.varint();
        if (in_.byte() == 1) in_.take(8);
        return {begin, 2, 0, all_active_, false};
      case 6:
        form();
        return {begin, 0, 0, all_active_, false};
      case 7:
        return {begin, 0, 0, all_active_, false};
      case 9:
        in_.varint();
        for (uint64_t left = in_.varint(); left > 0; --left) {
          in_.varint();
          slopes();
        }
        break;
      default:
        throw Rejected("unknown instruction");
    }
  }
}

// Nodes below one that is not too large end before it, and are given up for it.
void Outline::end(const Open& node) {
  const uint64_t length = in_.at() - node.begin;
  if (length < least_ || length > most_) return;
  while (!parts_.empty() && parts_.back().begin >= node.begin) parts_.pop_back();
  parts_.push_back({node.begin, in_.at()});
}

// A selector and a slope specification.
void Outline::form() {
  const uint64_t selector = in_.varint(), constraints = property_.disjuncts[active_].constraints.size();
  for (uint64_t left = selector < constraints ? 0 : in_.varint(); left > 0; --left) {
    in_.varint();
    in_.take(8);
  }
  slopes();
}

void Outline::slopes() {
  const uint8_t spec = in_.byte();
  if ((spec & 3) == 3) throw Rejected("explicit slopes");
  if ((spec & 0x80) == 0) return;
  for (uint64_t left = in_.varint(); left > 0; --left) {
    in_.varint();
    in_.take(4);
  }
}

void Outline::skip_varints(uint64_t count) {
  for (; count > 0; --count) in_.varint();
}

}  // namespace

std::vector<Part> outline(const Property& property, std::span<const uint8_t> tree, uint64_t least, uint64_t most) {
  Outline found(property, tree, least, most);
  try {
    found.read();
  } catch (const Rejected&) {
    // The walk will say what is wrong, if anything is.
  }
  return found.take();
}

}  // namespace checker
