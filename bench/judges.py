#!/usr/bin/env python3
"""What axiom-check-coq costs beside axiom-check, on the certificates of whole families, as a table in Markdown.

    judges.py <folder of axiom> <folder of benchmarks> [--leaves N] [--timeout S] [family ...]

Verifies every instance of the families (default: acasxu, rl_benchmarks); each certificate of at most N leaves (2,000) goes
to both judges. Seconds are those of the processor, of whole processes, one after the other. Exit 1: a judge does not
accept.
"""

import argparse
import csv
import gzip
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def seconds(command):
    """Exit code and processor time of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.returncode, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def plain(path, folder):
    """The file without gzip, which the judges do not read."""
    copy = folder / path.name.removesuffix(".gz")
    copy.write_bytes(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    return copy


def family(arguments, name):
    """Certificates, those that both accept, and the seconds of both; prints each that a judge does not accept."""
    folder = arguments.benchmarks / name
    count = accepted = 0
    ours = theirs = worst = 0.0
    for row in csv.DictReader((folder / "instances.csv").open()):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            proof, model, prop = scratch / "proof.axc", plain(folder / row["onnx"], scratch), plain(folder / row["vnnlib"], scratch)
            done = subprocess.run([arguments.bin / "axiom", "verify", model, prop, "--certificate", proof, "--json", "--timeout",
                                   str(arguments.timeout)], capture_output=True, text=True)
            result = json.loads(done.stdout)["results"][0]
            if result["verdict"] != "verified" or result["leaves"] > arguments.leaves:
                continue
            question = [proof, "--model", model, "--property", prop]
            checker, slow = seconds([arguments.bin / "axiom-check", *question]), seconds([arguments.bin / "axiom-check-coq", *question])
        count += 1
        accepted += checker[0] == slow[0] == 0
        if (checker[0], slow[0]) != (0, 0):
            print(f"{row['onnx']} {row['vnnlib']}: exit codes {checker[0]} and {slow[0]}", file=sys.stderr)
        ours, theirs, worst = ours + checker[1], theirs + slow[1], max(worst, slow[1])
    ratio = theirs / ours if ours else 0
    print(f"| {name} | {count} | {accepted} | {ours:.1f} | {theirs:.1f} | {ratio:.1f} | {worst:.1f} |", flush=True)
    return count == accepted


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=Path)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("--leaves", type=int, default=2000)
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("families", nargs="*", default=["acasxu", "rl_benchmarks"])
    arguments = parser.parse_args()
    print("| family | certificates | accepted by both | axiom-check, s | axiom-check-coq, s | ratio | slowest, s |\n"
          "|---|---|---|---|---|---|---|", flush=True)
    return 0 if all([family(arguments, name) for name in arguments.families]) else 1


sys.exit(main())
