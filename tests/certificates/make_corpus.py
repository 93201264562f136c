#!/usr/bin/env python3
"""Writes the certificates of this folder, and the seeds of checker_fuzz from the same claims.

    make_corpus.py            write what is missing or different
    make_corpus.py --check    only say so, and exit with 1

Every certificate follows from a few lines below, by spec/certificate.md; none comes from the search.
"""

import csv
import hashlib
import io
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "cli"))
from onnx_writer import attribute, box_property, field, model, node, tensor, value, varint  # noqa: E402
from vnnlib_2 import network  # noqa: E402

REAL, FLOAT32 = 0, 1
EMPTY, CASE = b"\x07", b"\x03"


# ---- Instructions (spec/certificate.md section 8)

def f64(number):
    return struct.pack("<d", number)


def propagate(mode=1, rule=0, operators=()):
    return bytes([1, mode, rule]) + (varint(len(operators)) + bytes(operators) if mode == 2 else b"")


def slope_spec(rule=0, slopes=b"", multipliers=()):
    """Multipliers: (difference of elements, f32)."""
    out = bytes([rule | (0x80 if multipliers else 0)]) + slopes
    if multipliers:
        out += varint(len(multipliers)) + b"".join(varint(e) + struct.pack("<f", beta) for e, beta in multipliers)
    return out


def form(code, selector, rule, **hints):
    """A CLIP or REFUTE."""
    return bytes([code]) + selector + slope_spec(rule, **hints)


def tighten(operator, *bounds):
    """Bounds: (difference of targets, slope spec)."""
    return bytes([9]) + varint(operator) + varint(len(bounds)) + b"".join(varint(d) + spec for d, spec in bounds)


def clip(constraint, rule=0, **hints):
    return form(2, varint(constraint), rule, **hints)


def refute(constraint=0, rule=0, **hints):
    return form(6, varint(constraint), rule, **hints)


def combination(constraints, factors):
    """The selector of several of so many constraints."""
    return varint(constraints) + varint(len(factors)) + b"".join(varint(i) + f64(mu) for i, mu in factors)


def split(code, index, at=None):
    return bytes([code]) + varint(index) + (b"\0" if at is None else b"\1" + f64(at))


def split_input(j, at=None):
    return split(4, j, at)


def split_element(e, at=None):
    return split(5, e, at)


# ---- Claims

class Claim:
    """A model, a property and the counts of the header: inputs, outputs, core operators, elements, disjuncts."""

    def __init__(self, model_bytes, text, counts):
        self.model, self.text, self.counts = model_bytes, text.encode(), counts

    def certificate(self, tree, semantics=FLOAT32, *, magic=b"AXCERT01", counts=None, length=None, after=b"",
                    model_bytes=None, text=None):
        digests = [hashlib.sha256(part).digest() for part in (model_bytes or self.model, text or self.text)]
        numbers = [*(counts or self.counts), len(tree) if length is None else length]
        return magic + bytes([semantics]) + b"".join(digests) + b"".join(map(varint, numbers)) + tree + after

    def seed(self, tree):
        """The input of checker_fuzz."""
        return struct.pack("<II", len(self.model), len(self.text)) + self.model + self.text + tree


def relu_model():
    """y = Relu(x0 + x1)"""
    return model([node("MatMul", ["x", "w"], "m"), node("Relu", ["m"], "y")], [value("x", [1, 2])],
                 [value("y", [1, 1])], [tensor("w", [2, 1], [1, 1])])


def crossing_model():
    """y = Relu(x) - Relu(x / 2)"""
    nodes = [node("MatMul", ["x", "w"], "m"), node("Relu", ["m"], "r"), node("MatMul", ["r", "v"], "y")]
    return model(nodes, [value("x", [1, 1])], [value("y", [1, 1])],
                 [tensor("w", [1, 2], [1, 0.5]), tensor("v", [2, 1], [1, -1])])


def kinds_model():
    """Every unary kind, maxpool, constant and affine."""
    nodes = [node("LeakyRelu", ["x"], "l", alpha=0.25), node("Sigmoid", ["l"], "s"), node("Tanh", ["s"], "t"),
             node("Relu", ["t"], "r"), node("MaxPool", ["r"], "p", kernel_shape=[1, 2]),
             node("Concat", ["p", "c"], "q", axis=3), node("Add", ["q", "x"], "y")]
    return model(nodes, [value("x", [1, 1, 1, 2])], [value("y", [1, 1, 1, 2])], [tensor("c", [1, 1, 1, 1], [0.5])])


def sums_model():
    """Conv, BatchNormalization and a scaled Gemm."""
    nodes = [node("Conv", ["x", "k", "b"], "c", pads=[0, 1, 0, 0]),
             node("BatchNormalization", ["c", "s", "B", "mu", "v"], "n", epsilon=0.5),
             node("LeakyRelu", ["n"], "l"), node("Flatten", ["l"], "f"),
             node("Gemm", ["f", "w"], "y", alpha=0.5, transB=1)]
    weights = [tensor("k", [1, 1, 1, 2], [0.5, -1]), tensor("b", [1], [0.25]), tensor("s", [1], [2]),
               tensor("B", [1], [-0.5]), tensor("mu", [1], [0.125]), tensor("v", [1], [0.5]),
               tensor("w", [1, 2], [1, -2])]
    return model(nodes, [value("x", [1, 1, 1, 2])], [value("y", [1, 1])], weights)


def line_model(slope):
    """y = slope * x"""
    return model([node("MatMul", ["x", "w"], "y")], [value("x", [1, 1])], [value("y", [1, 1])],
                 [tensor("w", [1, 1], [slope])])


def leaky_model():
    """y = LeakyRelu(x), which is -0.25 at -1."""
    return model([node("LeakyRelu", ["x"], "y", alpha=0.25)], [value("x", [1, 1])], [value("y", [1, 1])])


def shared_model(copies):
    """Every output is x."""
    return model([node("Concat", ["x"] * copies, "y", axis=0)], [value("x", [1])], [value("y", [copies])])


def shared_property(copies):
    """At x = 1, a sum whose small terms are lost one by one when they are added to the first in binary64."""
    terms = " ".join(f"(* {-(2.0**-54)!r} Y_{k})" for k in range(1, copies))
    return box_property(1, copies, 1, 1, f"(<= (+ Y_0 {terms}) {1 - (copies - 1) * 2.0**-54 + 2.0**-53!r})")


def hidden_model():
    """LeakyRelu whose alpha stands in a field with 2^32 added to its key; some readers keep 32 bits of it."""
    hidden = attribute("alpha", 0.25).replace(varint(2 << 3 | 5), varint((2 << 3 | 5) + 2**32))
    bare = field(1, "x") + field(2, "y") + field(4, "LeakyRelu") + field(5, hidden)
    return model([bare], [value("x", [1, 1])], [value("y", [1, 1])])


