"""Re-decides the four properties of this example without Axiom, with arithmetic slow enough to be plain.

    verified  a small branch and bound (linear bounds of ReLU networks after Zhang et al., "CROWN", 2018)
    violated  random sampling, and the dynamic program's opinion of the encounter found
    order     the same branch and bound over exact fractions shows that the claim holds over the reals;
              executing the network in float32, one addition after the other, shows that it does not there

Bounds in float64 here are not rounded outward: they are a second opinion, Axiom's certificate is the proof.
Usage: python3 check_properties.py        (a few seconds; exit status 1 if a property is not as documented)
"""
import re
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

HERE = Path(__file__).parent


def load_network(path):
    """The layers [(weight (out, in), bias (out,))] of a chain of Gemm and Relu, as float32."""
    graph = onnx.load(path).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    return [(constants[n.input[1]], constants[n.input[2]]) for n in graph.node if n.op_type == "Gemm"]


def load_property(path):
    """Box and unsafe set {y : rows @ y >= 0} of a property of this folder, as exact fractions."""
    text = re.sub(";.*", "", path.read_text())
    box = {(kind, int(i)): Fraction(value)
           for kind, i, value in re.findall(r"\(assert \((<=|>=) X_(\d) (-?[\d.]+)\)\)", text)}
    low, high = ([box[kind, i] for i in range(4)] for kind in (">=", "<="))
    rows = [[Fraction((j == int(a)) - (j == int(b))) for j in range(3)]
            for a, b in re.findall(r"\(assert \(>= Y_(\d) Y_(\d)\)\)", text)]
    return np.array(low), np.array(high), np.array(rows)


def exact(array):
    """The fractions that the floats of an array are."""
    return np.vectorize(Fraction, otypes=[object])(np.asarray(array, dtype=float))


def evaluate(layers, x):
    """Scores at the rows of x, in the arithmetic of the layers given."""
    for k, (weight, bias) in enumerate(layers):
        x = (x if k == 0 else np.maximum(x, 0)) @ weight.T + bias
    return x


def float32_sum(terms):
    total = np.float32(0)
    for term in terms:
        total = np.float32(total + term)
    return total


ORDERS = {
    "products first to last, then the bias": lambda products, bias: float32_sum([*products, bias]),
    "the bias, then products first to last": lambda products, bias: float32_sum([bias, *products]),
    "products last to first, then the bias": lambda products, bias: float32_sum([*products[::-1], bias]),
    "the bias, then products last to first": lambda products, bias: float32_sum([bias, *products[::-1]]),
}


def execute(layers, x, order):
    """One float32 execution of the network: every product and every sum is rounded, in the order given."""
    x = [np.float32(v) for v in x]
    for k, (weight, bias) in enumerate(layers):
        x = x if k == 0 else [max(v, np.float32(0)) for v in x]
        x = [ORDERS[order]([np.float32(w * v) for w, v in zip(row, x)], b) for row, b in zip(weight, bias)]
    return x


def lower_bounds(layers, low, high, rows):
    """Lower bounds of rows @ (output of the last layer) over boxes low, high (boxes, 4): (boxes, rows).

    Backward substitution; an undecided ReLU is replaced by a line below (slope 0 or 1) or its chord above.
    """
    below, above = [], []  # pre-activation bounds, layer by layer
    for depth in range(1, len(layers)):
        unit = np.eye(len(layers[depth - 1][1]), dtype=int)
        below.append(substitute(layers[:depth], low, high, unit, below, above))
        above.append(-substitute(layers[:depth], low, high, -unit, below, above))
    return substitute(layers, low, high, rows, below, above)


def substitute(layers, low, high, rows, below, above):
    slopes = np.broadcast_to(rows, (len(low),) + rows.shape)
    constant = 0
    for k in reversed(range(len(layers))):
        weight, bias = layers[k]
        constant = constant + slopes @ bias
        slopes = slopes @ weight
        if k == 0:
            return constant + over_box(slopes, low, high)
        l, u = below[k - 1], above[k - 1]
        undecided = (l < 0) & (u > 0)
        chord = np.where(undecided, u / np.where(undecided, u - l, 1), l >= 0)
        line = np.where(undecided, u > -l, l >= 0) * 1
        positive, negative = np.maximum(slopes, 0), np.minimum(slopes, 0)
        constant = constant + (negative @ np.where(undecided, -chord * l, 0)[:, :, None])[:, :, 0]
        slopes = positive * line[:, None] + negative * chord[:, None]


