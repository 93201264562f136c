#!/usr/bin/env python3
"""The lowering of src/ and that of the checker, which know nothing of each other, give the same program.

For each generated model a property is made that holds narrowly: near one input, every output stays near its value
there. `axiom verify` prints VERIFIED only when the checker, with its own lowering, accepts the certificate; a row with
another weight, order or count would be rejected. Of a Softmax, whose value is proved in sum only, the outputs must be
probabilities. Models without certified meaning must say so.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import onnx
except ImportError as missing:
    print(f"two_lowerings: skipped, {missing.name} is not installed (pip install onnx numpy)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

from models import generated_models

RADIUS, MARGIN = 1e-4, 2e-2
LEAST_VERIFIED = 105


def numbers(tensors):
    return np.concatenate([np.array(t["data"], dtype=np.float64).ravel() for t in tensors.values()])


def property_text(x, y):
    lines = [f"(declare-const X_{i} Real)" for i in range(len(x))]
    lines += [f"(declare-const Y_{i} Real)" for i in range(len(y))]
    for i, v in enumerate(x):
        lines.append(f"(assert (>= X_{i} {v - RADIUS:.9f}))\n(assert (<= X_{i} {v + RADIUS:.9f}))")
    unsafe = []
    for i, v in enumerate(y):
        distance = MARGIN * (1 + abs(v))
        unsafe.append(f"(and (<= Y_{i} {v - distance:.9f})) (and (>= Y_{i} {v + distance:.9f}))")
    return "\n".join(lines) + "\n(assert (or " + " ".join(unsafe) + "))\n"


def verdicts(axiom, folder, model):
    path, prop = folder / "model.onnx", folder / "near.vnnlib"
    path.write_bytes(model.SerializeToString())
    run = subprocess.run([axiom, "run", path, "--input", "random", "--json"], capture_output=True, text=True, check=True)
    result = json.loads(run.stdout)
    prop.write_text(property_text(numbers(result["inputs"]), numbers(result["outputs"])))
    question = [prop]
    if any(node.op_type == "Softmax" for node in model.graph.node):
        question = ["--property", "valid-probabilities", "--inputs", prop]
    done = subprocess.run([axiom, "verify", path, *question, "--semantics", "both", "--timeout", "60"],
                          capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if not line.startswith(" ")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axiom", required=True, type=Path)
    axiom = parser.parse_args().axiom
    verified, meaningless, failures = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name, model in generated_models():
            lines = verdicts(axiom, Path(folder), model)
            if len(lines) == 2 and all(line.startswith("VERIFIED ") for line in lines):
                verified += 1
            elif lines and all("no certified meaning" in line for line in lines):
                meaningless += 1
            else:
                failures += 1
                print(f"FAILED {name}: {lines}")
    print(f"two_lowerings: {verified} models verified in both semantics, {meaningless} without certified meaning, "
          f"{failures} failures")
    sys.exit(1 if failures or verified < LEAST_VERIFIED else 0)


if __name__ == "__main__":
    main()