def merged_model():
    """y = x + c, where c has two tensors; some readers merge them."""
    two = field(1, "value") + b"".join(field(5, tensor("", [1], [c])) for c in (-100, 100)) + field(20, 4)
    constant = field(2, "c") + field(4, "Constant") + field(5, two)
    return model([constant, node("Add", ["x", "c"], "y")], [value("x", [1])], [value("y", [1])])


def squeezed_model():
    """Squeeze with an empty list of axes, which removes nothing or everything."""
    nodes = [node("Squeeze", ["x", "a"], "s"), node("Concat", ["s", "s"], "y", axis=2**64 - 1)]  # -1
    axes = field(1, 0) + field(2, 7) + field(8, "a")
    return model(nodes, [value("x", [2, 1])], [value("y", [4])], [axes])


def wrapped_model():
    """y = x + 2^64 - 2^40, an unsigned constant."""
    big = field(1, 1) + field(2, 13) + field(8, "i") + field(9, struct.pack("<Q", 2**64 - 2**40))
    return model([node("Cast", ["i"], "c", to=1), node("Add", ["x", "c"], "y")], [value("x", [1])],
                 [value("y", [1])], [big])


def softmax_model():
    """y = Softmax(3 x0 - x1, x1)"""
    nodes = [node("MatMul", ["x", "w"], "m"), node("Softmax", ["m"], "y")]
    return model(nodes, [value("x", [1, 2])], [value("y", [1, 2])], [tensor("w", [2, 2], [3, 0, -1, 1])])


def share_model():
    """y = Softmax(x) * c, entry by entry, where c is a view: the softmax is sharp."""
    return model([node("Softmax", ["x"], "s"), node("Mul", ["s", "c"], "y")], [value("x", [2]), value("c", [2])],
                 [value("y", [2])])


def repeated_share_model():
    """y = the sum of (Softmax of eight rows, each 128 times x and then 128 times t) * q over the places of t."""
    row = node("Concat", ["x"] * 128 + ["t"] * 128, "row", axis=1)
    rows = node("Concat", ["row"] * 8, "rows", axis=0)
    nodes = [row, rows, node("Softmax", ["rows"], "s", axis=1), node("Mul", ["s", "q"], "p"),
             node("MatMul", ["p", "places"], "m"), node("MatMul", ["ones", "m"], "y")]
    return model(nodes, [value(name, [1, 1]) for name in "xtq"], [value("y", [1, 1])],
                 [tensor("places", [256, 1], [0] * 128 + [1] * 128), tensor("ones", [1, 8], [1] * 8)])


def smooth_model(op):
    """y = op(x), entry by entry."""
    return model([node(op, ["x"], "y")], [value("x", [2])], [value("y", [2])])


def smooth_claim(op, low, high, unsafe):
    return Claim(smooth_model(op), box_property(2, 2, low, high, unsafe), (2, 2, 2, 4, 2 if "(or " in unsafe else 1))


def product_model():
    """y = x0 * x1"""
    return model([node("Mul", ["a", "b"], "y")], [value("a", [1]), value("b", [1])], [value("y", [1])])


def square_model():
    """y = x * x"""
    return model([node("Mul", ["x", "x"], "y")], [value("x", [1])], [value("y", [1])])


def steps_model():
    """Every operator that is made of several core operators."""
    nodes = [node("Max", ["x", "w"], "a"), node("Clip", ["a", "low", "high"], "c"), node("HardSigmoid", ["c"], "h"),
             node("PRelu", ["x", "w"], "p"), node("Abs", ["p"], "b"), node("Neg", ["b"], "n"),
             node("Min", ["n", "h", "w"], "i"), node("Mul", ["i", "w"], "s"), node("Div", ["s", "high"], "d"),
             node("Exp", ["d"], "e"), node("Div", ["x", "e"], "q"), node("Div", ["high", "e"], "r"),
             node("Pow", ["q", "three"], "u"), node("MatMul", ["u", "r"], "v"), node("ReduceMean", ["e"], "z", keepdims=0),
             node("Sqrt", ["z"], "o"), node("Add", ["v", "o"], "y")]
    weights = [tensor("w", [3], [0.5, -0.25, 0.125]), tensor("low", [], [-0.5]), tensor("high", [], [0.75]),
               tensor("three", [], [3])]
    return model(nodes, [value("x", [3])], [value("y", [])], weights)


def groups_model(opset, **attributes):
    """y = Softmax(x), two by two; which entries sum up to 1 is a matter of the axis and of the operator set."""
    return model([node("Softmax", ["x"], "y", **attributes)], [value("x", [1, 2, 2])], [value("y", [1, 2, 2])],
                 opset=opset)


def groups_property(entries):
    total = "(+ " + " ".join(f"Y_{k}" for k in entries) + ")"
    return box_property(4, 4, -90, 90, f"(or (<= {total} 0.99999) (>= {total} 1.00001))")


def difference_model():
    """y = a - b"""
    return model([node("Sub", ["a", "b"], "y")], [value("a", [1]), value("b", [1])], [value("y", [1])])


def difference_property(first, second):
    """VNN-LIB 2: A in [2, 3], B in [0, 1], and A - B below 1/2; `first` and `second` are the ONNX names of B and A."""
    return (network([("B", [1], first), ("A", [1], second)], [("Y", [1], "y")], names=True) +
            "(assert (and (>= A[0] 2.0) (<= A[0] 3.0) (>= B[0] 0.0) (<= B[0] 1.0)))\n(assert (<= Y[0] 0.5))\n")


def relu_property(unsafe, shape=(1, 2)):
    """VNN-LIB 2 of the relu model: its inputs in [-1, 1]."""
    entries = ["X[0,0]", "X[0,1]"] if len(shape) == 2 else ["X[0]", "X[1]"]
    box = "".join(f"(assert (>= {x} -1.0))\n(assert (<= {x} 1.0))\n" for x in entries)
    return network([("X", shape)], [("Y", (1, 1))]) + box + f"(assert {unsafe})\n"


RELU = Claim(relu_model(), box_property(2, 1, -1, 1, "(>= Y_0 3)"), (2, 1, 3, 4, 1))
TOUCHED = Claim(relu_model(), box_property(2, 1, -1, 1, "(>= Y_0 2)"), (2, 1, 3, 4, 1))
TWO_CONSTRAINTS = Claim(relu_model(),
                        box_property(2, 1, -1, 1, "(and (>= Y_0 1.5) (>= (- Y_0 (* 3 X_0)) 1.6))"), (2, 1, 3, 4, 1))
