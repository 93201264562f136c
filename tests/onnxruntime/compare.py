#!/usr/bin/env python3
"""Holds Axiom to ONNX Runtime, node by node and end to end.

Node by node: every node gets the inputs that ONNX Runtime had (all intermediate values exposed, graph optimisations
off), and its result must lie within twice the node's error bound of spec/operators.md section 5. End to end: rtol 1e-3,
atol 1e-5, through the library and through `axiom run`. Sensitivity: one weight of a sum node with a relative error of
1e-4 must be rejected by the node comparison.

Models: single operators with many attributes and small networks, made here; and every network of the shared benchmarks
($AXIOM_BENCHMARKS or ../shared/benchmarks beside the checkout), which are skipped by name where the folder is absent.
Exit 77: skipped, because onnxruntime is not installed (a failure under CI=true).
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"onnxruntime: skipped, {missing.name} is not installed (pip install onnxruntime onnx numpy)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

from models import generated_models

REJECTED_ON_PURPOSE = {"dropout_training_mode_true.onnx"}
SUMS = {"MatMul", "Gemm", "Conv", "ConvTranspose"}
INJECTED = 1e-4
PROBED_WEIGHTS = 4_000_000  # larger nodes are not cut out for probes


class Failure(Exception):
    """A disagreement, in words."""


def session(model):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def fix_batch(model):
    """A dimension that is absent, symbolic or 0 means 1 (spec/operators.md section 1)."""
    initialisers = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name in initialisers:
            continue
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_value <= 0:
                dim.dim_value = 1
    # Declared extents of outputs may contradict the batch of 1; the runtime infers them.
    for value in list(model.graph.output) + list(model.graph.value_info):
        if value.type.tensor_type.HasField("shape"):
            value.type.tensor_type.ClearField("shape")


def expose_all(model):
    known = {value.name for value in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known and node.op_type != "Constant":
                model.graph.output.append(onnx.ValueInfoProto(name=name))
                known.add(name)


def inputs_of(model):
    initialisers = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name not in initialisers:
            tensor = value.type.tensor_type
            yield value.name, tensor.elem_type, [dim.dim_value for dim in tensor.shape.dim]


def random_input(rng, sample, dtype, shape):
    if dtype == onnx.TensorProto.INT64:
        return rng.integers(1, 5, shape).astype(np.int64)
    assert dtype == onnx.TensorProto.FLOAT, dtype
    numbers = rng.random(shape) if sample % 2 else rng.standard_normal(shape)
    return numbers.astype(np.float32)


class Recorder:
    """A folder of recordings in the form that axiom-node-parity reads."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.lines = []

    def add(self, recording, name, array):
        file = f"{len(self.lines)}.npy"
        np.save(self.folder / file, np.asarray(array, order="C"))
        self.lines.append(f"{recording}\t{file}\t{name}\n")
        return self.folder / file

    def close(self):
        (self.folder / "values.txt").write_text("".join(self.lines))


