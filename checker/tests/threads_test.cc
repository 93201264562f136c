// Trees that several threads walk: what they are divided into, and that nothing else depends on it.
#include <algorithm>
#include <random>

#include "outline.h"
#include "tests/claims.h"
#include "tests/test.h"

namespace {

using build::Bytes;
using build::Claim;
using checker::Extent;
using checker::Outcome;
using checker::Part;

struct Tree {
  Claim claim;
  checker::Property property;
  std::vector<Extent> nodes;  // as the walk has found them
};

Tree walked(const Claim& claim) {
  const std::span property(reinterpret_cast<const uint8_t*>(claim.property.data()), claim.property.size());
  const checker::Program program = checker::lower(checker::read_onnx(claim.model), {});
  Tree tree{claim, checker::read_property(property, claim.semantics, program), {}};
  const Outcome outcome = checker::check(build::certificate(claim), claim.model, property, {}, &tree.nodes);
  EXPECT_NOTE(outcome.result == Outcome::accepted, outcome.reason);
  return tree;
}

// A tree of `levels` splits of the input of split_claim() in both of its cases, and here and there a CASE of one case.
Claim deep_claim(int levels) {
  Claim claim = build::split_claim();
  std::mt19937 random(3);
  const auto grow = [&](const auto& self, int left) -> void {
    Bytes& tree = claim.tree;
    if (left == 0 || random() % 8 == 0) {
      tree.insert(tree.end(), {1, 1, 0, 2, 0, 0, 6, 0, 0});
      return;
    }
    if (random() % 8 == 0) tree.push_back(3);
    tree.insert(tree.end(), {4, 0, 0});
    self(self, left - 1);
    self(self, left - 1);
  };
  claim.tree = {1, 1, 0, 3};
  grow(grow, levels);
  grow(grow, levels);
  return claim;
}

// Nodes that are small enough and have a parent that is not.
std::vector<Part> expected_parts(const std::vector<Extent>& nodes, uint64_t least, uint64_t most) {
  std::vector<Part> parts;
  uint64_t behind = 0;
  for (const Extent& node : nodes) {
    const uint64_t length = node.end - node.begin;
    if (node.begin < behind || length > most) continue;
    behind = node.end;
    if (length >= least) parts.push_back({node.begin, node.end});
  }
  return parts;
}

bool same(const std::vector<Part>& a, const std::vector<Part>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Part& x, const Part& y) { return x.begin == y.begin && x.end == y.end; });
}

}  // namespace

void thread_tests() {
  test("an outline has the nodes that the walk visits, of every size", [] {
    std::vector<Claim> claims = build::accepted_claims();
    claims.push_back(deep_claim(5));
    for (const Claim& claim : claims) {
      const Tree tree = walked(claim);
      // Explicit slopes hide what ends behind them.
      if (claim.tree == build::hinted_claim().tree || claim.tree == build::tight_claim().tree) continue;
      for (uint64_t most = 0; most <= claim.tree.size() + 1; ++most) {
        for (const uint64_t least : {uint64_t(1), most / 4 + 1, most}) {
          EXPECT(
              same(checker::outline(tree.property, claim.tree, least, most), expected_parts(tree.nodes, least, most)));
        }
      }
    }
  });
  test("an outline ends before explicit slopes and before a fault, and has none but nodes of the tree", [] {
    for (const Claim& claim : build::accepted_claims()) {
      const Tree tree = walked(claim);
      const auto is_node = [&](const Part& part) {
        return std::any_of(tree.nodes.begin(), tree.nodes.end(),
                           [&](const Extent& node) { return node.begin == part.begin && node.end == part.end; });
      };
      for (size_t size = 0; size <= claim.tree.size(); ++size) {
        for (const Part& part : checker::outline(tree.property, std::span(claim.tree).first(size), 1, size)) {
          EXPECT(part.end <= size && is_node(part));
        }
      }
    }
    const Tree hinted = walked(build::hinted_claim());
    EXPECT(checker::outline(hinted.property, hinted.claim.tree, 1, hinted.claim.tree.size()).empty());
  });
  test("a tree of thousands of nodes has one outcome, with any division, and with a fault in any of its parts", [] {
    const Claim claim = deep_claim(10);
    const Bytes good = build::certificate(claim);
    const size_t header = good.size() - claim.tree.size();
    const std::span property(reinterpret_cast<const uint8_t*>(claim.property.data()), claim.property.size());
    std::mt19937 random(4);
    int accepted = 0, rejected = 0;
    for (int variant = 0; variant < 80; ++variant) {
      Bytes bytes = good;
      for (int changes = variant == 0 ? 0 : 1 + variant % 4; changes > 0; --changes) {
        bytes[header + random() % claim.tree.size()] ^= uint8_t(1 << random() % 8);
      }
      const Outcome alone = checker::check(bytes, claim.model, property);
      (alone.result == Outcome::accepted ? accepted : rejected) += 1;
      for (const unsigned threads : {2u, 3u, 16u}) {
        const checker::Division division{threads, 1 + random() % 8, 0};
        const Outcome outcome = checker::check(bytes, claim.model, property, {}, nullptr, division);
        EXPECT_NOTE(outcome.result == alone.result && outcome.reason == alone.reason && outcome.nodes == alone.nodes &&
                        outcome.leaves == alone.leaves,
                    outcome.reason + " instead of " + alone.reason);
      }
    }
    EXPECT(accepted > 0 && rejected > 40);
  });
}
