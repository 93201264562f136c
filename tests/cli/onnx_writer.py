"""Just enough of the ONNX format to write small networks, so that the tests need no package."""

import struct


def varint(value):
    out = b""
    while True:
        low, value = value & 0x7F, value >> 7
        out += bytes([low | (0x80 if value else 0)])
        if not value:
            return out


def field(number, value):
    """A field of a protobuf message: an int is a varint, a str or bytes a string or message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, shape, values):
    dims = b"".join(field(1, d) for d in shape)
    return dims + field(2, 1) + field(8, name) + field(9, struct.pack(f"<{len(values)}f", *values))


def value(name, shape):
    dims = b"".join(field(1, field(1, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def attribute(name, setting):
    """A list of integers, an integer or a float; the numbers of the types are those of onnx.proto."""
    if isinstance(setting, list):
        return field(1, name) + b"".join(field(8, i) for i in setting) + field(20, 7)
    if isinstance(setting, int):
        return field(1, name) + field(3, setting) + field(20, 2)
    return field(1, name) + varint(2 << 3 | 5) + struct.pack("<f", setting) + field(20, 1)


def node(op_type, inputs, output, **attributes):
    return (b"".join(field(1, i) for i in inputs) + field(2, output) + field(3, output) + field(4, op_type) +
            b"".join(field(5, attribute(name, setting)) for name, setting in attributes.items()))


def model(nodes, inputs, outputs, initializers=(), opset=13):
    graph = b"".join(field(1, n) for n in nodes) + field(2, "test")
    graph += b"".join(field(5, t) for t in initializers)
    graph += b"".join(field(11, v) for v in inputs) + b"".join(field(12, v) for v in outputs)
    return field(1, 8) + field(7, graph) + field(8, field(2, opset))


def perceptron(widths, random, centre=0):
    """Layers of MatMul, Add, Relu with weights drawn from `random`; input x, output y. Every input is meant to lie around
    `centre`, which the first biases take away: the farther from 0, the larger its float32 errors."""
    nodes, weights, last = [], [], "x"
    for k, (n, m) in enumerate(zip(widths, widths[1:])):
        drawn = [random.gauss(0, (2 / n) ** 0.5) for _ in range(n * m)]
        shift = [-centre * sum(drawn[c::m]) if k == 0 else 0 for c in range(m)]
        weights.append(tensor(f"w{k}", [n, m], drawn))
        weights.append(tensor(f"b{k}", [m], [random.gauss(0, 0.1) + s for s in shift]))
        end = k + 2 == len(widths)
        nodes.append(node("MatMul", [last, f"w{k}"], f"m{k}"))
        nodes.append(node("Add", [f"m{k}", f"b{k}"], "y" if end else f"a{k}"))
        if not end:
            nodes.append(node("Relu", [f"a{k}"], f"r{k}"))
            last = f"r{k}"
    return model(nodes, [value("x", [1, widths[0]])], [value("y", [1, widths[-1]])], weights)


def box_property(inputs, outputs, low, high, unsafe):
    """VNN-LIB text: every input in [low, high], and the assertion `unsafe`."""
    lines = [f"(declare-const X_{i} Real)" for i in range(inputs)]
    lines += [f"(declare-const Y_{i} Real)" for i in range(outputs)]
    lines += [f"(assert (>= X_{i} {low}))\n(assert (<= X_{i} {high}))" for i in range(inputs)]
    return "\n".join(lines + [f"(assert {unsafe})", ""])
