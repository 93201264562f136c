"""Writes distance.onnx: Y_0 = |X_0 - X_1|, a ReLU network small enough to check by hand.

Usage: python3 make.py
"""
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

constants = {"difference": [[1, -1], [-1, 1]], "offset": [0, 0], "sum": [[1, 1]], "zero": [0]}
graph = helper.make_graph(
    [helper.make_node("Gemm", ["point", "difference", "offset"], ["sides"], name="sides", transB=1),
     helper.make_node("Relu", ["sides"], ["parts"], name="parts"),
     helper.make_node("Gemm", ["parts", "sum", "zero"], ["distance"], name="distance", transB=1)],
    "distance",
    [helper.make_tensor_value_info("point", TensorProto.FLOAT, [1, 2])],
    [helper.make_tensor_value_info("distance", TensorProto.FLOAT, [1, 1])],
    [numpy_helper.from_array(np.array(values, dtype=np.float32), name) for name, values in constants.items()])
model = helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 13)], producer_name="axiom examples")
checker.check_model(model)
save(model, Path(__file__).with_name("distance.onnx"))
