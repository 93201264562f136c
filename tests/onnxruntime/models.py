"""Models made for the comparison: single operators with many attributes, and small networks."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_rng = np.random.default_rng(7)


def weights(*shape, scale=0.7):
    return (_rng.standard_normal(shape) * scale).astype(np.float32)


def model_of(nodes, inputs, constants, outputs, opset=13, name="model"):
    """inputs: {name: shape} of float32 or {name: (dtype, shape)}; constants: {name: array}."""
    declared = []
    for key, shape in inputs.items():
        dtype, extents = shape if isinstance(shape, tuple) else (TensorProto.FLOAT, shape)
        declared.append(helper.make_tensor_value_info(key, dtype, extents))
    graph = helper.make_graph(
        nodes, name, declared, [onnx.ValueInfoProto(name=output) for output in outputs],
        [numpy_helper.from_array(array, key) for key, array in constants.items()])
    for output in graph.output:  # readers want a type, not necessarily a shape
        output.type.tensor_type.elem_type = _dtype_of(nodes)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _dtype_of(nodes):
    last = nodes[-1]
    if last.op_type == "Shape":
        return TensorProto.INT64
    if last.op_type == "Cast":
        return helper.get_attribute_value(last.attribute[0])
    return TensorProto.FLOAT


def single(op, x, constants=(), opset=13, outputs=1, **attributes):
    """One node: inputs x (a shape or several), then constants (None where omitted)."""
    shapes = x if x and isinstance(x[0], (list, tuple)) else [x] if x is not None else []
    names = [f"x{i}" for i in range(len(shapes))]
    given = {f"c{i}": array for i, array in enumerate(constants) if array is not None}
    inputs = names + [f"c{i}" if array is not None else "" for i, array in enumerate(constants)]
    node = helper.make_node(op, inputs, [f"y{i}" for i in range(outputs)], **attributes)
    return model_of([node], dict(zip(names, map(list, shapes))), given, ["y0"], opset)


def after_exp(node, x, **constants):
    """A node over e = exp(x), which is positive."""
    return model_of([helper.make_node("Exp", ["x"], ["e"]), node], {"x": x}, constants, ["y"])


def operators():
    f, i64 = np.float32, np.int64
    for op in ("Add", "Sub", "Mul", "Div"):
        yield single(op, [[3, 5]], [weights(3, 5) + f(3)])
        yield single(op, [[2, 1, 5]], [weights(3, 1) + f(3)])
        yield single(op, [[7], [2, 7]])
    for op in ("Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "Abs", "Neg", "Exp", "Sin", "Cos", "Softmax"):
        yield single(op, [[3, 4, 5]])
    for op in ("Reciprocal", "Sqrt"):
        yield after_exp(helper.make_node(op, ["e"], ["y"]), [3, 4, 5])
    for exponent in (0.5, -1, 3, 4):
        yield after_exp(helper.make_node("Pow", ["e", "p"], ["y"]), [3, 5], p=f(exponent))
    yield single("Pow", [[3, 5]], [f(2)])
    yield after_exp(helper.make_node("Div", ["x", "e"], ["y"]), [3, 5])
    yield after_exp(helper.make_node("Div", ["c", "e"], ["y"]), [3, 5], c=weights(2, 1, 5))
    for op in ("Max", "Min"):
        yield single(op, [[3, 5]])
        yield single(op, [[3, 5], [5], [2, 1, 1]])
        yield single(op, [[3, 5]], [weights(3, 1), weights(1)])
    yield single("PRelu", [[2, 3, 5]], [weights(3, 1)])
    yield single("HardSigmoid", [[30]], alpha=0.7, beta=0.3)
    for op, opset in (("ReduceSum", 13), ("ReduceMean", 18)):
        yield single(op, [[2, 3, 4]], [np.array([-1], i64)], opset=opset)
        yield single(op, [[2, 3, 4]], [np.array([0, 2], i64)], opset=opset, keepdims=0)
        yield single(op, [[2, 3]], opset=opset)
    yield single("ReduceMean", [[2, 3, 4]], axes=[1])
    yield single("ReduceSum", [[2, 3, 4]], opset=11, axes=[1, -1], keepdims=0)
    yield single("MatMul", [[2, 1, 3, 4], [5, 4, 2]])
    yield single("LeakyRelu", [[30]], alpha=0.3)
    yield single("Clip", [[30]], [f(-0.2), f(0.4)])
    yield single("Clip", [[30]], [None, f(0.4)])
    yield single("Clip", [[30]], opset=10, min=-0.5, max=0.5)
    yield single("Softmax", [[3, 4, 5]], opset=11, axis=1)
    yield single("Softmax", [[3, 4, 5]], axis=0)
    yield single("Softmax", [[2, 3, 4]], axis=-2)
    yield single("Softmax", [[2, 3, 4]], opset=12, axis=-1)
    yield single("Softmax", [[6]])
    for a, b in (([3, 5], (5, 7)), ([5], (5, 7)), ([3, 5], (5,)), ([2, 1, 3, 5], (4, 5, 2))):
        yield single("MatMul", [a], [weights(*b)])
    yield single("MatMul", [[2, 200], [200, 3]])
    yield single("Gemm", [[3, 5]], [weights(5, 7), weights(7)])
    yield single("Gemm", [[5, 3]], [weights(7, 5), weights(3, 1)], transA=1, transB=1)
    yield single("Gemm", [[2, 5]], [weights(5, 3), weights(3)], alpha=0.25, beta=-0.5)
    yield single("Gemm", [[2, 500]], [weights(500, 3), weights(1, 3)], alpha=3.0, beta=0.7)
    yield single("Gemm", [[2, 5]], [weights(5, 3)], alpha=0.1)
    yield single("Conv", [[1, 2, 5, 7]], [weights(3, 2, 3, 3), weights(3)], pads=[1, 1, 1, 1])
    yield single("Conv", [[2, 3, 7, 6]], [weights(4, 3, 3, 2)], strides=[2, 3], dilations=[2, 1], pads=[1, 0, 2, 3])
    yield single("Conv", [[1, 4, 5, 5]], [weights(6, 2, 2, 3), weights(6)], group=2, kernel_shape=[2, 3])
    yield single("Conv", [[1, 3, 6, 5]], [weights(2, 3, 3, 4)], auto_pad="SAME_UPPER", strides=[2, 2])
    yield single("Conv", [[1, 3, 6, 5]], [weights(2, 3, 3, 4)], auto_pad="SAME_LOWER")
    yield single("Conv", [[1, 3, 6, 5]], [weights(2, 3, 3, 4)], auto_pad="VALID")
    yield single("ConvTranspose", [[1, 2, 3, 4]], [weights(2, 3, 3, 3), weights(3)], strides=[2, 2])
    yield single("ConvTranspose", [[2, 3, 3, 2]], [weights(3, 2, 4, 3)], strides=[3, 2], dilations=[1, 2],
                 pads=[1, 0, 2, 1], output_padding=[1, 0])
    yield single("ConvTranspose", [[1, 4, 3, 3]], [weights(4, 2, 2, 2)], group=2)
    for op in ("MaxPool", "AveragePool"):
        yield single(op, [[1, 2, 5, 7]], kernel_shape=[3, 2])
        yield single(op, [[2, 1, 4, 4]], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
        yield single(op, [[1, 1, 7, 7]], kernel_shape=[3, 3], strides=[3, 2], pads=[1, 1, 1, 1], ceil_mode=1)
        yield single(op, [[1, 1, 5, 6]], kernel_shape=[2, 3], auto_pad="SAME_UPPER")
    yield single("MaxPool", [[1, 1, 6, 7]], kernel_shape=[2, 3], dilations=[2, 2])
    yield single("AveragePool", [[1, 1, 5, 5]], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2],
                 count_include_pad=1)
    yield single("GlobalAveragePool", [[2, 3, 5, 4]])
    for opset in (9, 15):
        yield single("BatchNormalization", [[2, 3, 4, 5]], [weights(3), weights(3), weights(3), np.abs(weights(3))],
                     opset=opset, epsilon=1e-3)
    yield single("BatchNormalization", [[4, 3]], [weights(3), weights(3), weights(3), np.abs(weights(3))])
    yield single("Identity", [[2, 3]])
    yield single("Dropout", [[2, 3]], opset=10, ratio=0.5)
    yield single("Dropout", [[2, 3]], [f(0.5), np.array(False)], outputs=2)
    for axis in (0, 1, 2, 3, -1):
        yield single("Flatten", [[2, 3, 4]], axis=axis)
    yield single("Reshape", [[2, 3, 4]], [np.array([0, -1, 2], i64)])
    yield single("Squeeze", [[1, 3, 1, 2]])
    yield single("Squeeze", [[1, 3, 1, 2]], [np.array([-2], i64)])
    yield single("Squeeze", [[1, 3, 1]], opset=11, axes=[0, 2])
    yield single("Unsqueeze", [[3, 2]], [np.array([0, -1], i64)])
    yield single("Unsqueeze", [[3, 2]], opset=11, axes=[1])
    yield single("Transpose", [[2, 3, 5]])
    yield single("Transpose", [[2, 3, 5, 1]], perm=[2, 0, 3, 1])
    yield single("Concat", [[2, 1, 3], [2, 2, 3]], [weights(2, 4, 3)], axis=1)
    yield single("Upsample", [[1, 2, 3, 2]], [np.array([1, 1, 2, 3], f)], opset=9, mode="nearest")
    yield single("Resize", [[1, 2, 3, 2]], [None, np.array([1, 1, 2, 3], f)], mode="nearest",
                 coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    yield single("Gather", [[4, 3, 2]], [np.array([[2, 0], [-1, 2]], i64)], axis=1)
    yield single("Slice", [[5, 4]], [np.array(v, i64) for v in ([1, -1], [4, -10], [0, 1], [2, -1])])
    yield single("Slice", [[5, 4]], opset=9, starts=[1], ends=[100], axes=[-1])
    yield single("Cast", [[5]], to=TensorProto.INT64)
    yield single("Shape", [[2, 3, 5]])


def dense_network(seed):
    """Subtract a mean, then MatMul, Add, Relu: the shape of collision avoidance networks."""
    widths = [5, 50, 50, 50, 5]
    nodes = [helper.make_node("Sub", ["x", "mean"], ["h0"]), helper.make_node("Flatten", ["h0"], ["v0"])]
    constants = {"mean": weights(5, scale=0.1)}
    value = "v0"
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        constants[f"w{i}"], constants[f"b{i}"] = weights(a, b, scale=a ** -0.5), weights(b, scale=0.1)
        nodes.append(helper.make_node("MatMul", [value, f"w{i}"], [f"m{i}"]))
        nodes.append(helper.make_node("Add", [f"m{i}", f"b{i}"], [f"a{i}"]))
        value = f"a{i}"
        if i + 2 < len(widths):
            nodes.append(helper.make_node(("Relu", "Sigmoid", "Tanh")[seed % 3], [value], [f"r{i}"]))
            value = f"r{i}"
    return model_of(nodes, {"x": [0, 1, 1, 5]}, constants, [value])


def residual_network():
    nodes, constants = [], {"k": weights(8, 3, 3, 3, scale=0.2), "kb": weights(8)}
    nodes.append(helper.make_node("Conv", ["x", "k", "kb"], ["c"], pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("BatchNormalization", ["c", "s", "B", "mu", "v"], ["n"]))
    constants |= {"s": weights(8), "B": weights(8), "mu": weights(8), "v": np.abs(weights(8)) + np.float32(0.1)}
    value = "n"
    for i in range(2):
        constants |= {f"k{i}": weights(8, 8, 3, 3, scale=0.1), f"l{i}": weights(8, 8, 3, 3, scale=0.1)}
        nodes.append(helper.make_node("Conv", [value, f"k{i}"], [f"c{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        nodes.append(helper.make_node("Conv", [f"r{i}", f"l{i}"], [f"d{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Add", [f"d{i}", value], [f"s{i}"]))
        nodes.append(helper.make_node("Relu", [f"s{i}"], [f"o{i}"]))
        value = f"o{i}"
    nodes.append(helper.make_node("MaxPool", [value], ["p"], kernel_shape=[2, 2], strides=[2, 2]))
    nodes.append(helper.make_node("Flatten", ["p"], ["f"]))
    constants |= {"w": weights(10, 8 * 16, scale=0.1), "b": weights(10)}
    nodes.append(helper.make_node("Gemm", ["f", "w", "b"], ["y"], transB=1))
    return model_of(nodes, {"x": ["batch", 3, 8, 8]}, constants, ["y"])


def generator_network():
    """Dense, reshaped to an image, grown by ConvTranspose, shrunk by Conv: the shape of a conditional generator."""
    constants = {"w": weights(5, 64, scale=0.3), "shape": np.array([-1, 4, 4, 4], np.int64),
                 "k": weights(4, 3, 4, 4, scale=0.2), "kb": weights(3), "l": weights(1, 3, 8, 8, scale=0.1)}
    nodes = [helper.make_node("Gemm", ["x", "w"], ["g"]), helper.make_node("Reshape", ["g", "shape"], ["r"]),
             helper.make_node("ConvTranspose", ["r", "k", "kb"], ["t"], strides=[2, 2], pads=[1, 1, 1, 1]),
             helper.make_node("Tanh", ["t"], ["h"]), helper.make_node("Conv", ["h", "l"], ["c"]),
             helper.make_node("Flatten", ["c"], ["f"]), helper.make_node("Sigmoid", ["f"], ["y"])]
    return model_of(nodes, {"x": [1, 5]}, constants, ["y"])


def layer_normalisation(x, y, constants, width):
    """Nodes of LayerNormalization as exporters write it out; adds its weights to `constants`."""
    constants |= {f"{y}_two": np.float32(2), f"{y}_eps": np.float32(1e-5), f"{y}_scale": weights(width),
                  f"{y}_shift": weights(width)}
    steps = [("ReduceMean", [x], "mean", {"axes": [-1]}), ("Sub", [x, "mean"], "centred", {}),
             ("Pow", ["centred", "two"], "square", {}), ("ReduceMean", ["square"], "variance", {"axes": [-1]}),
             ("Add", ["variance", "eps"], "shifted", {}), ("Sqrt", ["shifted"], "deviation", {}),
             ("Div", ["centred", "deviation"], "normal", {}), ("Mul", ["normal", "scale"], "scaled", {}),
             ("Add", ["scaled", "shift"], None, {})]
    named = lambda name: name if name == x else f"{y}_{name}"
    return [helper.make_node(op, [named(i) for i in inputs], [f"{y}_{out}" if out else y], **attributes)
            for op, inputs, out, attributes in steps]


def attention_network(normalised):
    """One head over four tokens of six numbers, with or without normalisation in front."""
    constants = {name: weights(6, 6, scale=0.4) for name in ("wq", "wk", "wv")} | {"root": np.float32(6 ** 0.5)}
    nodes = layer_normalisation("x", "n", constants, 6) if normalised else [helper.make_node("Identity", ["x"], ["n"])]
    for name in "qkv":
        nodes.append(helper.make_node("MatMul", ["n", f"w{name}"], [name]))
    nodes += [helper.make_node("Transpose", ["k"], ["kt"], perm=[1, 0]), helper.make_node("MatMul", ["q", "kt"], ["s"]),
              helper.make_node("Div", ["s", "root"], ["scores"]), helper.make_node("Exp", ["scores"], ["e"]),
              helper.make_node("ReduceSum", ["e", "axes"], ["total"]), helper.make_node("Div", ["e", "total"], ["a"]),
              helper.make_node("MatMul", ["a", "v"], ["y"])]
    return model_of(nodes, {"x": [4, 6]}, constants | {"axes": np.array([-1], np.int64)}, ["y"])


def generated_models():
    for i, model in enumerate(operators()):
        yield f"{i:03d}_{model.graph.node[0].op_type}", model
    for seed in range(3):
        yield f"dense_{seed}", dense_network(seed)
    yield "residual", residual_network()
    yield "generator", generator_network()
    for normalised in (False, True):
        yield "normalised_attention" if normalised else "attention", attention_network(normalised)
