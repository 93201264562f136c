// A second reading of proof trees, in rationals: the rules of spec/certificate.md sections 3 to 9 without their charges
// for rounding, for networks of sums, relus, leaky relus and constants, under `real` semantics.
//
// Without charges every step is at least as good as the checker's over the same context. Over a whole tree the two may
// still differ by a hair either way, since lines follow the context; so what the checker accepts must close here but
// for margins as small as its charges, and ties of signs, which generic weights do not have. What closes here is true:
// only quotients and box ends are ever rounded, outwards, after 256 bits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meaning.h"
#include "question.h"

namespace axiom::soundness {

/// The fields of spec/certificate.md section 9, with the digests as raw bytes.
struct CertificateFile {
  uint8_t semantics = 0;
  std::string model_digest, property_digest;
  std::array<uint64_t, 5> counts{};  ///< Inputs, outputs, core operators, elements, disjuncts.
  std::string tree;

  /// Empty unless the bytes are exactly one certificate.
  static std::optional<CertificateFile> parse(const std::string& bytes);
  std::string bytes() const;
};

/// A number in a tree that a prover chose.
struct Place {
  enum Kind {
    kSweepRule,   ///< The slope rule byte of PROPAGATE.
    kFormRule,    ///< The slope specification byte of a CLIP or REFUTE, with an implicit rule.
    kSlope,       ///< An explicit slope byte.
    kMultiplier,  ///< The f32 of a multiplier.
    kFactor,      ///< The f64 mu of a combination.
    kSplitPoint   ///< The byte that says whether an f64 follows, and that f64.
  } kind = kSlope;
  size_t at = 0, size = 0;  ///< Bytes of the tree.
  size_t hinges = 0;        ///< kFormRule: slope bytes that an explicit rule would need.
};

/// A node with all that is below it.
struct Subtree {
  size_t begin = 0, end = 0;  ///< Bytes of the tree.
  size_t parent = 0;          ///< Index of the parent; the root is its own.
  bool leaf = false;
  bool holds = true;  ///< Of a leaf: its condition.
};

/// One REFUTE: its exact bound and what it selected.
struct Refutation {
  Rational bound;
  std::vector<std::pair<size_t, Rational>> selected;  ///< Constraint and factor.
};

struct ExactReplay {
  bool readable = false;  ///< The tree is well formed up to its end.
  bool closes = false;    ///< Readable, and the condition of every leaf holds.
  std::string reason;     ///< The first thing that does not hold.
  std::vector<Place> places;
  std::vector<Subtree> subtrees;  ///< In preorder.
  std::vector<Refutation> refutations;
  int clips = 0, cases = 0, input_splits = 0, element_splits = 0, empties = 0, tightenings = 0;

  int count(Place::Kind kind) const;
};

/// Replays a tree. The meaning must be of the stated kinds of scalars, and every inequality must read an output.
ExactReplay replay_exactly(const Meaning& meaning, const Question& question, const std::string& tree);

}  // namespace axiom::soundness
