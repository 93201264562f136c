#!/usr/bin/env python3
"""How far elementary functions of real runtimes are from exact: the figures behind spec/operators.md section 5.

Every 2^step-th binary32 number, infinities and NaN left out, goes through ONNX Runtime, PyTorch (if some python3 has it)
and `axiom run`; the exact value comes from 80-bit arithmetic. Fails when an error exceeds what section 5 allows, a share
of the value and an absolute amount, over the operands that its premises allow.
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
TINY = 2.0 ** -126
# Per operator: the function, the operands, and what is allowed: relative to the value, and absolutely.
FUNCTIONS = {
    "Sigmoid": (None, np.isfinite, 0, 2.0 ** -20),
    "Tanh": (np.tanh, np.isfinite, 0, 2.0 ** -20),
    "Exp": (np.exp, lambda x: x <= 88, 2.0 ** -20, 2 * TINY),
    "Reciprocal": (lambda x: 1 / x, lambda x: np.abs(x) >= TINY, 2.0 ** -22, 2 * TINY),
    "Sqrt": (np.sqrt, lambda x: x >= 0, 2.0 ** -22, 2.0 ** -62),
    "Sin": (np.sin, np.isfinite, 0, 2.0 ** -20),
    "Cos": (np.cos, np.isfinite, 0, 2.0 ** -20),
}
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
    if op != "Sigmoid":
        return FUNCTIONS[op][0](x)
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
    parser.add_argument("--operators", nargs="+", default=list(FUNCTIONS), choices=list(FUNCTIONS))
    parser.add_argument("--step", type=int, default=6, help="log2 of the distance between two bit patterns")
    args = parser.parse_args()
    has_torch = subprocess.run([args.torch_python, "-c", "import torch"], capture_output=True).returncode == 0

    failed = False
    for op in args.operators:
        _, is_operand, share, amount = FUNCTIONS[op]
        worst, count = {}, 0
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            model = folder / "model.onnx"
            model.write_bytes(single(op, [[CHUNK]]).SerializeToString())
            session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
            for x, length in chunks(args.step):
                x = np.where(is_operand(x), x, np.float32(1))
                x_file = folder / "x.npy"
                np.save(x_file, x)
                machines = {f"onnxruntime {onnxruntime.__version__}": session.run(None, {"x0": x})[0],
                            "axiom run": with_axiom(args.axiom, model, folder, x_file)}
                if has_torch:
                    machines["torch"] = with_torch(args.torch_python, op, folder, x_file)
                y = exact(op, x)
                for machine, result in machines.items():
                    allowed = share * np.abs(y) + amount
                    error = (np.abs(result.astype(np.longdouble) - y) / allowed)[:length]
                    at = int(np.argmax(error))
                    if machine not in worst or error[at] > worst[machine][0]:
                        worst[machine] = (error[at], x[at])
                count += length
        for machine, (error, where) in sorted(worst.items()):
            print(f"{op:10} {machine:20} {count} numbers, at most {float(error):.4f} of what is allowed, at x = {where:.9g}")
            failed = failed or not error <= 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
