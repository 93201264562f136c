"""Finds an encounter where the order of summation decides the advisory, and writes edge_of_decision.vnnlib.

Where the network changes its mind between `descend` and `climb`, the two scores agree to the last bits, and
rounding has the casting vote. The search looks at encounters with short numbers near such a place for one
where `descend` wins over the reals while plain float32 arithmetic ranks `climb` first, and spans a box from
it in the directions in which `descend` gains. Run it again after retraining.

Usage: python3 find_edge.py        (a quarter of a minute)
"""
import numpy as np

from check_properties import HERE, ORDERS, evaluate, exact, execute, load_network

# An intruder about level with us, both aircraft nearly level, about twelve seconds to go.
STEP = np.array([1 / 1024, 1 / 64, 1 / 64, 1 / 16])  # grid of the encounters looked at: short numbers, exact in binary
LOW = np.array([-2.0, -2.0, -2.0, 10.0])
HIGH = np.array([2.0, 2.0, 2.0, 14.0])
SIZE = np.array([0.5, 1.0, 1.0, 1.0])  # of the box
CLOSE = 8e-7  # how near the decision a candidate is, in score

TEXT = """\
; Of two advisories that are nearly equally good, the better one stays the better one.
;
; Both aircraft fly nearly level at nearly the same altitude. The box lies on the side of the decision where
; `descend` (Y_1) scores above `climb` (Y_2), and touches the decision with one corner.
; Unsafe: `climb` scores at least as high as `descend`.
;
; Holds over the reals. Fails in float32: at one corner, the order of summation decides.
; Written by find_edge.py.
; X: relative altitude (100 ft), own rate, intruder rate (100 ft/min), seconds to closest approach.

(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const X_2 Real)
(declare-const X_3 Real)
(declare-const Y_0 Real)
(declare-const Y_1 Real)
(declare-const Y_2 Real)

{box}

(assert (>= Y_2 Y_1))
"""


def candidates(layers, batches=80, batch=50_000):
    """Encounters on the grid where `descend` leads by less than CLOSE."""
    wide = [(w.astype(float), b.astype(float)) for w, b in layers]
    steps = np.round((HIGH - LOW) / STEP).astype(int)
    random = np.random.default_rng(3)
    for _ in range(batches):
        grid = random.integers(0, steps + 1, (batch, 4))
        below, above = np.zeros(batch, dtype=int), np.full(batch, steps[0])
        while np.any(above - below > 1):  # bisect the relative altitude for the change from climb to descend
            grid[:, 0] = (below + above) // 2
            scores = evaluate(wide, LOW + STEP * grid)
            descends = scores[:, 1] > scores[:, 2]
            below, above = np.where(descends, below, grid[:, 0]), np.where(descends, grid[:, 0], above)
        grid[:, 0] = above
        scores = evaluate(wide, LOW + STEP * grid)
        lead = scores[:, 1] - scores[:, 2]
        yield from (LOW + STEP * grid)[(lead > 0) & (lead < CLOSE) & (scores[:, 1] > scores[:, 0])]


def find(layers):
    """The encounter with the largest exact lead of `descend` that plain float32 does not see; and that lead."""
    fractions = [(exact(w), exact(b)) for w, b in layers]
    best = None, 0
    for point in candidates(layers):
        verdicts = [s[1] - s[2] for s in (execute(layers, point, order) for order in ORDERS)]
        if max(verdicts[:2]) < 0 < max(verdicts[2:]):
            scores = evaluate(fractions, exact(point)[None])[0]
            if scores[1] - scores[2] > best[1]:
                best = point, scores[1] - scores[2]
    return best


def main():
    layers = load_network(HERE / "advisory.onnx")
    corner, lead = find(layers)
    if corner is None:
        raise SystemExit("no such encounter on this grid; refine STEP")
    print(f"at {corner} `descend` leads by {float(lead):.3e}")
    nudged = evaluate([(w.astype(float), b.astype(float)) for w, b in layers], corner + np.diag(STEP))
    gains = nudged[:, 1] - nudged[:, 2] > float(lead)
    low, high = np.where(gains, corner, corner - SIZE), np.where(gains, corner + SIZE, corner)
    box = "\n".join(f"(assert (>= X_{i} {low[i]!r}))\n(assert (<= X_{i} {high[i]!r}))" for i in range(4))
    (HERE / "edge_of_decision.vnnlib").write_text(TEXT.format(box=box))


if __name__ == "__main__":
    main()