def over_box(slopes, low, high):
    return (np.maximum(slopes, 0) @ low[:, :, None] + np.minimum(slopes, 0) @ high[:, :, None])[:, :, 0]


def prove(layers, low, high, rows, limit=20_000):
    """Number of boxes needed to show that no point of the box is unsafe; None past the limit."""
    widths = high - low
    low, high, proved = low[None], high[None], 0
    while len(low):
        safe = np.max(lower_bounds(layers, low, high, -rows), axis=1) > 0
        low, high, proved = low[~safe], high[~safe], proved + int(safe.sum())
        if proved + len(low) > limit:
            return None
        # Halve the side that is widest relative to the whole box.
        relative = np.where(widths > 0, (high - low) / np.where(widths > 0, widths, 1), 0)
        side = np.arange(4) == np.argmax(relative, axis=1)[:, None]
        middle = (low + high) / 2
        low, high = np.concatenate([low, np.where(side, middle, low)]), np.concatenate([np.where(side, middle, high), high])
    return proved


def check_verified(layers, low, high, rows):
    boxes = prove([(w.astype(float), b.astype(float)) for w, b in layers], low.astype(float), high.astype(float), rows.astype(float))
    points = np.random.default_rng(0).uniform(low.astype(float), high.astype(float), (1_000_000, 4))
    margin = np.max(-evaluate(layers, points) @ rows.T.astype(float), axis=1).min()
    print(f"  holds: branch and bound needs {boxes} boxes; smallest margin of 1,000,000 samples {margin:.2f}")
    return boxes is not None and margin > 0


def check_violated(layers, low, high, rows):
    from train import lookup, solve
    low, high = low.astype(float), high.astype(float)
    points = np.random.default_rng(0).uniform(low, high, (1_000_000, 4)).astype(np.float32)
    depth = np.min(evaluate(layers, points) @ rows.T.astype(float), axis=1)
    worst = points[depth.argmax()]
    print(f"  fails at {np.mean(depth >= 0):.2%} of 1,000,000 samples; deepest {depth.max():.2f} at {worst}")
    corners = np.array(np.meshgrid(*zip(low, high))).reshape(4, -1).T
    costs = lookup(solve(), np.concatenate([corners, points[:200_000]]))
    saved = np.min(costs[:, 0] - costs[:, 1:].min(axis=1))
    print(f"  a manoeuvre lowers the expected cost at each of {len(costs):,} encounters, by {saved:.4f} or more (a collision costs 1)")
    return depth.max() > 0 and saved > 0


def check_order(layers, low, high, rows):
    fractions = [(exact(w), exact(b)) for w, b in layers]
    boxes = prove(fractions, low, high, rows)
    corners = np.array(np.meshgrid(*zip(low, high))).reshape(4, -1).T
    margins = -(evaluate(fractions, corners) @ rows.T)[:, 0]
    corner = corners[margins.argmin()]
    print(f"  holds over the reals: {boxes} boxes in exact fractions")
    print(f"  least favourable corner {[str(float(v)) for v in corner]}; exact margin {float(margins.min()):.3e}")
    fails = []
    for order in ORDERS:
        scores = execute(layers, corner, order)
        fails.append(scores[2] >= scores[1])
        print(f"  {order}: descend {scores[1]:.7f} climb {scores[2]:.7f}  {'CLIMBS' if fails[-1] else 'descends'}")
    return boxes is not None and margins.min() > 0 and all(fails[:2]) and not all(fails)


CHECKS = {"never_climb_into_intruder": check_verified, "alert_when_level": check_verified,
          "alert_when_diving": check_violated, "edge_of_decision": check_order}


def main():
    layers = load_network(HERE / "advisory.onnx")
    good = True
    for name, check in CHECKS.items():
        print(name, flush=True)
        good &= bool(check(layers, *load_property(HERE / f"{name}.vnnlib")))
    print("all as documented" if good else "NOT as documented")
    sys.exit(not good)


if __name__ == "__main__":
    main()
