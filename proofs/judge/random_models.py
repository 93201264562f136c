#!/usr/bin/env python3
"""Random ONNX models and VNN-LIB texts for comparing two readers.

  random_models.py DIR COUNT [SEED]    writes DIR/N.onnx and DIR/N.vnnlib for N = 0 .. COUNT - 1

Models are graphs of up to a dozen nodes over all operators of spec/operators.md, with sums in every arrangement
(clusters, a sum used twice, constants on either side, broadcasting), most of them meaningful. Nodes stand in random
order in the file. Properties are formulas with nested and/or, arithmetic on both sides and repeated bounds; every other
one is written in VNN-LIB 2, its tensors by order or by name.
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "cli"))
from vnnlib_2 import translate  # noqa: E402


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def message(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def text(field, value):
    return message(field, value.encode())


def integer(field, value):
    return varint(field << 3) + varint(value)


def attribute(name, value):
    if isinstance(value, int):
        return message(5, text(1, name) + integer(3, value) + integer(20, 2))
    if isinstance(value, float):
        return message(5, text(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + integer(20, 1))
    if isinstance(value, str):
        return message(5, text(1, name) + text(4, value) + integer(20, 3))
    if isinstance(value, bytes):
        return message(5, text(1, name) + message(5, value) + integer(20, 4))
    return message(5, text(1, name) + b"".join(integer(8, v) for v in value) + integer(20, 7))


def count(shape):
    n = 1
    for d in shape:
        n *= d
    return n


class Model:
    def __init__(self, rng):
        self.rng = rng
        self.nodes, self.initialisers, self.inputs = [], [], []
        self.views = []          # (name, shape)
        self.names = 0
        self.opset = rng.choice((9, 11, 13, 14, 20))

    def name(self, letter):
        self.names += 1
        return f"{letter}{self.names}"

    def number(self):
        r = self.rng
        kind = r.randrange(10)
        if kind == 0:
            return 0.0
        if kind == 1:
            return float(r.randrange(-3, 4))
        return r.uniform(-1, 1) * 2.0 ** r.randrange(-6, 3)

    def tensor(self, name, shape, values, code):
        raw = b"".join(struct.pack("<f" if code == 1 else "<q", v) for v in values)
        data = b"".join(integer(1, d) for d in shape) + integer(2, code) + text(8, name)
        if code == 7 and self.rng.randrange(2):
            return data + b"".join(integer(7, v) for v in values)
        if code == 1 and self.rng.randrange(3) == 0:
            return data + message(4, raw)
        return data + message(9, raw)

    def constant(self, shape, values=None, code=1):
        """Name of a constant: an initialiser or the output of a Constant node."""
        name = self.name("c")
        if values is None:
            values = [self.number() for _ in range(count(shape))]
        if self.rng.randrange(3) == 0:
            self.node("Constant", [], [name], value=self.tensor("", shape, values, code))
        else:
            self.initialisers.append(self.tensor(name, shape, values, code))
        return name

    def node(self, op, inputs, outputs, **attributes):
        items = [attribute(k, v) for k, v in attributes.items()]
        self.rng.shuffle(items)
        self.nodes.append(b"".join(text(1, i) for i in inputs) + b"".join(text(2, o) for o in outputs) +
                          text(3, self.name("n")) + text(4, op) + b"".join(items))

    def result(self, op, inputs, shape, **attributes):
        out = self.name("t")
        self.node(op, inputs, [out], **attributes)
        self.views.append((out, list(shape)))
        return out

    def pick(self, rank=None):
        r = self.rng
        fitting = [v for v in self.views if rank is None or len(v[1]) == rank]
        if not fitting:
            return None
        return fitting[-1] if r.randrange(3) else r.choice(fitting)

    # one method per family; each adds at least one node or does nothing

    def unary(self):
        x, shape = self.pick()
        op = self.rng.choice(("Relu", "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Identity", "Dropout"))
        extra = {"alpha": self.rng.choice((0.1, 0.0, 1.0, 0.5))} if op == "LeakyRelu" and self.rng.randrange(2) else {}
        self.result(op, [x], shape, **extra)

    def softmax(self):
        r = self.rng
        x, shape = self.pick()
        rank = len(shape)
        extra = {"axis": r.randrange(-rank if self.opset >= 11 else 0, rank)} if rank and (rank == 1 or r.randrange(3)) else {}
        if rank:
            self.result("Softmax", [x], shape, **extra)

    def broadcastable(self, shape):
        out = [d if self.rng.randrange(4) else 1 for d in shape]
        return out[self.rng.randrange(len(out) + 1):] if self.rng.randrange(3) == 0 else out

    def add(self):
        r = self.rng
        x, shape = self.pick()
        if r.randrange(3) == 0:
            same = [v for v in self.views if v[1] == shape]
            other = r.choice(same)[0]
        else:
            other = self.constant(self.broadcastable(shape))
        pair = [x, other]
        r.shuffle(pair)
        self.result(r.choice(("Add", "Sub")), pair, shape)

    def matmul(self):
        r = self.rng
        x, shape = self.pick()
        if not shape:
            return
        if r.randrange(3) == 0 and len(shape) >= 2:     # constant on the left
            m = r.randrange(1, 4)
            self.result("MatMul", [self.constant([m, shape[-2]]), x], shape[:-2] + [m, shape[-1]])
        elif r.randrange(6) == 0:
            self.result("MatMul", [x, self.constant([shape[-1]])], shape[:-1])
        else:
            n = r.randrange(1, 5)
            self.result("MatMul", [x, self.constant([shape[-1], n])], shape[:-1] + [n])

    def gemm(self):
        r = self.rng
        found = self.pick(2)
        if not found:
            return
        x, shape = found
        left = r.randrange(4) > 0
        tx, tw = r.randrange(2), r.randrange(2)
        a = shape[::-1] if tx else shape
        n = r.randrange(1, 5)
        out = [a[0], n] if left else [n, a[1]]
        w = [a[1], n] if left else [n, a[0]]
        weight = self.constant(w[::-1] if tw else w)
        operands = [x, weight] if left else [weight, x]
        if r.randrange(3):
            addends = [v for v in self.views if v[1] == out]
            operands.append(r.choice(addends)[0] if addends and r.randrange(2) else self.constant(self.broadcastable(out)))
        extra = {}
        if r.randrange(3) == 0:
            extra = {"alpha": r.choice((1.0, 0.1, -2.0)), "beta": r.choice((1.0, 3.0, -0.7))}
        self.result("Gemm", operands, out, transA=tx if left else tw, transB=tw if left else tx, **extra)

    def image(self):
        found = self.pick(4)
        if found:
            return found
        x, shape = self.pick()
        n = count(shape)
        options = [s for s in ([1, 1, 2, n // 2], [1, n, 1, 1], [1, 2, n // 2, 1], [1, 1, n, 1], [1, 2, 2, n // 4]) if count(s) == n]
        shape = self.rng.choice(options)
        return self.result("Reshape", [x, self.constant([4], shape, 7)], shape), shape

    def convolution(self):
        r = self.rng
        x, (batch, channels, h, w) = self.image()
        group = r.choice([g for g in (1, 2) if channels % g == 0])
        out = group * r.randrange(1, 3)
        kernel = [r.randrange(1, 3), r.randrange(1, 3)]
        pads, strides, dilations = [r.randrange(2) for _ in range(4)], [r.randrange(1, 3) for _ in range(2)], [r.randrange(1, 3) for _ in range(2)]
        extent = lambda i, s: (s + pads[i] + pads[i + 2] - ((kernel[i] - 1) * dilations[i] + 1)) // strides[i] + 1
        shape = [batch, out, extent(0, h), extent(1, w)]
        if min(shape) < 1:
            return
        operands = [x, self.constant([out, channels // group] + kernel)] + ([self.constant([out])] if r.randrange(2) else [])
        self.result("Conv", operands, shape, group=group, kernel_shape=kernel, pads=pads, strides=strides, dilations=dilations)

    def transposed(self):
        r = self.rng
        x, (batch, channels, h, w) = self.image()
        out = r.randrange(1, 3)
        kernel = [r.randrange(1, 3), r.randrange(1, 3)]
        pads, strides, dilations = [r.randrange(2) for _ in range(4)], [r.randrange(1, 3) for _ in range(2)], [r.randrange(1, 3) for _ in range(2)]
        extra = [r.randrange(max(s, d)) for s, d in zip(strides, dilations)]
        extent = lambda i, s: (s - 1) * strides[i] + extra[i] + (kernel[i] - 1) * dilations[i] + 1 - pads[i] - pads[i + 2]
        shape = [batch, out, extent(0, h), extent(1, w)]
        if min(shape) < 1:
            return
        operands = [x, self.constant([channels, out] + kernel)] + ([self.constant([out])] if r.randrange(2) else [])
        self.result("ConvTranspose", operands, shape, pads=pads, strides=strides, dilations=dilations, output_padding=extra)

    def pool(self):
        r = self.rng
        x, (batch, channels, h, w) = self.image()
        kernel = [r.randrange(1, 4), r.randrange(1, 4)]
        pads, strides = [r.randrange(2) for _ in range(4)], [r.randrange(1, 4) for _ in range(2)]
        dilations, ceil = [r.randrange(1, 3) for _ in range(2)], r.randrange(2)
        shape = [batch, channels]
        for i, s in enumerate((h, w)):
            room = s + pads[i] + pads[i + 2] - ((kernel[i] - 1) * dilations[i] + 1)
            if room < 0:
                return
            o = (room + (strides[i] - 1 if ceil else 0)) // strides[i] + 1
            if ceil and (o - 1) * strides[i] >= s + pads[i]:
                o -= 1
            shape.append(o)
        self.result("MaxPool", [x], shape, kernel_shape=kernel, pads=pads, strides=strides, dilations=dilations, ceil_mode=ceil)

    def normalization(self):
        x, shape = self.image()
        c = shape[1]
        positive = [abs(self.number()) + 0.25 for _ in range(c)]
        self.result("BatchNormalization", [x, self.constant([c]), self.constant([c]), self.constant([c]), self.constant([c], positive)], shape)

    def movement(self):
        r = self.rng
        x, shape = self.pick()
        kind = r.randrange(7)
        rank = len(shape)
        if kind == 0:
            perm = list(range(rank))
            r.shuffle(perm)
            self.result("Transpose", [x], [shape[p] for p in perm], perm=perm)
        elif kind == 1 and rank:
            axis = r.randrange(rank)
            other = self.constant(shape) if r.randrange(2) else r.choice([v for v in self.views if v[1] == shape])[0]
            parts = [x, other]
            r.shuffle(parts)
            self.result("Concat", parts, [2 * d if i == axis else d for i, d in enumerate(shape)], axis=axis - rank * (r.randrange(2) if self.opset >= 11 else 0))
        elif kind == 2:
            axis = r.randrange(rank + 1)
            self.result("Flatten", [x], [count(shape[:axis]), count(shape[axis:])], axis=axis)
        elif kind == 3 and rank < 5:
            axis = r.randrange(rank + 1)
            out = shape[:axis] + [1] + shape[axis:]
            if self.opset >= 13:
                self.result("Unsqueeze", [x, self.constant([1], [axis], 7)], out)
            else:
                self.result("Unsqueeze", [x], out, axes=[axis])
        elif kind == 4 and 1 in shape:
            self.result("Squeeze", [x], [d for d in shape if d != 1])
        elif kind == 5 and rank:
            self.result("Reshape", [x, self.constant([2], [-1, shape[-1]], 7)], [count(shape) // shape[-1], shape[-1]])
        elif kind == 6 and rank:
            scales = [r.randrange(1, 3) for _ in shape]
            if count(shape) * count(scales) > 200:
                return
            name = self.constant([rank], [float(s) for s in scales])
            out = [d * s for d, s in zip(shape, scales)]
            if self.opset >= 11:
                self.result("Resize", [x, "", name], out, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
            else:
                self.result("Upsample", [x, name], out, mode="nearest")

    def bytes(self, outputs):
        r = self.rng
        nodes = list(self.nodes)
        if r.randrange(3):
            r.shuffle(nodes)
        info = lambda name, shape: text(1, name) + message(2, message(1, integer(1, 1) + message(2, b"".join(message(1, integer(1, d)) for d in shape))))
        graph = (b"".join(message(1, n) for n in nodes) + text(2, "g") + b"".join(message(5, t) for t in self.initialisers) +
                 b"".join(message(11, info(n, s)) for n, s in self.inputs) + b"".join(message(12, info(n, s)) for n, s in outputs))
        return integer(1, 8) + message(7, graph) + message(8, text(1, "") + integer(2, self.opset))


def make_model(rng):
    """Model bytes; names and shapes of the inputs and of the outputs."""
    m = Model(rng)
    for _ in range(rng.choice((1, 1, 2))):
        shape = rng.choice(([4], [1, 3], [2, 3], [1, 2, 2, 2], [1, 1, 3, 4], [1, 1, 1, 5], [2]))
        name = m.name("x")
        m.inputs.append((name, shape))
        m.views.append((name, shape))
    steps = (m.unary, m.unary, m.add, m.add, m.add, m.matmul, m.gemm, m.convolution, m.transposed, m.pool, m.normalization, m.softmax, m.movement, m.movement)
    for _ in range(rng.randrange(2, 12)):
        rng.choice(steps)()
    made = m.views[len(m.inputs):] or m.views
    outputs = [made[-1]] + ([rng.choice(made)] if rng.randrange(5) == 0 else [])
    return m.bytes(outputs), m.inputs, outputs


def decimal(rng):
    kind = rng.randrange(6)
    if kind == 0:
        return str(rng.randrange(-3, 4))
    if kind == 1:
        return f"{rng.uniform(-1, 1) * 10 ** rng.randrange(-8, 8):.{rng.randrange(1, 25)}e}"
    if kind == 2:
        return f"{rng.randrange(-10**9, 10**9)}e-{rng.randrange(12)}"
    return f"{rng.uniform(-2, 2):.{rng.randrange(1, 30)}f}"


def term(rng, variables, depth):
    kind = rng.randrange(7)
    if depth == 0 or kind < 3:
        return rng.choice(variables) if rng.randrange(3) else decimal(rng)
    if kind < 5:
        return f"({rng.choice('+-')} " + " ".join(term(rng, variables, depth - 1) for _ in range(rng.randrange(1, 4))) + ")"
    pair = [decimal(rng), term(rng, variables, depth - 1)]
    rng.shuffle(pair)
    return f"(* {pair[0]} {pair[1]})"


def formula(rng, variables, depth):
    if depth == 0 or rng.randrange(3) == 0:
        return f"({rng.choice(('<=', '>=', '<', '>'))} {term(rng, variables, 2)} {term(rng, variables, 2)})"
    return f"({rng.choice(('and', 'or'))} " + " ".join(formula(rng, variables, depth - 1) for _ in range(rng.randrange(1, 4))) + ")"


def make_property(rng, inputs, outputs):
    xs, ys = [f"X_{j}" for j in range(inputs)], [f"Y_{j}" for j in range(outputs)]
    lines = [f"(declare-const {v} Real)" for v in xs + ys]
    asserts = []
    for x in xs:
        lo = rng.uniform(-1, 1)
        hi = lo + rng.choice((0, 1e-3, 0.25, 1.0)) * rng.random()
        asserts.append(f"(assert (>= {x} {lo:.{rng.randrange(3, 20)}f}))")
        asserts.append(f"(assert (<= {x} {hi + 1e-3:.{rng.randrange(3, 20)}f}))")
    if rng.randrange(3):        # mostly provable: an output far away
        asserts.append(f"(assert (or (>= {rng.choice(ys)} {rng.choice((3, 1e2, 1e4))}) (and (<= {rng.choice(ys)} -{rng.choice((3, 1e2, 1e4))}) (<= {rng.choice(ys)} {decimal(rng)}))))")
    for _ in range(rng.randrange(3)):
        asserts.append(f"(assert {formula(rng, xs + ys, 2)})")
    if not asserts[2 * inputs:]:
        asserts.append(f"(assert (>= {ys[0]} 1000))")
    if rng.randrange(2):
        rng.shuffle(asserts)
    return "\n".join(lines + asserts) + "\n; end"


def in_version_2(rng, text, inputs, outputs):
    """The same, and `==` for one comparison."""
    def tensors(letter, named):
        return [(f"{letter}{k}", shape, name) for k, (name, shape) in enumerate(named)]
    inputs, outputs = tensors("in", inputs), tensors("out", outputs)
    by_name = rng.randrange(2) == 1 and len({t[2] for t in outputs}) == len(outputs)
    declared = (rng.sample(inputs, len(inputs)), rng.sample(outputs, len(outputs))) if by_name else None
    text = translate(text, inputs, outputs, declared, names=by_name, element_type=rng.choice(("float32", "real")))
    return text.replace("(< ", rng.choice(("(< ", "(== ", "(!= ")), 1)


def main():
    folder, number = sys.argv[1], int(sys.argv[2])
    seed = sys.argv[3] if len(sys.argv) > 3 else "1"
    os.makedirs(folder, exist_ok=True)
    for n in range(number):
        rng = random.Random(f"{seed} {n}")
        model, inputs, outputs = make_model(rng)
        with open(os.path.join(folder, f"{n}.onnx"), "wb") as file:
            file.write(model)
        with open(os.path.join(folder, f"{n}.vnnlib"), "w") as file:
            property = make_property(rng, sum(count(s) for _, s in inputs), sum(count(s) for _, s in outputs))
            file.write(in_version_2(rng, property, inputs, outputs) if n % 2 else property)


if __name__ == "__main__":
    main()