CROSSING = Claim(crossing_model(), box_property(1, 1, -1, 1, "(or (<= Y_0 -1) (>= Y_0 0.75))"), (1, 1, 4, 6, 2))
CROSSED = Claim(crossing_model(), box_property(1, 1, -1, 1, "(or (<= Y_0 -1) (>= Y_0 0.4999))"), (1, 1, 4, 6, 2))
KINDS = Claim(kinds_model(), box_property(2, 2, -1, 1, "(>= (+ Y_0 Y_1) 4)"), (2, 2, 8, 14, 1))
SUMS = Claim(sums_model(), box_property(2, 1, -1, 1, "(>= Y_0 20)"), (2, 1, 5, 9, 1))
LEAKY = Claim(leaky_model(), box_property(1, 1, -1, 1, "(<= Y_0 -0.125)"), (1, 1, 2, 2, 1))
TENTH = Claim(line_model(0.1), box_property(1, 1, 0, 0.5, "(>= Y_0 0.05000000074511)"), (1, 1, 2, 2, 1))
HUGE = Claim(line_model(2.0**120), box_property(1, 1, 0, 200, "(<= Y_0 -1e33)"), (1, 1, 2, 2, 1))
SHARED = Claim(shared_model(200), shared_property(200), (1, 200, 1, 1, 1))
HIDDEN = Claim(hidden_model(), LEAKY.text.decode(), LEAKY.counts)
MERGED = Claim(merged_model(), box_property(1, 1, 0, 1, "(<= Y_0 3)"), (1, 1, 2, 2, 1))
SQUEEZED = Claim(squeezed_model(), box_property(2, 4, 0, 1, "(>= (- Y_0 Y_1) 0.5)"), (2, 4, 1, 2, 1))
WRAPPED = Claim(wrapped_model(), box_property(1, 1, 0, 1, "(>= Y_0 0)"), (1, 1, 2, 2, 1))
COMMENT = Claim(relu_model(), box_property(2, 1, -1, 1, "(or ; two cases\r(and (>= Y_0 1))\n(and (>= Y_0 3)))"),
                (2, 1, 3, 4, 1))
SOFTMAX = Claim(softmax_model(), box_property(2, 2, -1, 1, "(or (<= Y_1 -1e-9) (>= (+ Y_0 Y_1) 1.000001) "
                                              "(<= (+ Y_0 Y_1) 0.999999))"), (2, 2, 3, 6, 3))
# 10 / 2^24 is 5.96e-7: what the sum of two may be off by.
SOFTMAX_NEAR = Claim(softmax_model(), box_property(2, 2, -1, 1, "(>= (+ Y_0 Y_1) 1.0000005)"), (2, 2, 3, 6, 1))
SOFTMAX_ONE = Claim(softmax_model(), box_property(2, 2, -1, 1, "(>= Y_0 0.9999)"), (2, 2, 3, 6, 1))
SOFTMAX_LAST = Claim(softmax_model(), box_property(2, 2, -1, 1, "(<= Y_1 0.0001)"), (2, 2, 3, 6, 1))
SHARE_TEXT = "".join(f"(declare-const {v} Real)\n" for v in ("X_0", "X_1", "X_2", "X_3", "Y_0", "Y_1"))
SHARE_BOX = SHARE_TEXT + "".join(f"(assert (>= X_{j} {a}))\n(assert (<= X_{j} {b}))\n"
                                 for j, (a, b) in enumerate(((0.5, 0.6), (-0.1, 0), (1, 1), (1, 1))))
SHARE = Claim(share_model(), SHARE_BOX + "(assert (<= Y_0 0.6216))\n", (4, 2, 3, 8, 1))
SHARE_NEAR = Claim(share_model(), SHARE_BOX + "(assert (<= Y_0 0.622459))\n", (4, 2, 3, 8, 1))
# x, t and q are 2^36, half more, and a number whose products with the slopes are all rounded down; Y_0 is 12.852...
SHARE_REPEATED = Claim(repeated_share_model(), "".join(f"(declare-const {v} Real)\n" for v in ("X_0", "X_1", "X_2", "Y_0")) +
                       "".join(f"(assert (>= X_{j} {a}))\n(assert (<= X_{j} {a}))\n" for j, a in enumerate(
                           ("68719476736", "68719476736.5", "2.580940760577931314401212148368358612060546875"))) +
                       "(assert (<= Y_0 12.86))\n", (3, 1, 5, 4108, 1))
EXP = smooth_claim("Exp", -1, 1, "(>= (- Y_0 (* 1.1752011936 X_0)) 1.54309)")
EXP_BELOW = smooth_claim("Exp", -1, 1, "(<= (- Y_0 X_0) 0.9999)")
EXP_NEAR = smooth_claim("Exp", -1, 1, "(>= (- Y_0 (* 1.1752011936 X_0)) 1.54308064)")
EXP_TRUE = smooth_claim("Exp", -1, 1, "(<= Y_0 0.367)")
EXP_FAR = smooth_claim("Exp", 0, 89, "(<= Y_0 -1)")
RECIPROCAL = smooth_claim("Reciprocal", 1, 2, "(or (>= (+ Y_0 (* 0.5 X_0)) 1.50001) (<= (+ Y_0 (* 0.444444 X_0)) 1.3333))")
RECIPROCAL_BELOW = smooth_claim("Reciprocal", -2, -1, "(<= Y_0 -1.00001)")
RECIPROCAL_ZERO = smooth_claim("Reciprocal", 0, 1, "(<= Y_0 0.5)")
RECIPROCAL_AROUND = smooth_claim("Reciprocal", -1, 1, "(<= Y_0 0.5)")
SQRT = smooth_claim("Sqrt", 0, 4, "(or (>= (- Y_0 (* 0.353553391 X_0)) 0.70711) (<= (- Y_0 (* 0.5 X_0)) -0.00001))")
SQRT_BELOW = smooth_claim("Sqrt", -0.5, 4, "(<= Y_0 -100)")
SIN = smooth_claim("Sin", -0.1, 0.1, "(or (>= (- Y_0 X_0) 0.0003) (<= (- Y_0 X_0) -0.0003))")
SIN_NEAR = smooth_claim("Sin", -0.1, 0.1, "(>= (- Y_0 X_0) 0.0001)")
SIN_WIDE = smooth_claim("Sin", -5, 5, "(>= Y_0 1.00001)")
COS = smooth_claim("Cos", -1, 1, "(<= Y_0 0.5397)")
PRODUCT = Claim(product_model(), box_property(2, 1, 1, 2, "(or (>= Y_0 4.00001) (<= Y_0 0.99999))"), (2, 1, 2, 3, 2))
PRODUCT_PLANES = Claim(product_model(), box_property(2, 1, -1, 1, "(>= Y_0 1.00001)"), (2, 1, 2, 3, 1))
PRODUCT_PLANE = Claim(product_model(), box_property(2, 1, 1, 2, "(<= (- Y_0 (+ X_0 X_1)) -0.99999)"), (2, 1, 2, 3, 1))
PRODUCT_HUGE = Claim(product_model(), box_property(2, 1, 1e20, 2e20, "(<= Y_0 -1)"), (2, 1, 2, 3, 1))
SQUARE = Claim(square_model(), box_property(1, 1, -1, 2, "(or (<= (- Y_0 X_0) -0.25001) (>= (- Y_0 X_0) 2.00001))"),
               (1, 1, 2, 2, 2))
