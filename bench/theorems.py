#!/usr/bin/env python3
"""How long Coq's kernel takes for a theorem, as a table in Markdown.

    theorems.py <folder of axiom> <folder of benchmarks> [--timeout S] [name ...]

Verifies each instance of the list below (or those named), makes a theorem of the certificate and prints one line: leaves
of the proof tree, its bytes, seconds of axiom-check, bytes and seconds of Network.v, seconds of Theorem.v and of the
groups of a tree in pieces, wall clock of all, greatest memory of one process. <folder of benchmarks> has the folders
acasxu, dist_shift, mnist_fc, oval21, rl_benchmarks, test.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def acas(network, prop):
    return (f"acasxu {network} property {prop}", f"acasxu/onnx/ACASXU_run2a_{network}_batch_2000.onnx.gz",
            f"acasxu/vnnlib/prop_{prop}.vnnlib.gz")


def rl(network, case):
    return f"rl {network} {case}", f"rl_benchmarks/onnx/{network}.onnx.gz", f"rl_benchmarks/vnnlib/{network}_case_{case}.vnnlib.gz"


def mnist(network, case):
    return (f"mnist_fc {network} {case}", f"mnist_fc/onnx/mnist-net_{network}.onnx.gz",
            f"mnist_fc/vnnlib/prop_{case}.vnnlib.gz")


def small(network, prop):
    return network, f"test/onnx/{network}.onnx.gz", f"test/vnnlib/{prop}.vnnlib.gz"


def shift(index):
    return (f"dist_shift {index}", "dist_shift/onnx/mnist_concat.onnx.gz",
            f"dist_shift/vnnlib/index{index}_delta0.13.vnnlib.gz")


def oval(network, image, eps):
    return (f"oval21 {network} {image}", f"oval21/onnx/cifar_{network}_kw.onnx.gz",
            f"oval21/vnnlib/cifar_{network}_kw-img{image}-eps{eps}.vnnlib.gz")


def example(folder, network, prop):
    return f"{folder} {prop}", EXAMPLES / folder / f"{network}.onnx", EXAMPLES / folder / f"{prop}.vnnlib"


INSTANCES = [
    example("hello", "distance", "less_than_1_5"),
    example("collision_avoidance", "advisory", "never_climb_into_intruder"),
    example("collision_avoidance", "advisory", "alert_when_level"),
    small("test_nano", "test_nano"), small("test_tiny", "test_tiny"), small("test_small", "test_small"),
    small("test_unsat", "test_prop"),
    rl("cartpole", "unsafe_0"), rl("cartpole", "unsafe_31"), rl("cartpole", "safe_64"), rl("cartpole", "safe_94"),
    rl("dubinsrejoin", "unsafe_5"),
    acas("1_6", 3), acas("1_4", 3), acas("1_9", 1), acas("1_2", 4), acas("1_1", 4), acas("3_1", 1), acas("1_1", 3),
    acas("1_1", 5), shift(4462), shift(1159),
    rl("cartpole", "safe_14"), rl("cartpole", "safe_58"), rl("cartpole", "safe_74"), rl("cartpole", "safe_9"),
    rl("cartpole", "unsafe_15"), rl("dubinsrejoin", "safe_1"), rl("dubinsrejoin", "unsafe_33"),
    rl("dubinsrejoin", "unsafe_54"), rl("lunarlander", "safe_74"), rl("dubinsrejoin", "unsafe_26"),
    rl("dubinsrejoin", "unsafe_57"), acas("1_8", 1), acas("1_1", 1), acas("1_5", 1), acas("1_6", 1), acas("1_2", 1),
    acas("1_4", 1), acas("1_1", 2), acas("1_7", 2), acas("1_9", 2), acas("1_8", 2), acas("2_4", 3), acas("2_6", 3),
    acas("2_7", 3), acas("2_8", 3), acas("2_9", 3), acas("3_7", 3), acas("4_5", 3), acas("4_8", 3), acas("5_7", 3),
    acas("2_9", 4), acas("3_3", 4), acas("4_1", 4), acas("5_6", 4), acas("5_7", 4), acas("5_2", 4), acas("2_4", 4),
    acas("4_5", 10), acas("3_3", 2), mnist("256x2", "0_0.03"), mnist("256x2", "3_0.03"), mnist("256x4", "0_0.03"),
    oval("deep", 9845, "0.009673202614379085"), oval("base", 8095, "0.010457516339869282"),
    oval("base", 4763, "0.024705882352941175"), oval("deep", 3062, "0.007450980392156864"),
]


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    return done.stdout


def line(axiom, name, model, prop, timeout):
    with tempfile.TemporaryDirectory() as folder:
        proof = Path(folder) / "proof.axc"
        verdict = json.loads(run(axiom, "verify", model, prop, "--certificate", proof, "--threads", 1, "--json"))
        result = verdict["results"][0]
        if result["verdict"] != "verified":
            return f"| {name} | {result['verdict']} |"
        answer = json.loads(run(axiom, "theorem", proof, "--model", model, "--property", prop, "--coq",
                                Path(folder) / "theory", "--timeout", timeout, "--json"))
    if not answer.get("accepted"):
        return f"| {name} | {result['leaves']} | no theorem: {answer['message']} |"
    files = {file["name"]: file for file in answer["files"]}
    network = files["Network.v"]
    tree_seconds = sum(file["seconds"] for name, file in files.items() if name.startswith(("Theorem", "Group")))
    return (f"| {name} | {result['leaves']} | {answer['tree_bytes']:,} | {result['check_seconds']:.2f} | "
            f"{network['bytes']:,} | {network['seconds']:.1f} | {tree_seconds:.1f} | {answer['seconds']:.1f} | "
            f"{answer['peak_mb']:.0f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=Path)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("--timeout", type=float, default=1200)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    print("| instance | leaves | tree, bytes | axiom-check, s | Network.v, bytes | Network.v, s | Theorem.v, s | all, s "
          "| memory, MB |\n|---|---|---|---|---|---|---|---|---|")
    for name, model, prop in INSTANCES:
        if arguments.names and not any(wanted in name for wanted in arguments.names):
            continue
        print(line(arguments.bin / "axiom", name, arguments.benchmarks / model, arguments.benchmarks / prop,
                   arguments.timeout), flush=True)


main()
