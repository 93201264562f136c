"""VNN-LIB 1 texts in version 2, so that readers can be compared on both."""

import re
from decimal import Decimal


def entry(name, shape, index):
    """The variable of a row-major entry: entry("X", [2, 3], 4) is X[1,1]."""
    indices = []
    for extent in reversed(shape):
        indices.insert(0, index % extent)
        index //= extent
    return name + ("[" + ",".join(map(str, indices)) + "]" if shape else "")


def size(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


def network(inputs, outputs, names=False, element_type="float32"):
    """The head of a text. Tensors are (variable, shape) or, with names, (variable, shape, ONNX name)."""
    def part(kind, tensor):
        name = ' "%s"' % tensor[2].replace("\\", "\\\\").replace('"', '\\"') if names else ""
        return f"  (declare-{kind} {tensor[0]} {element_type} [{','.join(map(str, tensor[1]))}]{name})\n"
    declared = "".join(part("input", t) for t in inputs) + "".join(part("output", t) for t in outputs)
    return f"(vnnlib-version <2.0>)\n(declare-network N\n{declared})\n"


def variables(tensors):
    """The variables in the order of X or Y."""
    return [entry(t[0], t[1], k) for t in tensors for k in range(size(t[1]))]


def translate(text, inputs, outputs, declared=None, **options):
    """The text of version 1 over these tensors of the model; `declared`: in which order (inputs, outputs)."""
    names = {"X": variables(inputs), "Y": variables(outputs)}

    def word(match):
        token = match.group(0)
        if token.startswith(";"):
            return token
        if token.startswith("(declare-const"):
            return ""
        if token[:2] in ("X_", "Y_"):
            return names[token[0]][int(token[2:])]
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", token):
            return format(Decimal(token), "f")
        return token

    body = re.sub(r";[^\n]*|\(declare-const[^)]*\)\n?|[^\s();]+", word, text)
    return network(*(declared or (inputs, outputs)), **options) + body