SQUARE_NEAR = Claim(square_model(), box_property(1, 1, -1, 2, "(<= (- Y_0 X_0) -0.25)"), (1, 1, 2, 2, 1))
STEPS = Claim(steps_model(), box_property(3, 1, -0.5, 0.5, "(>= Y_0 100)"), (3, 1, 39, 111, 1))
LINES = Claim(groups_model(13), groups_property([2, 3]), (4, 4, 2, 8, 2))
COLUMNS = Claim(groups_model(13, axis=2**64 - 2), groups_property([1, 3]), (4, 4, 2, 8, 2))  # -2
JOINED = Claim(groups_model(12), groups_property([0, 1, 2, 3]), (4, 4, 2, 8, 2))
NOT_JOINED = Claim(groups_model(13), groups_property([0, 1, 2, 3]), (4, 4, 2, 8, 2))
NOT_LINES = Claim(groups_model(13, axis=1), groups_property([2, 3]), (4, 4, 2, 8, 2))
BEYOND = Claim(groups_model(13, axis=3), groups_property([2, 3]), (4, 4, 2, 8, 2))
TIGHTENED = Claim(crossing_model(), box_property(1, 1, -1, 1, "(<= Y_0 -0.3)"), (1, 1, 4, 6, 1))
VERSION_2 = Claim(relu_model(), relu_property("(>= Y[0,0] 3.0)"), (2, 1, 3, 4, 1))
EQUAL = Claim(relu_model(), relu_property("(== Y[0,0] 3.0)"), (2, 1, 3, 4, 1))
NOT_EQUAL = Claim(relu_model(), relu_property("(!= (* 0.0 Y[0,0]) 0.0)"), (2, 1, 3, 4, 2))
BY_NAME = Claim(difference_model(), difference_property("b", "a"), (2, 1, 2, 3, 1))
EXCHANGED = Claim(difference_model(), difference_property("a", "b"), (2, 1, 2, 3, 1))
EXPONENT = Claim(relu_model(), relu_property("(>= Y[0,0] 3e0)"), (2, 1, 3, 4, 1))
OTHER_SHAPE = Claim(relu_model(), relu_property("(>= Y[0,0] 3.0)", (2,)), (2, 1, 3, 4, 1))
NOTHING_UNSAFE = Claim(relu_model(), box_property(2, 1, -1, 1, "(>= 0 1)"), (2, 1, 3, 4, 0))

ONE_SWEEP = propagate() + refute()
BELOW, ABOVE = propagate(rule=1) + refute(0, 1), propagate(rule=1) + refute(0, 0)
INPUT_SPLIT = propagate(rule=1) + CASE + refute(0, 1) + split_input(0) + BELOW + ABOVE
ELEMENT_SPLIT = propagate(rule=1) + CASE + refute(0, 1) + split_element(1) + refute(0, 1) + refute(0, 2)
TWO_CLIPS = propagate() + clip(0, 1) + propagate() + clip(1, 1) + EMPTY
COMBINED = propagate() + form(6, combination(2, [(0, 5), (1, 1)]), 1)
MULTIPLIED = propagate() + split_element(2, 0.25) + refute(0, 0, multipliers=[(2, -0.5)]) + COMBINED

TIGHT = tighten(3, (0, slope_spec(3, slopes=b"\x20\x20")))
TIGHT_REFUTE = refute(multipliers=[(5, 1.0)])
ONE_TIGHTENING = propagate(0) + TIGHT + TIGHT_REFUTE
TIGHT_CHILDREN = propagate(0) + split_element(1) + b"".join(
    tighten(3, (0, slope_spec(multipliers=[(1, beta)]))) + TIGHT_REFUTE for beta in (-0.25, 0.75))

# What CASE needs for (<= Y_0 -1), and the refutation of (>= Y_0 0.75) by the upper bound of y.
FIRST_CASE, SECOND_CASE = refute(0, 1), refute(multipliers=[(5, -1.0)])
TIGHT_ABOVE = tighten(3, (1, slope_spec(2)))

SUM_OF_TWO = propagate() + CASE + refute() + refute()
SOFTMAX_CASES = propagate() + CASE + refute() + refute() + refute()

