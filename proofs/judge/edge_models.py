#!/usr/bin/env python3
"""Models and properties at the edges of the specification, where two readers could part.

  edge_models.py DIR    writes DIR/NAME.onnx and DIR/NAME.vnnlib, and prints NAME and what the specification says:
                        "meaning", or "refused" with the reason
"""
import os
import struct
import sys

from random_models import attribute, integer, message, text


def tensor(name, shape, code, raw=None, extra=b""):
    return b"".join(integer(1, d) for d in shape) + integer(2, code) + text(8, name) + (message(9, raw) if raw is not None else b"") + extra


def floats(name, shape, *values):
    return tensor(name, shape, 1, struct.pack(f"<{len(values)}f", *values))


def node(op, inputs, outputs, **attributes):
    return (b"".join(text(1, i) for i in inputs) + b"".join(text(2, o) for o in outputs) + text(4, op) +
            b"".join(attribute(k, v) for k, v in attributes.items()))


def info(name, *shape):
    return text(1, name) + message(2, message(1, integer(1, 1) + message(2, b"".join(message(1, integer(1, d)) for d in shape))))


def model(nodes, constants, inputs, outputs, opset=13, more=b""):
    graph = (b"".join(message(1, n) for n in nodes) + text(2, "g") + b"".join(message(5, t) for t in constants) +
             b"".join(message(11, i) for i in inputs) + b"".join(message(12, info(o)) for o in outputs))
    return integer(1, 8) + message(7, graph) + message(8, text(1, "") + integer(2, opset)) + more


def unsafe(inputs, outputs, extra=""):
    lines = [f"(declare-const X_{j} Real)" for j in range(inputs)] + [f"(declare-const Y_{j} Real)" for j in range(outputs)]
    lines += [f"(assert (>= X_{j} 0))\n(assert (<= X_{j} 1))" for j in range(inputs)]
    return "\n".join(lines + [extra, "(assert (>= Y_0 1e30))"]) + "\n"


RELU = node("Relu", ["x"], ["y"])
PLAIN = model([RELU], [], [info("x", 2)], ["y"])


def gemm(alpha, beta, w, c=None):
    constants = [floats("w", [1, 1], w)] + ([floats("c", [1], c)] if c is not None else [])
    return model([node("Gemm", ["x", "w", "x" if c is None else "c"], ["y"], alpha=float(alpha), beta=float(beta))], constants, [info("x", 1, 1)], ["y"])


def cast(code, raw=None, extra=b""):
    return model([node("Cast", ["c"], ["k"], to=1), node("Add", ["x", "k"], ["y"])], [tensor("c", [1], code, raw, extra)], [info("x", 1)], ["y"])


