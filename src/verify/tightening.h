// Tighter bounds of single neurons: one sweep each, with lower slopes optimised for it (alpha-CROWN, Xu et al. 2021).
#pragma once

#include "base/threads.h"
#include "verify/strategy.h"

namespace axiom {

/// From the lowest operator up: tightens the unstable neurons that the other operators read, re-bounds the next
/// operator, and writes both into the proof. `most_work`: multiplications for all bounds together; they are ascended
/// with as many sweeps as it allows. The context must have been propagated. Stops early when `work.stop` says so.
void tighten(Workspace& work, ThreadPool& threads, double most_work, ProofCode& code);

}  // namespace axiom