def parity(program, model_path, recorder):
    recorder.close()
    done = subprocess.run([program, model_path, recorder.folder], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise Failure(f"axiom-node-parity says {done.stderr.strip()}")
    return json.loads(done.stdout)


def check_axiom_run(axiom, model_path, inputs, outputs):
    """The same comparison through the command, for one recording."""
    arguments = [axiom, "run", model_path, "--json"]
    for name, file in inputs.items():
        arguments += ["--input", f"{name}={file}"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"axiom run exits with {done.returncode}: {done.stderr.strip()}")
    printed = json.loads(done.stdout)["outputs"]
    for name, expected in outputs.items():
        if expected.dtype != np.float32:
            continue
        ours = np.array(printed[name]["data"], dtype=np.float64).reshape(printed[name]["shape"])
        if not np.allclose(ours, expected, rtol=1e-3, atol=1e-5, equal_nan=True):
            raise Failure(f"axiom run: output {name} differs by {np.max(np.abs(ours - expected))}")


def compare_model(args, path, model, rng):
    """Node by node and end to end; returns the report of axiom-node-parity."""
    fix_batch(model)
    wanted = [value.name for value in model.graph.output]
    expose_all(model)
    machine = session(model)
    names = [output.name for output in machine.get_outputs()]
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(folder)
        for sample in range(args.samples):
            feed = {name: random_input(rng, sample, dtype, shape) for name, dtype, shape in inputs_of(model)}
            results = dict(zip(names, machine.run(names, feed)))
            files = {name: recorder.add(sample, name, array) for name, array in feed.items()}
            for name, array in results.items():
                if name not in feed:
                    recorder.add(sample, name, array)
            if sample == 0 and args.axiom:
                check_axiom_run(args.axiom, path, files, {name: results[name] for name in wanted})
            if not feed:
                break
        report = parity(args.parity, path, recorder)
    for node in report["nodes"]:
        if not node["agrees"]:
            raise Failure(f"node {node['index']} '{node['node']}' ({node['op']}): ours {node['ours']}, theirs "
                          f"{node['theirs']}, allowed {node['allowed']} (entry {node['entry']})")
    for output in report["outputs"]:
        if not (output["worst"] is not None and output["worst"] <= 1):
            raise Failure(f"output {output['name']}, recording {output['recording']}: {output['worst']} times the tolerance")
    return report


# ---- sensitivity: a wrong weight must not pass


def weights_by_name(model):
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    tensors[node.output[0]] = attribute.t
    return tensors


def loudness(weight):
    """An input value whose product with this weight is about 100: it stands out beside the bias, however small the weight."""
    return np.exp2(np.clip(np.round(np.log2(100 / np.abs(np.float64(weight)))), -100, 100))


def probe(node, weights, rng):
    """Input of a sum node that is zero but where one weight is met, and the place of that weight."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type in ("MatMul", "Gemm"):
        if weights.ndim != 2:
            return None
        transposed = node.op_type == "Gemm" and attributes.get("transB", 0)
        if node.op_type == "Gemm" and attributes.get("transA", 0):
            return None
        depth = weights.shape[1 if transposed else 0]
        place = np.unravel_index(rng.choice(np.flatnonzero(weights)), weights.shape)
        x = np.zeros((1, depth), np.float32)
        x[0, place[1 if transposed else 0]] = loudness(weights[place])
        return x, place
    if attributes.get("group", 1) != 1 or attributes.get("auto_pad", b"") in (b"SAME_UPPER", b"SAME_LOWER"):
        return None
    place = np.unravel_index(rng.choice(np.flatnonzero(weights)), weights.shape)
    channel = place[1 if node.op_type == "Conv" else 0]
    channels = weights.shape[1 if node.op_type == "Conv" else 0]
    # Kernel entry k of output o reads o * stride + k * dilation - pad; output 8 lies away from the border.
    strides, dilations = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    pads = attributes.get("pads", [0] * 4) if attributes.get("auto_pad", b"NOTSET") == b"NOTSET" else [0] * 4
    at = [8 * s + k * d - p if node.op_type == "Conv" else 8 for s, k, d, p in zip(strides, place[2:], dilations, pads)]
    size = [8 * s + k * d + 1 for s, k, d in zip(strides, weights.shape[2:], dilations)]
    x = np.zeros((1, channels, *size), np.float32)
    x[0, channel, at[0], at[1]] = loudness(weights[place])
    return x, place


def cut_out(model, node, weights, x, name):
    """A model of this node alone, with these weights."""
    tensors = weights_by_name(model)
    alone = onnx.NodeProto()
    alone.CopyFrom(node)
    alone.name = "probe"
    initialisers = [onnx.numpy_helper.from_array(weights, name)]
    for other in node.input[2:]:
        copy = onnx.TensorProto()
        copy.CopyFrom(tensors[other])
        copy.name = other
        initialisers.append(copy)
    graph = onnx.helper.make_graph(
        [alone], "probe", [onnx.helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, x.shape)],
        [onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, None)], initialisers)
    return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def check_sensitivity(args, model, rng, limit=2):
    """Rejects an error of 1e-4 in one weight of up to `limit` sum nodes; returns how many were tried."""
    tensors = weights_by_name(model)
    candidates = []
    for node in model.graph.node:
        if node.op_type in SUMS and node.input[1] in tensors and node.input[0] not in tensors:
            if all(name in tensors for name in node.input[2:]):
                if np.prod(tensors[node.input[1]].dims) <= PROBED_WEIGHTS:
                    candidates.append(node)
    tried = 0
    for node in [candidates[i] for i in rng.permutation(len(candidates))[:limit]]:
        weights = onnx.numpy_helper.to_array(tensors[node.input[1]]).copy()
        found = probe(node, weights, rng) if np.any(weights) else None
        if found is None:
            continue
        x, place = found
        right = cut_out(model, node, weights, x, node.input[1])
        theirs = session(right).run(None, {node.input[0]: x})[0]
        weights[place] *= np.float32(1 + INJECTED)
        wrong = cut_out(model, node, weights, x, node.input[1])
        for candidate, wanted in ((right, True), (wrong, False)):
            with tempfile.TemporaryDirectory() as folder:
                recorder = Recorder(folder)
                recorder.add(0, node.input[0], x)
                recorder.add(0, node.output[0], theirs)
                path = Path(folder) / "probe.onnx"
                path.write_bytes(candidate.SerializeToString())
                agrees = parity(args.parity, path, recorder)["nodes_agree"]
            if agrees != wanted:
                raise Failure(f"node '{node.name}' ({node.op_type}): weight {tuple(map(int, place))} with relative error "
                              f"{INJECTED} is {'accepted' if agrees else 'rejected, but so is the right one'}")
        tried += 1
    return tried


# ---- the list


def shared_models(args):
    root = Path(os.environ.get("AXIOM_BENCHMARKS", Path(__file__).resolve().parents[2] / "../shared/benchmarks"))
    if not root.is_dir():
        print("onnxruntime: shared benchmarks skipped, the folder is absent (set AXIOM_BENCHMARKS)")
        return
    for path in sorted(root.glob("*/onnx/*.onnx*")):
        if path.name in REJECTED_ON_PURPOSE or (args.family and path.parent.parent.name not in args.family):
            continue
        data = path.read_bytes()
        yield path, onnx.load_model_from_string(gzip.decompress(data) if path.suffix == ".gz" else data)


def made_models(folder):
    for name, model in generated_models():
        path = Path(folder) / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        yield path, model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parity", required=True, type=Path, help="the program axiom-node-parity")
    parser.add_argument("--axiom", type=Path, help="the program axiom, to compare `axiom run` too")
    parser.add_argument("--samples", type=int, default=20, help="random inputs per network")
    parser.add_argument("--family", action="append", help="only this family of the shared benchmarks")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()

    start, failures = time.time(), []
    models = nodes = unbudgeted = probes = 0
    worst = {}
    with tempfile.TemporaryDirectory() as folder:
        sources = [made_models(folder)] if not args.family else []
        for source in sources + [shared_models(args)]:
            for path, model in source:
                rng = np.random.default_rng(models)
                models += 1
                try:
                    report = compare_model(args, path, model, rng)
                    probes += check_sensitivity(args, model, rng)
                except Failure as failure:
                    failures.append(f"{path.parent.parent.name}/{path.name}: {failure}")
                    print("FAILED", failures[-1], flush=True)
                    continue
                for node in report["nodes"]:
                    nodes += 1
                    unbudgeted += not node["budgeted"]
                    worst[node["op"]] = max(worst.get(node["op"], 0), node["worst"])
                if args.verbose:
                    ends = max((o["worst"] for o in report["outputs"]), default=0)
                    print(f"{path.name}: {len(report['nodes'])} nodes, worst node "
                          f"{max((n['worst'] for n in report['nodes']), default=0):.3f} of its budget, end to end "
                          f"{ends:.3f} of the tolerance", flush=True)
    print("greatest part of the budget used: " + ", ".join(f"{op} {part:.2g}" for op, part in sorted(worst.items())))
    print(f"onnxruntime {onnxruntime.__version__}: {models} models, {nodes} nodes ({unbudgeted} without a budget), "
          f"{args.samples} inputs each, {probes} wrong weights rejected, {len(failures)} failures, "
          f"{time.time() - start:.0f} s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
