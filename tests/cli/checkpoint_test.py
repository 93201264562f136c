#!/usr/bin/env python3
"""A search that is killed goes on from its checkpoint, and only from its own.

    checkpoint_test.py <folder of axiom and axiom-check> [unittest options]
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import onnx_writer

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"


class Checkpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory()
        cls.addClassCleanup(own.cleanup)
        cls.folder = Path(own.name)
        os.environ["TMPDIR"] = own.name
        # Thousands of sub-problems, each small.
        cls.net = cls.write("net.onnx", onnx_writer.perceptron([7, 60, 60, 1], random.Random(3)))
        cls.question = cls.write("holds.vnnlib", onnx_writer.box_property(7, 1, -1, 1, "(>= Y_0 6.2)"))
        cls.state = cls.folder / "search.state"

    def setUp(self):
        for left in self.folder.glob("search.state*"):
            left.unlink()

    @classmethod
    def write(cls, name, content):
        path = cls.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def command(self, *options, net=None, question=None):
        return [str(part) for part in (AXIOM, "verify", net or self.net, question or self.question, *options)]

    def run_axiom(self, code, *options, **other):
        done = subprocess.run(self.command(*options, **other), capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def start_and_signal(self, number, *options):
        """Signals the process as soon as it has saved something; its exit code and output."""
        with subprocess.Popen(self.command("--checkpoint", self.state, "--checkpoint-every", "0.05", "--timeout", "300",
                                           *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 120
            while not self.state.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(number)
            output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def interrupted_state(self):
        """The bytes of a checkpoint of the middle of the search."""
        code, output, errors = self.start_and_signal(signal.SIGINT)
        self.assertEqual(code, 3, output + errors)
        return self.state.read_bytes()

    def test_a_killed_search_goes_on_and_ends_with_the_same_certificate(self):
        whole, resumed = self.folder / "whole.axc", self.folder / "resumed.axc"
        self.run_axiom(0, "--timeout", "300", "--certificate", whole)
        for threads in ("1", "2"):
            code, output, errors = self.start_and_signal(signal.SIGKILL, "--threads", threads)
            self.assertEqual(code, -signal.SIGKILL, f"was done before it could be killed: {output}{errors}")
            done = self.run_axiom(0, "--checkpoint", self.state, "--resume", "--certificate", resumed, "--json",
                                  "--timeout", "300", "--threads", threads)
            result = json.loads(done.stdout)["results"][0]
            self.assertGreater(result["earlier_seconds"], 0)
            self.assertEqual(resumed.read_bytes(), whole.read_bytes())
            checked = subprocess.run([AXIOM.with_name("axiom-check"), resumed, "--model", self.net, "--property",
                                      self.question], capture_output=True, text=True, timeout=300)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            self.assertFalse(self.state.exists(), "a decided question needs no checkpoint")

    def test_killed_again_and_again_it_arrives(self):
        for _ in range(4):
            code, _, _ = self.start_and_signal(signal.SIGKILL, "--resume")
            if code == 0:
                return
            self.assertEqual(code, -signal.SIGKILL)
        self.run_axiom(0, "--checkpoint", self.state, "--resume", "--timeout", "300")

    def test_both_semantics_have_their_own_files(self):
        self.start_and_signal(signal.SIGKILL, "--semantics", "both")
        self.run_axiom(0, "--checkpoint", self.state, "--resume", "--semantics", "both", "--timeout", "300")
        self.assertEqual(list(self.folder.glob("search.state*")), [])

    def test_an_interrupted_search_says_how_far_it_came_and_how_to_go_on(self):
        code, output, _ = self.start_and_signal(signal.SIGINT)
        self.assertEqual(code, 3)
        self.assertRegex(output, r"stopped on request \(best bound -?[\d.]+, [\d.e-]+ % of the cases closed, \d+ sub-")
        self.assertIn(f"the search is saved in {self.state}; the same command with --resume goes on", output)
        self.assertTrue(self.state.exists())
        done = self.run_axiom(3, "--checkpoint", self.state, "--resume", "--timeout", "0.2", "--json")
        result = json.loads(done.stdout)["results"][0]
        self.assertEqual(result["reason"], "time")
        self.assertEqual(result["checkpoint"], str(self.state))
        self.assertTrue(0 <= result["closed_share"] < 1)

    def test_a_damaged_file_is_refused_and_left_alone(self):
        whole = self.interrupted_state()
        damaged = [whole[:size] for size in (0, 7, 8, 70, 200, len(whole) // 2, len(whole) - 64, len(whole) - 1)]
        damaged += [whole + b"x", b"ONNX" + whole]
        for place in (0, 9, 90, len(whole) // 3, len(whole) - 70, len(whole) - 1):
            damaged.append(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
        for content in damaged:
            self.state.write_bytes(content)
            done = self.run_axiom(4, "--checkpoint", self.state, "--resume")
            self.assertRegex(done.stderr, "damaged or cut off|not a checkpoint")
            self.assertEqual(self.state.read_bytes(), content)

    def test_a_checkpoint_of_another_question_is_refused(self):
        self.interrupted_state()
        net = self.write("other.onnx", onnx_writer.perceptron([7, 60, 60, 1], random.Random(4)))
        question = self.write("other.vnnlib", onnx_writer.box_property(7, 1, -1, 1, "(>= Y_0 6.3)"))
        for what, options, other in [("model", (), {"net": net}), ("property", (), {"question": question}),
                                     ("semantics", ("--semantics", "real"), {})]:
            done = self.run_axiom(4, "--checkpoint", self.state, "--resume", *options, **other)
            self.assertIn(f"a checkpoint of another {what}", done.stderr)

    def test_without_a_file_to_go_on_from_it_starts(self):
        question = self.write("easy.vnnlib", onnx_writer.box_property(7, 1, -1, 1, "(>= Y_0 100)"))
        self.run_axiom(0, "--checkpoint", self.state, "--resume", question=question)
        self.assertFalse(self.state.exists())

    def test_senseless_options_and_places_are_refused_before_the_search(self):
        self.assertIn("--resume needs --checkpoint", self.run_axiom(2, "--resume").stderr)
        done = self.run_axiom(4, "--checkpoint", self.folder / "no such folder" / "state")
        self.assertIn("No such file or directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
