#!/usr/bin/env python3
"""How far Sigmoid and Tanh of real runtimes are from exact: the figure behind 2^-20 in spec/operators.md section 5.

Every 2^step-th binary32 number, infinities and NaN left out, goes through ONNX Runtime, PyTorch (if some python3 has it)
and `axiom run`; the exact value comes from 80-bit arithmetic. Fails when an error exceeds 2^-20.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

from models import single

CHUNK = 1 << 22
BOUND = 2.0 ** -20
TORCH = "import sys, numpy, torch; x = torch.from_numpy(numpy.load(sys.argv[1])); " \
        "numpy.save(sys.argv[3], getattr(torch, sys.argv[2])(x).numpy())"


def chunks(step):
    """All chosen numbers, CHUNK at a time; the last chunk is filled up with the extremes."""
    extremes = np.array([0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF],
                        np.uint32)
    patterns = np.arange(0, 1 << 32, 1 << step, dtype=np.uint64).astype(np.uint32)
    patterns = np.concatenate([patterns, extremes])
    numbers = patterns.view(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    for start in range(0, len(numbers), CHUNK):
        part = numbers[start:start + CHUNK]
        yield np.concatenate([part, np.zeros(CHUNK - len(part), np.float32)]), len(part)


def exact(op, x):
    x = x.astype(np.longdouble)
    if op == "Tanh":
        return np.tanh(x)
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def with_torch(python, op, folder, x_file):
    out = folder / "torch.npy"
    subprocess.run([python, "-c", TORCH, x_file, op.lower(), out], check=True)
    return np.load(out)


def with_axiom(axiom, model, folder, x_file):
    out = folder / "axiom.npy"
    subprocess.run([axiom, "run", model, "--input", x_file, "--output", out], check=True, stdout=subprocess.DEVNULL)
    return np.load(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axiom", required=True, type=Path)
    parser.add_argument("--torch-python", default="python3", help="an interpreter that has torch")
    parser.add_argument("--step", type=int, default=6, help="log2 of the distance between two bit patterns")
    args = parser.parse_args()
    has_torch = subprocess.run([args.torch_python, "-c", "import torch"], capture_output=True).returncode == 0

    failed = False
    for op in ("Sigmoid", "Tanh"):
        worst, count = {}, 0
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            model = folder / "model.onnx"
            model.write_bytes(single(op, [[CHUNK]]).SerializeToString())
            session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
            for x, length in chunks(args.step):
                x_file = folder / "x.npy"
                np.save(x_file, x)
                machines = {f"onnxruntime {onnxruntime.__version__}": session.run(None, {"x0": x})[0],
                            "axiom run": with_axiom(args.axiom, model, folder, x_file)}
                if has_torch:
                    machines["torch"] = with_torch(args.torch_python, op, folder, x_file)
                y = exact(op, x)
                for machine, result in machines.items():
                    error = np.abs(result.astype(np.longdouble) - y)[:length]
                    at = int(np.argmax(error))
                    if machine not in worst or error[at] > worst[machine][0]:
                        worst[machine] = (error[at], x[at])
                count += length
        for machine, (error, where) in sorted(worst.items()):
            print(f"{op:8} {machine:20} {count} numbers, greatest error 2^{np.log2(float(error)):.2f} at x = {where:.9g}")
            failed = failed or not error <= BOUND
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
