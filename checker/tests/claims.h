// Small claims with certificates that are accepted, which together use every
// instruction, selector and slope specification and every kind of operator.
#pragma once

#include "tests/build.h"

namespace build {

Claim relu_claim();    // one sweep
Claim split_claim();   // CASE and SPLIT INPUT
Claim clip_claim();    // CLIP by two constraints, until nothing is left
Claim hinted_claim();  // SPLIT ELEMENT at a number, explicit slopes, multipliers, a combination
Claim kinds_claim();   // every unary kind, maxpool and constant
Claim tight_claim();   // TIGHTEN of three bounds, with explicit slopes, a rule and a multiplier

Claim softmax_claim();  // the outputs are probabilities, by one sweep a case

std::vector<Claim> accepted_claims();  // all of them

}  // namespace build
