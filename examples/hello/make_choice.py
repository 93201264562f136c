"""Writes choice.onnx: which of two numbers is greater, as probabilities of "first", "second" and "about equal".

Usage: python3 make_choice.py
"""
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

constants = {"weights": [[4, -4], [-4, 4], [0, 0]], "offset": [0, 0, 1]}
graph = helper.make_graph(
    [helper.make_node("Gemm", ["point", "weights", "offset"], ["scores"], name="scores", transB=1),
     helper.make_node("Softmax", ["scores"], ["probabilities"], name="probabilities")],
    "choice",
    [helper.make_tensor_value_info("point", TensorProto.FLOAT, [1, 2])],
    [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 3])],
    [numpy_helper.from_array(np.array(values, dtype=np.float32), name) for name, values in constants.items()])
model = helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", 13)], producer_name="axiom examples")
checker.check_model(model)
save(model, Path(__file__).with_name("choice.onnx"))