def cases():
    axes = tensor("axes", [16], 7, struct.pack("<16q", *range(1, 17)))
    yield "input_given_twice", "refused: a graph input given twice", model([RELU], [], [info("x", 2)] * 2, ["y"]), unsafe(2, 2)
    yield "unused_nan", "meaning", model([RELU], [floats("u", [1], float("nan"))], [info("x", 2)], ["y"]), unsafe(2, 2)
    yield "rank_17_in_between", "refused: rank above 16", model(
        [node("Unsqueeze", ["x", "axes"], ["t"]), node("Squeeze", ["t", "axes"], ["z"]), node("Relu", ["z"], ["y"])], [axes], [info("x", 2)], ["y"]), unsafe(2, 2)
    yield "scaled_gemm_large_unscaled_constant", "refused: beta*c is not below 2^127", gemm(2, 1, 1, 2e38), unsafe(1, 1)
    yield "scaled_gemm_large_unscaled_weight", "refused: alpha*w is not below 2^127", gemm(1, 2, 2e38, 1), unsafe(1, 1)
    yield "scaled_gemm_large_beta_of_view", "refused: beta is not below 2^127", gemm(2, 2e38, 1), unsafe(1, 1)
    yield "cast_of_large_int64", "meaning: 2^62 + 2^40 is a float32 number", cast(7, struct.pack("<q", 2 ** 62 + 2 ** 40)), unsafe(1, 1)
    yield "cast_of_large_uint64", "meaning: 2^63 is a float32 number", cast(13, struct.pack("<Q", 2 ** 63)), unsafe(1, 1)
    yield "uint8_of_300", "refused: 300 is no uint8", cast(2, None, integer(5, 300)), unsafe(1, 1)
    yield "bool_of_256", "refused: training_mode is true", model(
        [node("Dropout", ["x", "", "mode"], ["t"]), node("Relu", ["t"], ["y"])], [tensor("mode", [], 9, None, integer(5, 256))], [info("x", 2)], ["y"]), unsafe(2, 2)
    twice = message(5, text(1, "value") + message(5, floats("", [1], 1)) + message(5, floats("", [1], 2)) + integer(20, 4))
    yield "attribute_with_two_tensors", "refused: an attribute given twice", model(
        [text(2, "k") + text(4, "Constant") + twice, node("Add", ["x", "k"], ["y"])], [], [info("x", 1)], ["y"]), unsafe(1, 1)
    yield "loose_bound_1e400", "meaning: the box ends at 1", PLAIN, unsafe(2, 2, "(assert (<= X_0 1e400))")
    yield "bound_in_a_dropped_conjunction", "meaning: the conjunction is dropped", PLAIN, unsafe(2, 2, "(assert (or (and (<= 1 0) (<= X_0 1e400)) (<= Y_1 3)))")
    yield "scales_of_rank_2", "not said", model([node("Upsample", ["x", "s"], ["y"])], [floats("s", [1, 2], 1, 2)], [info("x", 1, 2)], ["y"], 9), unsafe(2, 4)
    yield "same_version_twice", "meaning", model([RELU], [], [info("x", 2)], ["y"], more=message(8, integer(2, 13))), unsafe(2, 2)
    yield "relu_of_a_constant", "refused: all operands are constant", model(
        [node("Relu", ["c"], ["t"]), node("Add", ["x", "t"], ["y"])], [floats("c", [2], 1, 2)], [info("x", 2)], ["y"]), unsafe(2, 2)
    yield "concat_with_a_constant", "meaning", model(
        [node("Concat", ["x", "c"], ["t"], axis=0), node("Relu", ["t"], ["y"])], [floats("c", [2], 1, 2)], [info("x", 2)], ["y"]), unsafe(2, 4)
    yield "constant_output", "meaning", model([RELU], [floats("c", [2], 1, 2)], [info("x", 2)], ["y", "c"]), unsafe(2, 4)
    yield "blank_last_operand", "not said", model([node("Relu", ["x", ""], ["y"])], [], [info("x", 2)], ["y"]), unsafe(2, 2)
    softmax = lambda opset, shape, **axis: model([node("Softmax", ["x"], ["y"], **axis)], [], [info("x", *shape)], ["y"], opset)
    yield "softmax_of_set_12", "meaning: one group of 6", softmax(12, [1, 2, 3]), unsafe(6, 6)
    yield "softmax_of_set_13", "meaning: two groups of 3", softmax(13, [1, 2, 3]), unsafe(6, 6)
    yield "softmax_down_the_columns", "meaning: three groups of 2", softmax(13, [1, 2, 3], axis=-2), unsafe(6, 6)
    yield "softmax_of_all_entries", "meaning: one group of 6", softmax(9, [2, 3], axis=0), unsafe(6, 6)
    yield "softmax_of_single_entries", "meaning: three groups of 1", softmax(13, [3, 1]), unsafe(3, 3)
    yield "softmax_of_a_vector_in_set_12", "refused: the default axis 1 of rank 1", softmax(12, [3]), unsafe(3, 3)
    yield "softmax_before_the_first_axis", "refused: axis -3 of rank 2", softmax(13, [2, 3], axis=-3), unsafe(6, 6)
    yield "softmax_of_a_large_group", "refused: a group has at most 2^20 entries", model(
        [node("Upsample", ["x", "s"], ["t"]), node("Softmax", ["t"], ["y"])], [floats("s", [2], 1, 2 ** 20 + 1)], [info("x", 1, 1)], ["y"], 9), unsafe(1, 1)
    yield "softmax_of_a_constant", "refused: all operands are constant", model(
        [node("Softmax", ["c"], ["t"]), node("Add", ["x", "t"], ["y"])], [floats("c", [2], 1, 2)], [info("x", 2)], ["y"]), unsafe(2, 2)
    yield "sum_used_twice_by_one_add", "meaning", model(
        [node("Gemm", ["x", "w"], ["p"]), node("Add", ["p", "p"], ["y"])], [floats("w", [1, 1], 3)], [info("x", 1, 1)], ["y"]), unsafe(1, 1)
    yield "pool_over_one_element_twice", "meaning", model(
        [node("Concat", ["x", "x"], ["t"], axis=3), node("MaxPool", ["t"], ["y"], kernel_shape=[1, 2])], [], [info("x", 1, 1, 1, 1)], ["y"]), unsafe(1, 1)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, verdict, model_bytes, property_text in cases():
        with open(os.path.join(folder, name + ".onnx"), "wb") as file:
            file.write(model_bytes)
        with open(os.path.join(folder, name + ".vnnlib"), "w") as file:
            file.write(property_text)
        print(f"{name}\t{verdict}")


if __name__ == "__main__":
    main()