# (folder, claim, [(name, certificate)], [(name, certificate, rule, what the checker says)])
CASES = [
    ("relu", RELU, [
        ("one_sweep", RELU.certificate(ONE_SWEEP)),
        ("real", RELU.certificate(ONE_SWEEP, REAL)),
        ("explicit_slope", RELU.certificate(propagate() + refute(0, 3, slopes=b"\x40"))),
        ("swept_operators_listed", RELU.certificate(propagate(2, 0, [1]) + refute())),
        ("multiplier", RELU.certificate(propagate() + refute(multipliers=[(2, 0.01)]))),
        ("split_beyond_the_box", RELU.certificate(propagate() + split_input(0, 2) + refute() + EMPTY)),
    ], [
        ("magic", RELU.certificate(ONE_SWEEP, magic=b"AXCERT02"), "9: AXCERT01", "does not begin"),
        ("semantics", RELU.certificate(ONE_SWEEP, 2), "9: semantics 0 or 1", "semantics 2"),
        ("other_model", RELU.certificate(ONE_SWEEP, model_bytes=crossing_model()), "9: sha256 of the model",
         "sha256 of the model"),
        ("other_property", RELU.certificate(ONE_SWEEP, text=TOUCHED.text), "9: sha256 of the property",
         "sha256 of the property"),
        ("inputs", RELU.certificate(ONE_SWEEP, counts=(3, 1, 3, 4, 1)), "9: counts", "3 inputs instead of 2"),
        ("outputs", RELU.certificate(ONE_SWEEP, counts=(2, 2, 3, 4, 1)), "9: counts", "2 outputs instead of 1"),
        ("operators", RELU.certificate(ONE_SWEEP, counts=(2, 1, 4, 4, 1)), "9: counts", "4 core operators"),
        ("elements", RELU.certificate(ONE_SWEEP, counts=(2, 1, 3, 5, 1)), "9: counts", "5 elements"),
        ("disjuncts", RELU.certificate(ONE_SWEEP, counts=(2, 1, 3, 4, 2)), "9: counts", "2 disjuncts"),
        ("tree_too_short", RELU.certificate(ONE_SWEEP, length=7), "9: length of the tree", "ends after 6 of 7"),
        ("bytes_after_the_file", RELU.certificate(ONE_SWEEP, after=b"\0"), "9: end of file", "1 bytes follow"),
        ("no_tree", RELU.certificate(b""), "8: a node", "ends after 0"),
        ("bytes_after_the_tree", RELU.certificate(ONE_SWEEP + refute()), "9: end of the tree", "bytes follow"),
        ("no_propagate", RELU.certificate(refute()), "8: PROPAGATE first", "not PROPAGATE"),
        ("mode", RELU.certificate(propagate(3) + refute()), "8: mode 0 to 2", "mode 3"),
        ("rule_of_propagate", RELU.certificate(propagate(1, 3) + refute()), "8: slope rule 0 to 2", "slope rule 3"),
        ("operator_that_is_not_affine", RELU.certificate(propagate(2, 0, [2]) + refute()),
         "8: indices of affine operators", "not affine"),
        ("operator_twice", RELU.certificate(propagate(2, 0, [1, 1]) + refute()), "8: strictly increasing",
         "increasing order"),
        ("unknown_instruction", RELU.certificate(propagate() + b"\x08"), "8: instructions", "unknown instruction 8"),
        ("not_empty", RELU.certificate(propagate() + EMPTY), "8: EMPTY", "not empty"),
        ("split_does_not_exhaust", RELU.certificate(propagate() + split_input(0, -2) + EMPTY + EMPTY),
         "8: SPLIT INPUT restores the context", "not empty"),
        ("missing_child", RELU.certificate(propagate() + split_input(0) + refute()), "8: two children", "ends after"),
        ("input_of_split", RELU.certificate(propagate() + split_input(2) + refute() + refute()), "8: SPLIT INPUT",
         "input 2 of 2"),
        ("element_that_is_not_affine", RELU.certificate(propagate() + split_element(3) + refute() + refute()),
         "8: SPLIT ELEMENT", "not affine"),
        ("split_at_infinity", RELU.certificate(propagate() + split_input(0, float("inf")) + refute() + refute()),
         "8: f64 is finite", "not finite"),
        ("constraint", RELU.certificate(propagate() + refute(2)), "8: selector", "constraint 2 of 2"),
        ("no_constraints", RELU.certificate(propagate() + form(6, combination(1, []), 0)), "8: count >= 1",
         "empty combination"),
        ("negative_factor", RELU.certificate(propagate() + form(6, combination(1, [(0, -1.0)]), 0)),
         "7: 2^-400 <= mu <= 2^400", "factor -1"),
        ("tiny_factor", RELU.certificate(propagate() + form(6, combination(1, [(0, 2.0**-401)]), 0)),
         "7: 2^-400 <= mu <= 2^400", "factor"),
        ("slope_above_one", RELU.certificate(propagate() + refute(0, 3, slopes=b"\x81")), "8: 0 <= j <= 128",
         "slope 129"),
        ("slope_missing", RELU.certificate(propagate() + refute(0, 3)), "8: one byte per open element", "ends after"),
        ("slope_specification", RELU.certificate(propagate() + refute(0, 4)), "8: other bits 0",
         "slope specification 4"),
        ("multiplier_of_a_relu", RELU.certificate(propagate() + refute(multipliers=[(3, 0.01)])),
         "8: multipliers of affine operators", "not affine"),
        ("multiplier_of_zero", RELU.certificate(propagate() + refute(multipliers=[(2, 0.0)])),
         "8: beta is not 0", "multiplier of 0"),
        ("multiplier_twice", RELU.certificate(propagate() + refute(multipliers=[(2, 0.01), (0, 0.01)])),
         "8: differences >= 1", "increasing order"),
        ("redundant_byte", RELU.certificate(propagate() + b"\x06\x80\x00\x00"), "8: varints", "redundant"),
        ("long_integer", RELU.certificate(propagate() + b"\x06" + b"\xff" * 9 + b"\x00"), "8: varints", "9 bytes"),
    ]),
    ("touched", TOUCHED, [], [
        ("bound_of_zero", TOUCHED.certificate(ONE_SWEEP), "8: LB > 0", "not above 0"),
        ("bound_of_zero_real", TOUCHED.certificate(ONE_SWEEP, REAL), "8: LB > 0", "not above 0"),
        ("multiplier_of_the_far_bound", TOUCHED.certificate(propagate() + split_element(2, 0.25) + refute() +
                                                            refute(multipliers=[(2, -0.5)])),
         "7: lo[e] for beta > 0, else hi[e]", "not above 0"),
        ("split_near_the_end", TOUCHED.certificate(propagate() + split_input(0, 0.97) + refute() + EMPTY),
         "8: the second child begins at v", "not empty"),
    ]),
    ("two_constraints", TWO_CONSTRAINTS, [
        ("clips", TWO_CONSTRAINTS.certificate(TWO_CLIPS)),
        ("combination", TWO_CONSTRAINTS.certificate(COMBINED)),
        ("split_with_hints", TWO_CONSTRAINTS.certificate(MULTIPLIED)),
    ], [
        ("one_clip", TWO_CONSTRAINTS.certificate(propagate() + clip(0, 1) + EMPTY), "8: EMPTY", "not empty"),
        ("one_constraint", TWO_CONSTRAINTS.certificate(propagate() + refute(1, 1)), "8: LB > 0", "not above 0"),
        ("clip_leaves_its_scope", TWO_CONSTRAINTS.certificate(propagate() + split_input(0) + TWO_CLIPS + EMPTY),
         "4: leaving a subtree restores the context", "not empty"),
    ]),
    ("crossing", CROSSING, [
        ("input_split", CROSSING.certificate(INPUT_SPLIT)),
        ("element_split", CROSSING.certificate(ELEMENT_SPLIT)),
        ("tightened_before_case", CROSSING.certificate(propagate(0) + TIGHT_ABOVE + CASE + FIRST_CASE + SECOND_CASE)),
        ("tightened_in_case", CROSSING.certificate(propagate(0) + CASE + FIRST_CASE + TIGHT_ABOVE + SECOND_CASE)),
    ], [
        ("tightened_in_the_other_case", CROSSING.certificate(propagate(0) + CASE + TIGHT_ABOVE + FIRST_CASE +
                                                             SECOND_CASE),
         "4: leaving a subtree restores the context", "not above 0"),
        ("two_active_disjuncts", CROSSING.certificate(propagate() + refute()), "8: one active disjunct",
         "more than one disjunct"),
        ("two_active_disjuncts_clip", CROSSING.certificate(propagate() + clip(0) + refute()),
         "8: one active disjunct", "more than one disjunct"),
        ("disjunct_left_out", CROSSING.certificate(propagate(rule=1) + CASE + refute(0, 1)),
         "8: one child per active disjunct", "ends after"),
        ("children_exchanged", CROSSING.certificate(propagate(rule=1) + CASE + refute(0, 1) + split_element(1) +
                                                    refute(0, 2) + refute(0, 1)), "8: children in order",
         "not above 0"),
        ("cases_exchanged", CROSSING.certificate(propagate(rule=1) + CASE + split_input(0) + BELOW + ABOVE +
                                                 refute(0, 1)), "8: children in order", "not above 0"),
    ]),
    ("crossed", CROSSED, [], [
        ("tree_of_the_true_claim", CROSSED.certificate(INPUT_SPLIT), "8: LB > 0", "not above 0"),
        ("tree_of_the_true_claim_real", CROSSED.certificate(INPUT_SPLIT, REAL), "8: LB > 0", "not above 0"),
    ]),
    ("tightened", TIGHTENED, [
        ("lower_bound", TIGHTENED.certificate(ONE_TIGHTENING)),
        ("real", TIGHTENED.certificate(ONE_TIGHTENING, REAL)),
        ("both_bounds", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec(3, slopes=b"\x20\x00")), (1, slope_spec(1))) + TIGHT_REFUTE)),
        ("without_hinges_below", TIGHTENED.certificate(
            propagate(0) + tighten(1, (0, slope_spec(3)), (3, slope_spec())) + TIGHT + TIGHT_REFUTE)),
        ("multipliers", TIGHTENED.certificate(TIGHT_CHILDREN)),
        ("failed_sweep", TIGHTENED.certificate(
            propagate(0) + split_element(1, -1e300) + tighten(1, (0, slope_spec(multipliers=[(1, -3e38)]))) + EMPTY +
            TIGHT + TIGHT_REFUTE)),
    ], [
        ("without_tightening", TIGHTENED.certificate(propagate(0) + TIGHT_REFUTE), "8: TIGHTEN", "not above 0"),
        ("looser_slope", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec(3, slopes=b"\x00\x20"))) + TIGHT_REFUTE), "8: TIGHTEN", "not above 0"),
        ("other_side", TIGHTENED.certificate(
            propagate(0) + tighten(3, (1, slope_spec(3, slopes=b"\x20\x20"))) + TIGHT_REFUTE), "8: TIGHTEN, target",
         "not above 0"),
        ("bound_used_before_all_are_known", TIGHTENED.certificate(
            propagate(0) + split_element(1) + tighten(1, (0, slope_spec()), (1, slope_spec(multipliers=[(1, -1)]))) +
            TIGHT_REFUTE + TIGHT_REFUTE), "8: TIGHTEN, the context before its conclusions", "not above 0"),
        ("before_propagate", TIGHTENED.certificate(TIGHT + propagate(0) + TIGHT_REFUTE), "8: PROPAGATE first", "not PROPAGATE"),
        ("no_bound", TIGHTENED.certificate(propagate(0) + tighten(3) + TIGHT + TIGHT_REFUTE), "8: TIGHTEN, count",
         "without a bound"),
        ("operator_that_is_not_affine", TIGHTENED.certificate(propagate(0) + tighten(2, (0, slope_spec())) + TIGHT_REFUTE),
         "8: TIGHTEN, an affine operator", "not affine"),
        ("input", TIGHTENED.certificate(propagate(0) + tighten(0, (0, slope_spec())) + TIGHT_REFUTE),
         "8: TIGHTEN, an affine operator", "operator 0 is not affine"),
        ("operator_that_is_not_there", TIGHTENED.certificate(propagate(0) + tighten(4, (0, slope_spec())) + TIGHT_REFUTE),
         "8: TIGHTEN, an affine operator", "operator 4 of 4"),
        ("row_that_is_not_there", TIGHTENED.certificate(propagate(0) + tighten(3, (2, slope_spec())) + TIGHT_REFUTE),
         "8: TIGHTEN, target", "bound 2 of 2"),
        ("target_twice", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec()), (0, slope_spec())) + TIGHT_REFUTE), "8: TIGHTEN, increasing",
         "increasing order"),
        ("target_of_the_next_operator", TIGHTENED.certificate(
            propagate(0) + tighten(1, (0, slope_spec()), (4, slope_spec())) + TIGHT + TIGHT_REFUTE),
         "8: TIGHTEN, target", "bound 4 of 4"),
        ("slope_above_one", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec(3, slopes=b"\x20\x81"))) + TIGHT + TIGHT_REFUTE),
         "8: 0 <= j <= 128", "slope 129"),
        ("slope_missing", TIGHTENED.certificate(propagate(0) + tighten(3, (0, slope_spec(3, slopes=b"\x20")))),
         "8: one byte per open element", "ends after"),
        ("slope_specification", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec(4))) + TIGHT + TIGHT_REFUTE), "8: other bits 0",
         "slope specification 4"),
        ("multiplier_of_a_relu", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec(multipliers=[(4, 1.0)]))) + TIGHT + TIGHT_REFUTE),
         "8: multipliers of affine operators", "not affine"),
        ("multiplier_of_zero", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec(multipliers=[(1, 0.0)]))) + TIGHT + TIGHT_REFUTE),
         "8: beta is not 0", "multiplier of 0"),
        ("multiplier_twice", TIGHTENED.certificate(
            propagate(0) + tighten(3, (0, slope_spec(multipliers=[(1, 0.25), (0, 0.25)]))) + TIGHT + TIGHT_REFUTE),
         "8: differences >= 1", "increasing order"),
        ("bound_of_another_child", TIGHTENED.certificate(
            propagate(0) + split_input(0) + TIGHT + TIGHT_REFUTE + TIGHT_REFUTE),
         "4: leaving a subtree restores the context", "not above 0"),
        ("slopes_of_operators_above", TIGHTENED.certificate(
            propagate(0) + tighten(1, (0, slope_spec(3, slopes=b"\x20\x20"))) + TIGHT + TIGHT_REFUTE),
         "8: TIGHTEN, slopes of the operators below", "unknown instruction 32"),
        ("multiplier_of_an_operator_above", TIGHTENED.certificate(
            propagate(0) + tighten(1, (0, slope_spec(multipliers=[(5, 1.0)]))) + TIGHT + TIGHT_REFUTE),
         "8: TIGHTEN, multipliers of operators up to p", "multiplier of element 5 of 3"),
    ]),
    ("kinds", KINDS, [
        ("one_sweep", KINDS.certificate(ONE_SWEEP)),
        ("one_sweep_real", KINDS.certificate(ONE_SWEEP, REAL)),
    ], [
        ("split_of_a_sigmoid", KINDS.certificate(propagate() + split_element(4) + refute() + refute()),
         "8: SPLIT ELEMENT", "not affine"),
    ]),
    ("sums", SUMS, [
        ("explicit_slopes", SUMS.certificate(propagate() + refute(0, 3, slopes=b"\x40\x20"))),
    ], [
        ("slope_too_many", SUMS.certificate(propagate() + refute(0, 3, slopes=b"\x40\x20\x20")),
         "8: one byte per open element", "bytes follow"),
    ]),
    ("leaky", LEAKY, [], [
        ("slope_below_alpha", LEAKY.certificate(propagate() + refute(0, 3, slopes=b"\x00")),
         "6: an explicit slope is at least alpha", "not above 0"),
    ]),
    ("tenth", TENTH, [
        ("real", TENTH.certificate(ONE_SWEEP, REAL)),
    ], [
        ("float32", TENTH.certificate(ONE_SWEEP), "5: charges of float32", "not above 0"),
    ]),
    ("huge", HUGE, [], [
        ("overflow", HUGE.certificate(ONE_SWEEP), "5: premise", "overflow is not excluded"),
        ("overflow_real", HUGE.certificate(ONE_SWEEP, REAL), "5: premise", "overflow is not excluded"),
    ]),
    ("shared", SHARED, [], [
        ("additions", SHARED.certificate(propagate(0) + refute()), "7: G counts the terms", "not above 0"),
        ("additions_real", SHARED.certificate(propagate(0) + refute(), REAL), "7: G counts the terms", "not above 0"),
    ]),
    ("softmax", SOFTMAX, [
        ("one_sweep_each", SOFTMAX.certificate(SOFTMAX_CASES)),
        ("one_sweep_each_real", SOFTMAX.certificate(SOFTMAX_CASES, REAL)),
    ], [
        ("split_of_a_softmax", SOFTMAX.certificate(propagate() + split_element(4) + 2 * SOFTMAX_CASES[3:]),
         "8: SPLIT ELEMENT", "not affine"),
        ("multiplier_of_a_softmax", SOFTMAX.certificate(propagate() + CASE + refute(multipliers=[(4, 0.01)]) +
                                                        2 * refute()),
         "8: multipliers of affine operators", "not affine"),
        ("slope_of_a_softmax", SOFTMAX.certificate(propagate() + CASE + refute(0, 3, slopes=b"\x40") + 2 * refute()),
         "8: one byte per open element", "unknown instruction 64"),
    ]),
    ("softmax_near", SOFTMAX_NEAR, [
        ("real", SOFTMAX_NEAR.certificate(ONE_SWEEP, REAL)),
    ], [
        ("float32", SOFTMAX_NEAR.certificate(ONE_SWEEP), "7: e of a group", "not above 0"),
    ]),
    ("softmax_one", SOFTMAX_ONE, [], [
        ("one_sweep", SOFTMAX_ONE.certificate(ONE_SWEEP), "7: the least A of all elements of a group", "not above 0"),
        ("one_sweep_real", SOFTMAX_ONE.certificate(ONE_SWEEP, REAL), "7: the least A of all elements of a group",
         "not above 0"),
    ]),
    ("softmax_last", SOFTMAX_LAST, [], [
        ("one_sweep", SOFTMAX_LAST.certificate(ONE_SWEEP), "7: an absent A counts as 0", "not above 0"),
    ]),
    ("exp", EXP, [("one_sweep", EXP.certificate(ONE_SWEEP)), ("real", EXP.certificate(ONE_SWEEP, REAL))], []),
    ("exp_below", EXP_BELOW, [("one_sweep", EXP_BELOW.certificate(ONE_SWEEP))], []),
    ("exp_near", EXP_NEAR, [("real", EXP_NEAR.certificate(ONE_SWEEP, REAL))], [
        ("float32", EXP_NEAR.certificate(ONE_SWEEP), "6: e of exp", "not above 0"),
    ]),
    ("exp_true", EXP_TRUE, [
        ("two_halves", EXP_TRUE.certificate(propagate() + split_input(0, -0.9375) + refute() + split_input(0, -0.5) +
                                            refute() + split_input(0) + refute() + refute())),
    ], [
        ("one_sweep", EXP_TRUE.certificate(ONE_SWEEP), "6: the tangent of exp", "not above 0"),
    ]),
    ("exp_far", EXP_FAR, [], [
        ("overflow", EXP_FAR.certificate(ONE_SWEEP), "5: premise of exp", "not defined or may overflow"),
        ("overflow_real", EXP_FAR.certificate(ONE_SWEEP, REAL), "5: premise of exp", "not defined or may overflow"),
    ]),
    ("reciprocal", RECIPROCAL, [("one_sweep_each", RECIPROCAL.certificate(propagate() + CASE + refute() + refute()))],
     []),
    ("reciprocal_below", RECIPROCAL_BELOW, [("one_sweep", RECIPROCAL_BELOW.certificate(ONE_SWEEP))], []),
    ("reciprocal_zero", RECIPROCAL_ZERO, [], [
        ("zero", RECIPROCAL_ZERO.certificate(ONE_SWEEP), "5: premise of reciprocal", "not defined or may overflow"),
    ]),
    ("reciprocal_around", RECIPROCAL_AROUND, [], [
        ("split_first", RECIPROCAL_AROUND.certificate(propagate() + split_input(0) + EMPTY + EMPTY),
         "5: premise of reciprocal", "not defined or may overflow"),
    ]),
    ("sqrt", SQRT, [("one_sweep_each", SQRT.certificate(propagate() + CASE + refute() + refute()))], []),
    ("sqrt_below", SQRT_BELOW, [], [
        ("negative", SQRT_BELOW.certificate(ONE_SWEEP, REAL), "5: premise of sqrt", "not defined or may overflow"),
    ]),
    ("sin", SIN, [("one_sweep_each", SIN.certificate(propagate() + CASE + refute() + refute()))], []),
    ("sin_near", SIN_NEAR, [], [
        ("one_sweep", SIN_NEAR.certificate(ONE_SWEEP), "6: sampled lines", "not above 0"),
    ]),
    ("sin_wide", SIN_WIDE, [("one_sweep", SIN_WIDE.certificate(ONE_SWEEP))], []),
    ("cos", COS, [("one_sweep", COS.certificate(ONE_SWEEP))], []),
    ("product", PRODUCT, [
        ("one_sweep_each", PRODUCT.certificate(propagate() + CASE + refute() + refute())),
        ("one_sweep_each_real", PRODUCT.certificate(propagate() + CASE + refute() + refute(), REAL)),
    ], [
        ("split_of_a_product", PRODUCT.certificate(propagate() + split_element(2) + 2 * (CASE + refute() + refute())),
         "8: SPLIT ELEMENT", "not affine"),
    ]),
    ("product_planes", PRODUCT_PLANES, [("one_sweep", PRODUCT_PLANES.certificate(ONE_SWEEP))], []),
    ("product_plane", PRODUCT_PLANE, [], [
        ("other_corner", PRODUCT_PLANE.certificate(ONE_SWEEP), "6: the plane of a product", "not above 0"),
    ]),
    ("product_huge", PRODUCT_HUGE, [], [
        ("overflow", PRODUCT_HUGE.certificate(ONE_SWEEP), "5: premise of product", "not defined or may overflow"),
    ]),
    ("square", SQUARE, [("one_sweep_each", SQUARE.certificate(propagate() + CASE + refute() + refute()))], []),
    ("square_near", SQUARE_NEAR, [], [
        ("real", SQUARE_NEAR.certificate(ONE_SWEEP, REAL), "6: the tangent of a square", "not above 0"),
    ]),
    ("steps", STEPS, [("one_sweep", STEPS.certificate(ONE_SWEEP))], []),
    ("softmax_sharp", SHARE, [("one_sweep", SHARE.certificate(ONE_SWEEP)),
                              ("one_sweep_real", SHARE.certificate(ONE_SWEEP, REAL))], [
        ("slope_of_a_softmax", SHARE.certificate(propagate() + refute(0, 3, slopes=b"\x40")),
         "8: one byte per open element", "bytes follow"),
    ]),
    ("softmax_sharp_near", SHARE_NEAR, [], [
        ("one_sweep", SHARE_NEAR.certificate(ONE_SWEEP), "6: lower lines of a sharp softmax", "not above 0"),
        ("one_sweep_real", SHARE_NEAR.certificate(ONE_SWEEP, REAL), "6: lower lines of a sharp softmax", "not above 0"),
    ]),
    ("softmax_repeated", SHARE_REPEATED, [], [
        ("one_sweep_real", SHARE_REPEATED.certificate(propagate() + refute(), REAL), "6: Q of a sharp softmax",
         "not above 0"),
    ]),
    ("softmax_lines", LINES, [("float32", LINES.certificate(SUM_OF_TWO))], []),
    ("softmax_columns", COLUMNS, [("float32", COLUMNS.certificate(SUM_OF_TWO))], []),
    ("softmax_joined", JOINED, [("float32", JOINED.certificate(SUM_OF_TWO))], []),
    ("softmax_not_joined", NOT_JOINED, [], [
        ("set_13", NOT_JOINED.certificate(SUM_OF_TWO), "7: groups (spec/operators.md section 4)", "not above 0"),
    ]),
    ("softmax_not_lines", NOT_LINES, [], [
        ("axis_1", NOT_LINES.certificate(SUM_OF_TWO, REAL), "7: groups (spec/operators.md section 4)", "not above 0"),
    ]),
    ("version_2", VERSION_2, [
        ("one_sweep", VERSION_2.certificate(ONE_SWEEP)),
        ("one_sweep_real", VERSION_2.certificate(ONE_SWEEP, REAL)),
    ], [
        ("property_of_version_1", VERSION_2.certificate(ONE_SWEEP, text=RELU.text), "9: sha256 of the property",
         "sha256 of the property"),
        ("no_propagate", VERSION_2.certificate(refute()), "8: PROPAGATE first", "not PROPAGATE"),
    ]),
    ("version_2_equal", EQUAL, [
        ("second_of_both", EQUAL.certificate(propagate() + refute(1))),
    ], [
        ("first_of_both", EQUAL.certificate(propagate() + refute(0)), "3: a == b is a <= b, then a >= b",
         "not above 0"),
    ]),
    ("version_2_not_equal", NOT_EQUAL, [], [
        ("closure", NOT_EQUAL.certificate(propagate() + CASE + refute() + refute()), "3: a != b is its closure",
         "empty combination"),
        ("empty_tree", NOT_EQUAL.certificate(b"", counts=(2, 1, 3, 4, 0)), "3: a != b is its closure", "0 disjuncts"),
    ]),
    ("version_2_by_name", BY_NAME, [
        ("one_sweep", BY_NAME.certificate(ONE_SWEEP)),
        ("one_sweep_real", BY_NAME.certificate(ONE_SWEEP, REAL)),
    ], []),
    ("version_2_exchanged", EXCHANGED, [], [
        ("one_sweep", EXCHANGED.certificate(ONE_SWEEP), "3: an ONNX name says which tensor", "not above 0"),
    ]),
    ("nothing_unsafe", NOTHING_UNSAFE, [
        ("empty_tree", NOTHING_UNSAFE.certificate(b"")),
    ], [
        ("tree_of_nothing", NOTHING_UNSAFE.certificate(ONE_SWEEP), "9: empty tree", "although nothing is unsafe"),
    ]),
]

