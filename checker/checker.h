// axiom-check as a function: decides whether a certificate proves a property of a
// model. No global state; as many threads as are asked for, and one more that hashes
// the model meanwhile; nothing is thrown and no input, however malformed, has any
// other effect than the outcome.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lower.h"
#include "property.h"
#include "tree.h"

namespace checker {

struct Outcome {
  enum Result { accepted, rejected, error } result = error;
  std::string semantics;  // "real" or "float32"; empty when the certificate does not say
  uint64_t leaves = 0, nodes = 0;
  double seconds = 0;
  std::string reason;  // empty when accepted
  std::string model_sha256, property_sha256;
};

// `error` means that the model or the property is malformed or has no certified
// meaning; the reason is then "place: what". Adds the extents of the tree's nodes to
// `extents` if it is not null; they mean something for an accepted certificate only.
// The outcome, but for its seconds, does not depend on the division.
Outcome check(std::span<const uint8_t> certificate, std::span<const uint8_t> model, std::span<const uint8_t> property,
              const Limits& limits = {}, std::vector<Extent>* extents = nullptr, const Division& division = {});

// What the header of a certificate says, one line per field. Throws Rejected.
std::string describe_claim(std::span<const uint8_t> certificate);

// Counts of the core program and of the property, for people. Throws Malformed.
std::string inspect(std::span<const uint8_t> model, std::span<const uint8_t> property, Semantics semantics);

}  // namespace checker
