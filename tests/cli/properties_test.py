#!/usr/bin/env python3
"""Robustness around given inputs, and the properties of outputs that have a name: answers, files, errors.

    properties_test.py <folder of axiom and axiom-check> [unittest options]
"""

import json
import random
import signal
import struct
import subprocess
import sys
import time
import unittest
from fractions import Fraction
from pathlib import Path

import onnx_writer
from scratch import ScratchTest, own_temporary_folder

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"

setUpModule = own_temporary_folder


def npy(values, shape, kind="<f4"):
    """A .npy file of version 1."""
    code = {"<f4": "f", "<f8": "d", "<i8": "q", "|u1": "B"}[kind]
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({''.join(f'{n},' for n in shape)}), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() +
            struct.pack(f"<{len(values)}{code}", *values))


class PropertiesTest(ScratchTest):
    def axiom(self, code, *arguments):
        done = subprocess.run([AXIOM, *map(str, arguments)], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, f"axiom {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done

    def json(self, code, *arguments):
        done = self.axiom(code, *arguments, "--json")
        self.assertEqual(done.stdout.count("\n"), 1, "one object on one line")
        return json.loads(done.stdout)

    def refused(self, code, *arguments, words=()):
        done = self.axiom(code, "verify", *arguments)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def linear(self, name, weights, bias=None):
        """y = x W + b, so that every answer is known."""
        n, m = len(weights), len(weights[0])
        nodes = [onnx_writer.node("MatMul", ["x", "w"], "z"), onnx_writer.node("Add", ["z", "b"], "y")]
        tensors = [onnx_writer.tensor("w", [n, m], [v for row in weights for v in row]),
                   onnx_writer.tensor("b", [m], bias or [0] * m)]
        return self.file(name, onnx_writer.model(nodes, [onnx_writer.value("x", [1, n])],
                                                 [onnx_writer.value("y", [1, m])], tensors))


class Robust(PropertiesTest):
    def setUp(self):
        super().setUp()
        # The scores are the numbers themselves: the decision can change once eps is half their distance.
        self.net = self.linear("identity.onnx", [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
        self.inputs = self.file("inputs.npy", npy([0.75, 0.25, 0, 0.25, 0.5, 0, 0.125, 0, 1], [3, 3]))

    def test_one_line_an_input_and_a_summary(self):
        done = self.axiom(1, "verify", self.net, "--robust", self.inputs, "--eps", "0.2")
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r"^VERIFIED identity input 0 class 0 eps 0.2 \d+\.\d\d s \d+ lea(f|ves) float32 "
                                   r"cert sha256:[0-9a-f]{64} \(checked, then deleted\)$")
        self.assertRegex(lines[1], r"^VIOLATED identity input 1 class 1 eps 0.2 .* class 0 instead, margin ")
        self.assertRegex(lines[2], r"^VERIFIED identity input 2 class 2 ")
        self.assertEqual(lines[3], "3 inputs, eps 0.2: 2 verified, 1 violated, 0 unknown; certified 66.67 %")
        self.assertEqual(done.stderr, "")
        self.axiom(0, "verify", self.net, "--robust", self.inputs, "--eps", "0.12")

    def test_json_has_the_documented_members(self):
        labels = self.file("labels.json", "[0, 0, 2]")
        found = self.json(1, "verify", self.net, "--robust", self.inputs, "--eps", "0.2", "--labels", labels,
                          "--semantics", "both")
        self.assertEqual(found["schema"], "axiom.robust.v1")
        self.assertEqual(found["summary"], {"inputs": 3, "verified": 2, "violated": 1, "unknown": 0,
                                            "certified_accuracy": 2 / 3, "clean_accuracy": 2 / 3})
        self.assertTrue(found["complete"])
        self.assertEqual([(r["input"], r["class"], r["predicted"], r["label"], r["verdict"]) for r in found["rows"]],
                         [(0, 0, 0, 0, "verified"), (1, 0, 1, 0, "violated"), (2, 2, 2, 2, "verified")])
        for row in found["rows"]:
            self.assertEqual([r["semantics"] for r in row["results"]], ["float32", "real"])
            self.assertEqual(len(row["property"]["sha256"]), 64)
        witness = found["rows"][1]["results"][0]["witness"]
        self.assertGreaterEqual(witness["output"][1], witness["output"][0])

    def test_certificates_and_texts_are_kept_and_accepted(self):
        proofs = self.folder / "new" / "proofs"
        self.axiom(1, "verify", self.net, "--robust", self.inputs, "--eps", "0.2", "--certificate", proofs,
                   "--semantics", "both")
        self.assertEqual(sorted(p.name for p in proofs.iterdir()),
                         ["input_0000.axc", "input_0000.axc.real", "input_0000.vnnlib", "input_0001.vnnlib",
                          "input_0002.axc", "input_0002.axc.real", "input_0002.vnnlib"])
        for proof in proofs.glob("*.axc*"):
            text = proofs / (proof.name.split(".")[0] + ".vnnlib")
            self.axiom(0, "check", proof, "--model", self.net, "--property", text)
        self.axiom(1, "verify", self.net, proofs / "input_0001.vnnlib")
        # A certificate of an earlier run does not stay beside a text that it is not about.
        self.axiom(1, "verify", self.net, "--robust", self.inputs, "--eps", "0.4", "--certificate", proofs)
        self.assertEqual(sorted(p.name for p in proofs.glob("*.axc*")), ["input_0002.axc"])

    def test_numbers_are_in_the_units_of_the_inputs(self):
        # Bytes 0 .. 255, as (x - 127.5) / 51 for the network; half of the distance of two scores is 31 of 255.
        inputs = self.file("bytes.npy", npy([200, 138, 0], [3], "|u1"))
        for eps, code in [("30.99", 0), ("31", 1)]:
            self.axiom(code, "verify", self.net, "--robust", inputs, "--eps", eps, "--mean", "127.5", "--std", "51",
                       "--input-range", "0", "255")
        proofs = self.folder / "proofs"
        self.axiom(0, "verify", self.net, "--robust", inputs, "--eps", "30", "--mean", "-1,0,7.5", "--std", "3,5,7",
                   "--input-range", "0", "225", "--certificate", proofs)
        text = (proofs / "input_0000.vnnlib").read_text()
        for j, (pixel, mean, std) in enumerate([(200, -1, 3), (138, 0, 5), (0, Fraction("7.5"), 7)]):
            low, high = (Fraction(max(0, pixel - 30) - mean) / std, Fraction(min(225, pixel + 30) - mean) / std)
            found = [Fraction(text.split(f"(assert ({side} X_{j} ")[1].split(")")[0]) for side in (">=", "<=")]
            self.assertTrue(found[0] <= low and high <= found[1])
            self.assertTrue(low - found[0] < 1e-17 and found[1] - high < 1e-17)

    def test_the_range_cuts_the_box(self):
        inputs = self.file("edge.json", "[[0.5, 0, 0]]")
        self.axiom(1, "verify", self.net, "--robust", inputs, "--eps", "0.3", "--input-range", "0", "1")
        self.axiom(0, "verify", self.net, "--robust", inputs, "--eps", "0.3", "--input-range", "0", "0.5",
                   "--mean", "0,1,1")

    def test_the_largest_eps_is_found_by_bisection(self):
        proofs = self.folder / "proofs"
        found = self.json(0, "verify", self.net, "--robust", self.inputs, "--eps", "0.4", "--largest-eps",
                          "--certificate", proofs)
        for row, true_limit in zip(found["rows"], [0.25, 0.125, 0.4375]):
            if true_limit > 0.4:
                self.assertEqual((row["largest_verified_eps"], row["smallest_violated_eps"]), ("0.4", None))
                self.assertEqual(row["questions"], 1)
            else:
                verified, violated = float(row["largest_verified_eps"]), float(row["smallest_violated_eps"])
                self.assertTrue(verified < true_limit <= violated, row)
                self.assertLess(violated - verified, 0.4 / 1000)
                self.assertEqual(row["questions"], 11)
            self.assertEqual(row["eps"], row["largest_verified_eps"])
            stem = proofs / f"input_{row['input']:04}"
            self.assertIn(f"eps {row['eps']}\n", stem.with_suffix(".vnnlib").read_text())
            self.axiom(0, "check", stem.with_suffix(".axc"), "--model", self.net, "--property",
                       stem.with_suffix(".vnnlib"))
        self.assertEqual(list(proofs.glob("*.candidate*")), [])
        done = self.axiom(0, "verify", self.net, "--robust", self.inputs, "--eps", "0.4", "--largest-eps",
                          "--bisections", "3")
        self.assertIn("input 0 class 0 largest eps 0.2, 0.25 violated (4 asked)", done.stdout)
        self.assertIn("; largest eps from 0.1 to 0.4, median 0.2\n", done.stdout)

    def test_a_wrong_decision_is_violated_at_every_eps(self):
        labels = self.file("labels.npy", npy([1, 1, 2], [3], "<i8"))
        found = self.json(1, "verify", self.net, "--robust", self.inputs, "--eps", "0.1", "--labels", labels,
                          "--largest-eps")
        row = found["rows"][0]
        self.assertEqual((row["largest_verified_eps"], row["smallest_violated_eps"], row["questions"]), (None, "0", 1))
        self.assertEqual(found["summary"]["clean_accuracy"], 2 / 3)

    def test_inputs_come_in_every_shape_that_fits(self):
        for name, content in [("one.npy", npy([0.75, 0, 0], [3])), ("batch.npy", npy([0.75, 0, 0], [1, 1, 3], "<f8")),
                              ("one.json", "[0.75, 0, 0]"), ("named.json", '{"x": [[0.75, 0, 0]]}')]:
            found = self.json(0, "verify", self.net, "--robust", self.file(name, content), "--eps", "0.25")
            self.assertEqual(len(found["rows"]), 1, name)

    def test_what_does_not_fit_is_named(self):
        robust = (self.net, "--robust", self.inputs)
        ask = (*robust, "--eps", "0.1")
        for code, arguments, words in [
                (2, robust, ["--eps E"]),
                (2, (self.net, "--eps", "0.1"), ["belong to --robust FILE"]),
                (2, (*robust, "--eps", "much"), ["'much'"]),
                (2, (*robust, "--eps", "-1"), ["negative"]),
                (2, (*robust, "--eps", "0", "--largest-eps"), ["not above 0"]),
                (2, (*ask, "--property", "finite-output"), ["different questions"]),
                (2, (*ask, "--inputs", self.inputs), ["not to --robust"]),
                (2, (*ask, "--vnncomp", "x"), ["--json"]),
                (2, (*ask, "--mean", "0.1,red"), ["--mean", "'red'"]),
                (2, (*ask, "--input-range", "1", "0"), ["1 is above 0"]),
                (4, (*ask, "--mean", "1,2"), ["2 numbers", "[1, 3]"]),
                (4, (*ask, "--std", "0"), ["not above 0"]),
                (4, (*ask, "--input-range", "0.5", "1"), ["inputs.npy: input 0: number 1 is 0.25", "0.5 to 1"]),
                (4, (*ask, "--labels", self.file("two.json", "[1, 2]")), ["2 labels for 3 inputs"]),
                (4, (*ask, "--labels", self.file("out.json", "[1, 2, 3]")), ["label 2 is 3", "0 to 2"]),
                (4, (*ask, "--labels", self.file("half.npy", npy([1, 1.5, 2], [3]))), ["label 1 is 1.5"]),
                (4, (*ask, "--certificate", self.inputs), ["inputs.npy", "folder"]),
                (4, (self.net, "--robust", self.folder / "none.npy", "--eps", "1"), ["none.npy"]),
                (4, (self.net, "--robust", self.file("four.npy", npy([1, 2, 3, 4], [4])), "--eps", "1"), ["takes 3"]),
                (4, (self.net, "--robust", self.file("nan.npy", npy([1, float("nan"), 3], [3])), "--eps", "1"),
                 ["input 0: number 1 is not finite"]),
                (4, (self.linear("one.onnx", [[1]]), "--robust", self.file("x.json", "[1]"), "--eps", "1"),
                 ["two classes"])]:
            with self.subTest(arguments):
                self.refused(code, *arguments, words=words)

    def test_ctrl_c_leaves_the_answers_so_far(self):
        net = self.file("hard.onnx", onnx_writer.perceptron([30, 200, 200, 200, 3], random.Random(7)))
        source = random.Random(1)
        rows = [[source.uniform(-1, 1) for _ in range(30)] for _ in range(4)]
        inputs = self.file("many.json", json.dumps([rows[3]] * 10))
        process = subprocess.Popen([AXIOM, "verify", net, "--robust", inputs, "--eps", "0.05", "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
        found = json.loads(out)
        self.assertFalse(found["complete"])
        self.assertLess(found["summary"]["inputs"], 10)
        self.assertIn(f"stopped after {found['summary']['inputs']} of 10 inputs", errors)
        self.assertIn(process.returncode, (1, 3))


class Outputs(PropertiesTest):
    def setUp(self):
        super().setUp()
        # In [0, 1]^2: Y_0 in [-1, 2], Y_1 in [0.5, 1.5].
        self.net = self.linear("net.onnx", [[2, 0], [-1, 1]], [0, 0.5])
        self.unit = ("--input-range", "0", "1")

    def ask(self, code, names, *options):
        return self.json(code, "verify", self.net, "--property", names, *self.unit, *options)

    def test_outputs_lie_between_two_numbers(self):
        found = self.ask(0, "bounded-output", "--output-range", "-1.01", "2.01", "--semantics", "both")
        self.assertEqual(found["property"]["description"], "2 outputs between -1.01 and 2.01")
        found = self.ask(1, "bounded-output", "--output-range", "-1.01", "1.99")
        self.assertGreaterEqual(found["results"][0]["witness"]["output"][0], 1.99)
        self.ask(1, "bounded-output", "--output-range", "-0.99", "2.01")
        # The ends are unsafe.
        self.ask(1, "bounded-output", "--output-range", "-1.01", "2")

    def test_the_certificate_is_about_the_text(self):
        proof, text = self.folder / "p.axc", self.folder / "p.vnnlib"
        options = (*self.unit, "--output-range", "-3", "3")
        self.json(0, "verify", self.net, "--property", "bounded-output,finite-output", *options, "--certificate", proof)
        self.json(0, "property", "bounded-output,finite-output", self.net, *options, "-o", text)
        self.axiom(0, "check", proof, "--model", self.net, "--property", text)
        self.axiom(0, "verify", self.net, text)

    def test_finite_outputs_are_proved_and_overflow_is_not_excluded(self):
        for semantics in ("float32", "real"):
            found = self.ask(0, "finite-output", "--semantics", semantics)
            self.assertEqual(found["property"]["description"], "2 finite outputs")
        large = self.linear("large.onnx", [[3e38, 1], [3e38, 1]])
        found = self.json(3, "verify", large, "--property", "finite-output", *self.unit, "--timeout", "5")
        self.assertEqual(found["results"][0]["reason"], "overflow")
        # Overflow inside, where the output is 0 again.
        nodes = [onnx_writer.node("MatMul", ["x", "w"], "z"), onnx_writer.node("Relu", ["z"], "r"),
                 onnx_writer.node("MatMul", ["r", "v"], "y")]
        inside = self.file("inside.onnx", onnx_writer.model(
            nodes, [onnx_writer.value("x", [1, 2])], [onnx_writer.value("y", [1, 1])],
            [onnx_writer.tensor("w", [2, 1], [3e38, 3e38]), onnx_writer.tensor("v", [1, 1], [1e-30])]))
        found = self.json(3, "verify", inside, "--property", "finite-output", *self.unit, "--timeout", "5")
        self.assertEqual(found["results"][0]["reason"], "overflow")

    def test_all_of_needs_all_and_any_of_needs_one_at_each_input(self):
        both = "valid-probabilities,bounded-output"
        # Y_1 = 1 - Y_0 is a distribution where 0 <= Y_0 <= 1; bounded to [-0.6, 0.9] it is where Y_0 is below 0.9.
        self.net = self.linear("either.onnx", [[1, -1], [0, 0]], [0, 1])
        narrow, wide = ("--output-range", "0.25", "0.75"), ("--output-range", "-0.25", "1.25")
        self.ask(0, both, *wide)
        self.ask(1, both, *narrow)
        self.ask(0, both, *narrow, "--any-of")
        self.unit = ("--input-range", "-0.125", "1.125")
        self.ask(1, both, *wide)
        self.ask(1, both, *narrow, "--any-of")
        self.ask(0, both, *wide, "--any-of")
        found = self.ask(0, both, *wide, "--any-of")
        self.assertEqual(found["property"]["path"], both)
        self.assertIn("; or 2 outputs between", found["property"]["description"])

    def test_what_is_missing_or_makes_no_sense_is_named(self):
        ask = lambda names: (self.net, "--property", names, *self.unit)
        for arguments, words in [
                (ask("bounded-output"), ["--output-range LO HI"]),
                ((*ask("finite-output"), "--output-range", "0", "1"), ["takes no --output-range"]),
                ((*ask("bounded-output"), "--output-range", "1", "0"), ["1 is above 0"]),
                (ask("finite-output,finite-output"), ["named twice"]),
                (ask("finite-output,"), ["no property ''"]),
                (ask("finite-outputs"), ["did you mean 'finite-output'?"]),
                ((self.net, "--any-of"), ["PROPERTY is required"])]:
            with self.subTest(arguments):
                self.refused(2, *arguments, words=words)


if __name__ == "__main__":
    unittest.main()