# What other programs may read as another model or property: (folder, claim, rule, what the checker says)
AMBIGUOUS = [
    ("hidden", HIDDEN, "2: protobuf keys", "field number"),
    ("merged", MERGED, "2: one tensor per attribute", "two tensors"),
    ("squeezed", SQUEEZED, "2: Squeeze has axes", "no axes"),
    ("wrapped", WRAPPED, "2: Cast is exact", "too large"),
    ("softmax_beyond", BEYOND, "4: the axis of Softmax", "axis 3"),
    ("comment", COMMENT, "3: comments", "control character"),
    ("version_2_exponent", EXPONENT, "3: numbers of version 2", "'3e0'"),
    ("version_2_shape", OTHER_SHAPE, "3: shapes are those of the model", "X of line 3 is declared [2], input 'x' is [1,2]"),
]

SEEDS = {
    "one_sweep": RELU.seed(ONE_SWEEP),
    "explicit_slope": RELU.seed(propagate(2, 0, [1]) + refute(0, 3, slopes=b"\x40")),
    "empty_child": RELU.seed(propagate() + split_input(0, 2) + refute() + EMPTY),
    "clips": TWO_CONSTRAINTS.seed(TWO_CLIPS),
    "multipliers_and_combination": TWO_CONSTRAINTS.seed(MULTIPLIED),
    "case_and_input_split": CROSSING.seed(INPUT_SPLIT),
    "element_split": CROSSING.seed(ELEMENT_SPLIT),
    "tightening": TIGHTENED.seed(ONE_TIGHTENING),
    "tightening_in_children": TIGHTENED.seed(TIGHT_CHILDREN),
    "every_kind": KINDS.seed(ONE_SWEEP),
    "softmax": SOFTMAX.seed(SOFTMAX_CASES),
    "exp": EXP.seed(ONE_SWEEP),
    "sin": SIN.seed(propagate() + CASE + refute() + refute()),
    "product": PRODUCT.seed(propagate() + CASE + refute() + refute()),
    "steps": STEPS.seed(ONE_SWEEP),
    "sharp_softmax": SHARE.seed(ONE_SWEEP),
    "joined_softmax": JOINED.seed(SUM_OF_TWO),
    "version_2": VERSION_2.seed(ONE_SWEEP),
    "version_2_equal": EQUAL.seed(propagate() + refute(1)),
    "version_2_by_name": BY_NAME.seed(ONE_SWEEP),
    "every_sum": SUMS.seed(propagate() + refute(0, 3, slopes=b"\x40\x20")),
}


