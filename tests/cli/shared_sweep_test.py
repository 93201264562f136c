#!/usr/bin/env python3
"""A sweep shared by several processes: nothing is lost or done for nothing when one of them is killed.

    shared_sweep_test.py <folder of axiom and axiom-check> [unittest options]
"""

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import onnx_writer
from scratch import ScratchTest, own_temporary_folder

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"

setUpModule = own_temporary_folder


class SharedSweep(ScratchTest):
    def setUp(self):
        super().setUp()
        self.shared = self.folder / "shared"
        family = self.folder / "family"
        family.mkdir()
        (family / "easy.onnx").write_bytes(onnx_writer.perceptron([2, 8, 1], random.Random(1)))
        # Nobody decides this one within its second.
        (family / "hard.onnx").write_bytes(onnx_writer.perceptron([30, 200, 200, 200, 1], random.Random(7)))
        (family / "hard.vnnlib").write_text(onnx_writer.box_property(30, 1, -1, 1, "(>= Y_0 20)"))
        lines = ["onnx,vnnlib,timeout_s,expected"]
        for k in range(8):
            (family / f"{k}.vnnlib").write_text(onnx_writer.box_property(2, 1, -1, 1, f"(>= Y_0 {100 + k})"))
            lines.append(f"easy.onnx,{k}.vnnlib,20,unsat")
        for k in range(4):
            shutil.copy(family / "hard.vnnlib", family / f"hard{k}.vnnlib")
            lines.insert(1, f"hard.onnx,hard{k}.vnnlib,1,open")
        self.instances = family / "instances.csv"
        self.instances.write_text("\n".join(lines) + "\n")

    def command(self, *options):
        return [str(part) for part in (AXIOM, "sweep", self.instances, "--shared", self.shared, "--threads", "1",
                                       "--lease", "2", *options)]

    def start(self, *options):
        process = subprocess.Popen(self.command(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def run_axiom(self, code, *options):
        done = subprocess.run(self.command(*options), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(condition())

    def assert_all_rows_once(self, path):
        rows = list(csv.DictReader(path.read_text().splitlines()))
        names = [row["vnnlib"] for row in rows]
        self.assertEqual(names, [f"hard{k}.vnnlib" for k in (3, 2, 1, 0)] + [f"{k}.vnnlib" for k in range(8)])
        self.assertEqual([row["verdict"] for row in rows], ["unknown"] * 4 + ["verified"] * 8)

    def test_four_processes_of_which_one_is_killed(self):
        first = self.start()
        self.wait_for(lambda: list(self.shared.glob("*.claim")))
        others = [self.start("--csv", self.folder / f"{k}.csv") for k in range(3)]
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=30)
        for process in others:
            output, errors = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, output + errors)
        for k in range(3):
            self.assert_all_rows_once(self.folder / f"{k}.csv")
        self.assertEqual(list(self.shared.glob("*.claim")), [])
        self.assertEqual(len(list(self.shared.glob("*.dead.1"))), 1, "the claim of the killed one was taken over")

    def test_the_work_is_shared(self):
        processes = [self.start() for _ in range(2)]
        claimed = set()
        while any(process.poll() is None for process in processes):
            for claim in self.shared.glob("*.claim"):
                try:
                    claimed.add(claim.read_text().split()[1])
                except (OSError, IndexError):
                    pass
            time.sleep(0.005)
        self.assertEqual(claimed, {str(process.pid) for process in processes})

    def test_an_interrupted_process_gives_its_claims_back(self):
        process = self.start()
        self.wait_for(lambda: list(self.shared.glob("*.claim")))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 3, output + errors)
        self.assertIn("the same command goes on", errors)
        self.assertEqual(list(self.shared.glob("*.claim")), [])
        out = self.folder / "out.csv"
        self.run_axiom(0, "--csv", out)
        self.assert_all_rows_once(out)
        began = time.monotonic()
        self.run_axiom(0, "--csv", out)
        self.assertLess(time.monotonic() - began, 1, "nothing is left to do")

    def test_an_instance_that_kills_its_processes_is_given_up(self):
        self.run_axiom(0)
        rows = sorted(self.shared.glob("*.rows"))[0]
        rows.unlink()
        for number in (1, 2):
            rows.with_suffix(f".dead.{number}").write_text("host 1\n")
        rows.with_suffix(".claim").write_text("host 1\n")
        done = self.run_axiom(4)
        self.assertIn("3 processes died while they ran it", done.stderr)

    def test_another_sweep_in_the_folder_is_refused(self):
        self.run_axiom(0, "--filter", "easy")
        for options in [(), ("--filter", "easy", "--semantics", "real"), ("--filter", "easy", "--seed", "2"),
                        ("--filter", "easy", "--timeout", "3")]:
            self.assertIn("holds another sweep", self.run_axiom(2, *options).stderr)
        self.run_axiom(0, "--filter", "easy", "--jobs", "2")
        self.assertIn("leave --resume out", self.run_axiom(2, "--resume", "--csv", self.folder / "x.csv").stderr)

    def test_without_a_folder_processes_started_together_are_refused(self):
        done = subprocess.run([AXIOM, "sweep", self.instances], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("--shared", done.stderr)

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_under_mpirun_one_process_speaks_for_all(self):
        out = self.folder / "out.csv"
        done = subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "4",
                               *self.command("--csv", out)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("family "), 2, done.stdout)  # The heading and the one family.
        self.assert_all_rows_once(out)


if __name__ == "__main__":
    unittest.main()
