#!/usr/bin/env python3
"""Networks with products, exponentials and sines, proved where interval arithmetic is too coarse.

    relaxations_test.py <folder of axiom, axiom-check and axiom-check-coq> [unittest options]

Each network is robust at an input: no output overtakes the greatest one. Intervals are computed here, on the same weights.
"""

import json
import math
import random
import struct
import subprocess
import sys
import unittest
from pathlib import Path

from onnx_writer import field, model, node, tensor, value
from scratch import ScratchTest, own_temporary_folder

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"
EXTRACTED = BIN / "axiom-check-coq"
LIBRARY = Path(__file__).resolve().parent.parent.parent / "proofs"

setUpModule = own_temporary_folder


# ---- The networks, as lists of numbers

def matrix(rows, columns_, draw, scale):
    return [[single(draw.gauss(0, scale)) for _ in range(columns_)] for _ in range(rows)]


def single(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def columns(rows):
    return list(zip(*rows))


def constant(name, rows):
    return tensor(name, [len(rows), len(rows[0])], [x for row in rows for x in row])


def sine_layers():
    """Weights and offsets of two hidden layers with the sine as activation (Sitzmann et al. 2020)."""
    draw = random.Random(3)
    return [(matrix(n, m, draw, 1.2 / n ** 0.5), matrix(1, m, draw, 0.3)[0]) for n, m in ((4, 16), (16, 16), (16, 3))]


def sine_model():
    nodes, constants, last, layers = [], [], "x", sine_layers()
    for k, (rows, offsets) in enumerate(layers):
        constants += [constant(f"w{k}", rows), tensor(f"b{k}", [len(offsets)], offsets)]
        ends = k + 1 == len(layers)
        nodes += [node("MatMul", [last, f"w{k}"], f"m{k}"), node("Add", [f"m{k}", f"b{k}"], "y" if ends else f"a{k}")]
        if not ends:
            nodes.append(node("Sin", [f"a{k}"], f"s{k}"))
            last = f"s{k}"
    return model(nodes, [value("x", [1, 4])], [value("y", [1, 3])], constants)


def attention_weights():
    """Of queries, keys, values and scores: one head over three tokens of four numbers, then two scores."""
    draw = random.Random(5)
    return [matrix(4, 4, draw, 0.5) for _ in "qkv"] + [matrix(12, 2, draw, 0.6)]


def attention_model(softmax, scores=True):
    """With Softmax as an operator or written out, up to the two scores or to the outputs of the head."""
    *heads, last = attention_weights()
    constants = [constant(f"w{name}", rows) for name, rows in zip("qkv", heads)] + [tensor("root", [], [2.0])]
    nodes = [node("MatMul", ["x", f"w{name}"], name) for name in "qkv"]
    nodes += [node("Transpose", ["k"], "kt", perm=[1, 0]), node("MatMul", ["q", "kt"], "s"), node("Div", ["s", "root"], "t")]
    if softmax:
        nodes.append(node("Softmax", ["t"], "a", axis=1))
    else:
        nodes += [node("Exp", ["t"], "e"), node("ReduceSum", ["e"], "total", axes=[1]), node("Div", ["e", "total"], "a")]
    nodes.append(node("MatMul", ["a", "v"], "m" if scores else "y"))
    if not scores:
        return model(nodes, [value("x", [3, 4])], [value("y", [3, 4])], constants, opset=13 if softmax else 11)
    nodes += [node("Reshape", ["m", "flat"], "f"), node("MatMul", ["f", "wo"], "y")]
    flat = field(1, 2) + field(2, 7) + field(8, "flat") + field(9, struct.pack("<2q", 1, 12))
    return model(nodes, [value("x", [3, 4])], [value("y", [1, 2])], [*constants, constant("wo", last), flat],
                 opset=13 if softmax else 11)


# ---- Interval arithmetic, without its roundings

def product(a, b):
    ends = [x * y for x in a for y in b]
    return min(ends), max(ends)


def total(parts):
    parts = list(parts)
    return sum(low for low, _ in parts), sum(high for _, high in parts)


def shift(v, b):
    return v[0] + b, v[1] + b


def combine(values, numbers):
    return total(product(v, (w, w)) for v, w in zip(values, numbers))


def interval_sine(low, high):
    if high - low >= math.pi:
        return -1, 1
    ends = math.sin(low), math.sin(high)
    has = lambda peak: math.floor((high - peak) / math.tau) > math.floor((low - peak) / math.tau)
    return (-1 if has(-math.pi / 2) else min(ends)), (1 if has(math.pi / 2) else max(ends))


def interval_attention(centre, radius):
    """Of the values, of the outputs of the head, and of the scores."""
    *heads, last = attention_weights()
    x = [[(v - radius, v + radius) for v in centre[4 * t:4 * t + 4]] for t in range(3)]
    q, k, v = ([[combine(row, column) for column in columns(rows)] for row in x] for rows in heads)
    mixed = []
    for query in q:
        scores = [total(product(a, b) for a, b in zip(query, key)) for key in k]
        powers = [(math.exp(low / 2), math.exp(high / 2)) for low, high in scores]
        least, most = total(powers)
        shares = [(low / most, high / least) for low, high in powers]
        mixed += [total(product(share, row[j]) for share, row in zip(shares, v)) for j in range(4)]
    return v, mixed, [combine(mixed, column) for column in columns(last)]


# ---- Questions

def box(centre, radius):
    return "\n".join(f"(assert (>= X_{i} {x - radius:.7f}))\n(assert (<= X_{i} {x + radius:.7f}))"
                     for i, x in enumerate(centre))


def property_text(centre, radius, outputs, unsafe):
    names = [f"X_{i}" for i in range(len(centre))] + [f"Y_{i}" for i in range(outputs)]
    return "\n".join([f"(declare-const {name} Real)" for name in names] + [box(centre, radius), f"(assert {unsafe})", ""])


class RelaxationsTest(ScratchTest):
    def run_axiom(self, code, *arguments):
        done = subprocess.run([AXIOM, *map(str, arguments)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"axiom {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done

    def outputs(self, net, centre):
        """What the network makes of one point, by the reference executor."""
        point = self.file("point.json", json.dumps({"x": centre}))
        found = json.loads(self.run_axiom(0, "run", net, "--input", point, "--json").stdout)
        return next(iter(found["outputs"].values()))["data"]

    def prove_robust(self, network, centre, radius, *options):
        """Proves that the greatest output stays it; returns the files and which output that is."""
        net = self.file("net.onnx", network)
        scores = self.outputs(net, centre)
        best = max(range(len(scores)), key=scores.__getitem__)
        unsafe = "(or " + " ".join(f"(>= Y_{k} Y_{best})" for k in range(len(scores)) if k != best) + ")"
        question = self.file("robust.vnnlib", property_text(centre, radius, len(scores), unsafe))
        certificate = self.folder / "proof.axc"
        done = self.run_axiom(0, "verify", net, question, "--certificate", certificate, *options, "--timeout", 60)
        self.assertEqual({line.split(" ")[0] for line in done.stdout.splitlines()}, {"VERIFIED"})
        return net, question, certificate, best

    def overlap(self, scores, best):
        """Whether bounds of the outputs leave the order open."""
        return any(high > scores[best][0] for k, (_, high) in enumerate(scores) if k != best)

    def test_a_sine_network_is_robust_where_intervals_say_nothing(self):
        centre, radius = [0.3, -0.6, 0.1, 0.8], 0.04
        *_, best = self.prove_robust(sine_model(), centre, radius, "--semantics", "both")
        layers = sine_layers()
        values = [(x - radius, x + radius) for x in centre]
        for k, (matrix, offsets) in enumerate(layers):
            values = [shift(combine(values, column), b) for column, b in zip(columns(matrix), offsets)]
            if k + 1 < len(layers):
                values = [interval_sine(*v) for v in values]
        self.assertTrue(self.overlap(values, best))

    def test_attention_is_robust_where_intervals_say_nothing(self):
        centre, radius = [0.4, -0.3, 0.2, 0.7, -0.5, 0.1, 0.9, -0.2, 0.3, 0.6, -0.8, 0.0], 0.03
        for softmax in (False, True):
            with self.subTest(softmax=softmax):
                *_, best = self.prove_robust(attention_model(softmax), centre, radius, "--semantics", "both")
                self.assertTrue(self.overlap(interval_attention(centre, radius)[2], best))

    def test_attention_with_softmax_stays_among_its_values(self):
        centre, radius = [0.4, -0.3, 0.2, 0.7, -0.5, 0.1, 0.9, -0.2, 0.3, 0.6, -0.8, 0.0], 0.25
        values, mixed, _ = interval_attention(centre, radius)
        limits = [max(row[j][1] for row in values) + 0.01 for j in range(4)] * 3
        self.assertTrue(all(high > limit for (_, high), limit in zip(mixed, limits)))
        unsafe = "(or " + " ".join(f"(>= Y_{k} {limit:.6f})" for k, limit in enumerate(limits)) + ")"
        net = self.file("net.onnx", attention_model(softmax=True, scores=False))
        question = self.file("among.vnnlib", property_text(centre, radius, 12, unsafe))
        done = self.run_axiom(0, "verify", net, question, "--semantics", "both", "--timeout", 60)
        self.assertEqual({line.split(" ")[0] for line in done.stdout.splitlines()}, {"VERIFIED"})

    @unittest.skipUnless((LIBRARY / "CheckSound.vo").exists(), "needs the compiled library (make -C proofs)")
    def test_what_coq_has_no_rule_for_is_refused_by_name(self):
        net, question, certificate, _ = self.prove_robust(sine_model(), [0.3, -0.6, 0.1, 0.8], 0.01)
        done = self.run_axiom(3, "theorem", certificate, "--model", net, "--property", question, "--coq",
                              self.folder / "theory", "--library", LIBRARY)
        self.assertIn("rule not proved in Coq yet: sin", done.stderr)
        self.assertFalse((self.folder / "theory").exists())
        if EXTRACTED.exists():
            judged = subprocess.run([EXTRACTED, certificate, "--model", net, "--property", question],
                                    capture_output=True, text=True, timeout=60)
            self.assertEqual(judged.returncode, 4)
            self.assertIn("rule not proved in Coq yet: sin", judged.stderr)

    def test_a_divisor_around_zero_is_unknown(self):
        net = self.file("net.onnx", model([node("Div", ["a", "b"], "y")], [value("a", [1]), value("b", [1])],
                                          [value("y", [1])]))
        question = self.file("q.vnnlib", property_text([1, 0.05], 0.1, 1, "(>= Y_0 1e30)"))
        done = self.run_axiom(3, "verify", net, question)
        self.assertIn("a divisor", done.stdout)


if __name__ == "__main__":
    unittest.main()