def corpus():
    """All files, as path -> bytes."""
    files, rows = {}, []
    for folder, claim, accepted, rejected in CASES:
        files[HERE / folder / "model.onnx"] = claim.model
        files[HERE / folder / "property.vnnlib"] = claim.text
        rows += [(f"{folder}/accepted/{name}.axc", "accepted", "", "") for name, _ in accepted]
        rows += [(f"{folder}/rejected/{name}.axc", "rejected", rule, says) for name, _, rule, says in rejected]
        files |= {HERE / folder / "accepted" / f"{name}.axc": data for name, data in accepted}
        files |= {HERE / folder / "rejected" / f"{name}.axc": data for name, data, _, _ in rejected}
    for folder, claim, rule, says in AMBIGUOUS:
        files[HERE / folder / "model.onnx"] = claim.model
        files[HERE / folder / "property.vnnlib"] = claim.text
        files[HERE / folder / "refused" / "one_sweep.axc"] = claim.certificate(ONE_SWEEP)
        rows.append((f"{folder}/refused/one_sweep.axc", "refused", rule, says))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("certificate", "outcome", "rule", "says"), *rows])
    files[HERE / "manifest.csv"] = text.getvalue().encode()
    return files | {ROOT / "fuzz" / "corpus" / "checker_fuzz" / name: data for name, data in SEEDS.items()}


def different():
    """The files that are not on disk as they should be."""
    return [path for path, data in corpus().items() if not path.exists() or path.read_bytes() != data]


if __name__ == "__main__":
    changed = different()
    for path in changed:
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(corpus()[path])
    sys.exit(1 if changed and "--check" in sys.argv else 0)
