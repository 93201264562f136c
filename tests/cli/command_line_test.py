#!/usr/bin/env python3
"""The program as its users see it: exit codes, text, JSON, files, signals.

    command_line_test.py <folder of axiom and axiom-check> [unittest options]
"""

import csv
import gzip
import json
import math
import os
import pty
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
from pathlib import Path

import onnx_writer
from scratch import ScratchTest, own_temporary_folder

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
HELLO = EXAMPLES / "hello"
ADVISORY = EXAMPLES / "collision_avoidance"
COMMANDS = ["verify", "check", "theorem", "property", "sweep", "report", "attack", "bounds", "run", "inspect", "doctor"]
COLUMNS = ("family,onnx,vnnlib,expected,semantics,verdict,seconds,leaves,certificate_bytes,check_seconds,"
           "peak_mb,reason").split(",")
DIGEST = re.compile(r"[0-9a-f]{64}")
NET = HELLO / "distance.onnx"
HOLDS = HELLO / "less_than_1_5.vnnlib"
FAILS = HELLO / "less_than_0_9.vnnlib"

setUpModule = own_temporary_folder


def axiom(*arguments, env=None):
    return subprocess.run([AXIOM, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(env or {})})


class CommandLineTest(ScratchTest):
    def run_axiom(self, code, *arguments, env=None):
        """Runs axiom, which must end with this exit code."""
        done = axiom(*arguments, env=env)
        self.assertEqual(done.returncode, code, f"axiom {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done

    def run_json(self, code, schema, *arguments):
        done = self.run_axiom(code, *arguments, "--json")
        self.assertEqual(done.stdout.count("\n"), 1, "one object on one line")
        found = json.loads(done.stdout)
        self.assertEqual(found["schema"], schema)
        return found

    def assert_types(self, value, schema):
        """`schema`: a type, a tuple of types, [schema of the elements] or {member: schema}."""
        if isinstance(schema, dict):
            for name, member in schema.items():
                self.assertIn(name, value)
                self.assert_types(value[name], member)
        elif isinstance(schema, list):
            self.assertIsInstance(value, list)
            for element in value:
                self.assert_types(element, schema[0])
        else:
            self.assertIsInstance(value, schema)

    def assert_one_line_error(self, done, *words):
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in ("axiom", *words):
            self.assertIn(word, done.stderr)

    def hard_instance(self):
        """A network and a property that nobody decides within seconds."""
        net = self.file("hard.onnx", onnx_writer.perceptron([30, 200, 200, 200, 1], random.Random(7)))
        text = onnx_writer.box_property(30, 1, -1, 1, "(>= Y_0 20)")
        return net, self.file("hard.vnnlib", text)


class Help(CommandLineTest):
    def test_overview_lists_every_command_and_shows_examples_first(self):
        text = self.run_axiom(0, "--help").stdout
        self.assertLess(text.index("Examples:"), text.index("Commands:"))
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} +\w")

    def test_every_command_shows_examples_first_and_its_exit_codes(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.run_axiom(0, command, "--help").stdout
                self.assertLess(text.index("Examples:"), text.index("Usage:"))
                self.assertIn(f"  axiom {command}", text)
                self.assertIn("--json", text)
                self.assertIn("Exit codes:", text)
                self.assertEqual(self.run_axiom(0, "help", command).stdout, text)
                self.assertLessEqual(max(map(len, text.splitlines())), 110)

    def test_no_command_is_a_usage_error_that_shows_the_overview_on_stderr(self):
        done = self.run_axiom(2)
        self.assertEqual(done.stdout, "")
        self.assertIn("Commands:", done.stderr)

    def test_version_is_one_line(self):
        self.assertRegex(self.run_axiom(0, "--version").stdout, r"^axiom \d+\.\d+\.\d+\n$")

    def test_a_mistyped_command_is_answered_with_the_nearest_one(self):
        for typo, meant in [("verfy", "verify"), ("chekc", "check"), ("seep", "sweep"), ("dcotor", "doctor")]:
            self.assert_one_line_error(self.run_axiom(2, typo), f"did you mean '{meant}'?")
        self.assertNotIn("did you mean", self.run_axiom(2, "frobnicate").stderr)

    def test_a_mistyped_option_is_answered_with_the_nearest_one(self):
        for typo, meant in [("--timeot", "--timeout"), ("--sematics=real", "--semantics"), ("--certficate", "--cert")]:
            self.assert_one_line_error(self.run_axiom(2, "verify", NET, HOLDS, typo), f"did you mean '{meant}")

    def test_senseless_command_lines_are_usage_errors(self):
        for arguments in [("verify",), ("verify", NET), ("verify", NET, HOLDS, "extra"),
                          ("verify", NET, HOLDS, "--semantics", "float16"), ("verify", NET, HOLDS, "--timeout", "0"),
                          ("verify", NET, HOLDS, "--timeout", "soon"), ("verify", NET, HOLDS, "--threads", "-1"),
                          ("check", "proof"), ("run", NET), ("run", NET, "--input", "random", "--backend", "abacus"),
                          ("sweep", HELLO / "expected.csv", "--resume"),
                          ("sweep", HELLO / "expected.csv", "--filter", "nothing like it")]:
            with self.subTest(arguments):
                done = self.run_axiom(2, *arguments)
                self.assert_one_line_error(done)
                self.assertEqual(done.stdout, "")


class Verify(CommandLineTest):
    def test_a_property_that_holds_is_verified_with_one_line(self):
        done = self.run_axiom(0, "verify", NET, HOLDS)
        self.assertRegex(done.stdout, r"^VERIFIED distance less_than_1_5 \d+\.\d\d s \d+ lea(f|ves) float32 "
                                      r"cert sha256:[0-9a-f]{64} \(checked, then deleted\)\n$")
        self.assertEqual(done.stderr, "")

    def test_a_property_that_fails_is_violated_with_a_witness(self):
        done = self.run_axiom(1, "verify", NET, FAILS)
        self.assertRegex(done.stdout, r"^VIOLATED distance less_than_0_9 .* float32 witness: margin .* line 13, ")
        self.assertRegex(done.stdout, r"(?m)^  X = \S+ \S+$")
        self.assertRegex(done.stdout, r"(?m)^  Y = \S+$")

    def test_both_semantics_are_told_apart(self):
        edge = ADVISORY / "edge_of_decision.vnnlib"
        found = self.run_json(1, "axiom.verdict.v1", "verify", ADVISORY / "advisory.onnx", edge, "--semantics", "both")
        self.assertEqual([(r["semantics"], r["verdict"]) for r in found["results"]],
                         [("float32", "violated"), ("real", "verified")])
        self.assertEqual(found["verdict"], "violated")
        self.run_axiom(0, "verify", ADVISORY / "advisory.onnx", edge, "--semantics", "real")

    def test_what_fails_under_the_second_semantics_is_repaired(self):
        # Large float32 errors, and splits of inputs with slopes by rule: the tree of float32 does not prove `real`.
        net = self.file("far.onnx", onnx_writer.perceptron([4, 30, 30, 1], random.Random(1), centre=3000))
        question = self.file("far.vnnlib", onnx_writer.box_property(4, 1, 2999, 3001, "(>= Y_0 0.25)"))

        def accepted(certificate, semantics):
            done = subprocess.run([BIN / "axiom-check", certificate, "--model", net, "--property", question,
                                   "--semantics", semantics], capture_output=True, text=True, timeout=120)
            self.assertIn(done.returncode, (0, 5), done.stdout + done.stderr)
            return done.returncode == 0

        kept = []
        for threads in ("1", "3"):
            proof = self.folder / f"{threads}.cert"
            found = self.run_json(0, "axiom.verdict.v1", "verify", net, question, "--semantics", "both", "--threads",
                                  threads, "--certificate", proof)
            self.assertEqual([(r["semantics"], r["verdict"]) for r in found["results"]],
                             [("float32", "verified"), ("real", "verified")])
            self.assertTrue(accepted(proof, "float32"))
            self.assertTrue(accepted(f"{proof}.real", "real"))
            kept.append((proof.read_bytes(), Path(f"{proof}.real").read_bytes()))
        self.assertEqual(kept[0], kept[1])
        same_tree = self.file("same_tree.cert", kept[0][0][:8] + b"\0" + kept[0][0][9:])
        self.assertFalse(accepted(same_tree, "real"), "then nothing would have to be repaired")

    def test_json_has_the_documented_members(self):
        common = {"semantics": str, "verdict": str, "seconds": float, "search_seconds": float, "check_seconds": float,
                  "nodes": int, "leaves": int}
        report = {"axiom": str, "model": {"path": str, "sha256": str}, "property": {"path": str, "sha256": str},
                  "verdict": str, "load_seconds": float, "results": [common]}
        verified = self.run_json(0, "axiom.verdict.v1", "verify", NET, HOLDS)
        self.assert_types(verified, report)
        self.assert_types(verified["results"][0]["certificate"], {"sha256": str, "bytes": int})
        self.assertNotIn("path", verified["results"][0]["certificate"])
        violated = self.run_json(1, "axiom.verdict.v1", "verify", NET, FAILS)
        self.assert_types(violated, report)
        self.assert_types(violated["results"][0]["witness"],
                          {"input": [float], "output": [float], "disjunct": int, "constraint_line": int,
                           "margin": float, "robust": bool, "inside_exact_box": bool, "origin": str})
        for document in (verified["model"], verified["property"]):
            self.assertRegex(document["sha256"], DIGEST)

    def test_the_witness_replays(self):
        witness = self.run_json(1, "axiom.verdict.v1", "verify", NET, FAILS)["results"][0]["witness"]
        x = self.file("x.json", json.dumps(witness["input"]))
        outputs = self.run_json(0, "axiom.run.v1", "run", NET, "--input", x)["outputs"]
        self.assertEqual(outputs["distance"]["data"], witness["output"])
        self.assertGreaterEqual(witness["output"][0], 0.9)

    def test_a_model_without_certified_meaning_is_unknown_and_says_which_node(self):
        net = self.file("slice.onnx", onnx_writer.model(
            [onnx_writer.node("Slice", ["x"], "y", starts=[0], ends=[2])], [onnx_writer.value("x", [2])],
            [onnx_writer.value("y", [2])], opset=9))
        question = self.file("p.vnnlib", onnx_writer.box_property(2, 2, 0, 1, "(>= Y_0 2)"))
        found = self.run_json(3, "axiom.verdict.v1", "verify", net, question)["results"][0]
        self.assertEqual((found["verdict"], found["reason"]), ("unknown", "no-certified-meaning"))
        self.assertIn("Slice", found["explanation"])
        facts = self.run_json(0, "axiom.inspect.v1", "inspect", net)
        self.assertIsNone(facts["core"])
        self.assertEqual(len(facts["uncertified"]), 1)

    def test_time_that_runs_out_is_unknown_with_a_remedy(self):
        net, question = self.hard_instance()
        vnncomp = self.folder / "answer"
        start = time.monotonic()
        done = self.run_axiom(3, "verify", net, question, "--timeout", "1", "--vnncomp", vnncomp)
        self.assertLess(time.monotonic() - start, 10)
        self.assertRegex(done.stdout, r"^UNKNOWN hard hard .* float32 time: .*--timeout")
        self.assertEqual(vnncomp.read_text(), "timeout\n")

    def test_vnncomp_files_have_the_format_of_the_competition(self):
        answer = self.folder / "answer"
        self.run_axiom(0, "verify", NET, HOLDS, "--vnncomp", answer)
        self.assertEqual(answer.read_text(), "unsat\n")
        self.run_axiom(1, "verify", NET, FAILS, "--vnncomp", answer)
        number = r"-?[0-9.]+(e[+-]?\d+)?"
        self.assertRegex(answer.read_text(), rf"^sat\n\(\(X_0 {number}\)\n\(X_1 {number}\)\n\(Y_0 {number}\)\)\n$")
        self.run_axiom(4, "verify", self.file("broken.onnx", "no model"), HOLDS, "--vnncomp", answer)
        self.assertEqual(answer.read_text(), "error\n")

    def test_a_file_that_cannot_be_written_does_not_cost_the_verdict(self):
        done = self.run_axiom(4, "verify", NET, HOLDS, "--json", "--vnncomp", self.folder / "none" / "answer")
        self.assertEqual(json.loads(done.stdout)["verdict"], "verified")
        self.assert_one_line_error(done, "none/answer")

    def test_compressed_files_give_the_same_digests(self):
        net = self.file("distance.onnx.gz", gzip.compress(NET.read_bytes()))
        question = self.file("less_than_1_5.vnnlib.gz", gzip.compress(HOLDS.read_bytes()))
        plain = self.run_json(0, "axiom.verdict.v1", "verify", NET, HOLDS)
        packed = self.run_json(0, "axiom.verdict.v1", "verify", net, question)
        for part in ("model", "property"):
            self.assertEqual(plain[part]["sha256"], packed[part]["sha256"])
        self.assertEqual(plain["results"][0]["certificate"], packed["results"][0]["certificate"])

    def test_a_small_question_is_answered_in_a_twentieth_of_a_second(self):
        if os.environ.get("AXIOM_TEST_SANITIZED"):
            self.skipTest("sanitizers are slow")
        best = math.inf
        for _ in range(20):
            start = time.monotonic()
            self.run_axiom(0, "verify", NET, HOLDS)
            best = min(best, time.monotonic() - start)
        self.assertLess(best, 0.05)


class Library(CommandLineTest):
    """Properties that need no file, and Softmax."""

    def network(self, last, shape=(1, 4), **settings):
        """Two layers from x in R^3 to the given shape, then a node of type `last`, if any."""
        source = random.Random(11)
        numbers = lambda n: [source.gauss(0, 1) for _ in range(n)]
        nodes = [onnx_writer.node("MatMul", ["x", "v"], "h"), onnx_writer.node("Relu", ["h"], "r"),
                 onnx_writer.node("MatMul", ["r", "w"], "m"),
                 onnx_writer.node("Reshape", ["m", "s"], "y" if last is None else "z")]
        if last is not None:
            nodes.append(onnx_writer.node(last, ["z"], "y", **settings))
        target = onnx_writer.field(1, len(shape)) + onnx_writer.field(2, 7) + onnx_writer.field(8, "s")
        target += b"".join(onnx_writer.field(7, d) for d in shape)
        weights = [onnx_writer.tensor("v", [3, 5], numbers(15)),
                   onnx_writer.tensor("w", [5, math.prod(shape)], numbers(5 * math.prod(shape))), target]
        return self.file(f"{last}.onnx", onnx_writer.model(nodes, [onnx_writer.value("x", [1, 3])],
                                                           [onnx_writer.value("y", shape)], weights))

    def claim(self, code, net, *options):
        return self.run_json(code, "axiom.verdict.v1", "verify", net, "--property", "valid-probabilities", *options)

    def test_probabilities_of_a_softmax_are_proved_without_a_split(self):
        net, proof = self.network("Softmax"), self.folder / "proof.axc"
        found = self.claim(0, net, "--input-range", "-2", "3", "--semantics", "both", "--certificate", proof)
        self.assertEqual([(r["verdict"], r["leaves"], r["nodes"]) for r in found["results"]], [("verified", 6, 7)] * 2)
        self.assertEqual(found["property"]["path"], "valid-probabilities")
        self.assertEqual(found["property"]["description"], "4 outputs, 1 distribution, tolerance 0.0000015")
        text = self.folder / "p.vnnlib"
        written = self.run_json(0, "axiom.property.v1", "property", "valid-probabilities", net, "--input-range", "-2",
                                "3", "-o", text)
        self.assertEqual(written["sha256"], found["property"]["sha256"])
        for certificate in (proof, f"{proof}.real"):
            self.run_axiom(0, "check", certificate, "--model", net, "--property", text)
        other = self.run_axiom(0, "property", "valid-probabilities", net, "--input-range", "-2", "2.9").stdout
        self.run_axiom(5, "check", proof, "--model", net, "--property", self.file("other.vnnlib", other))

    def test_the_text_gives_the_answer_that_the_name_gives(self):
        net = self.network("Softmax")
        text = self.run_axiom(0, "property", "valid-probabilities", net, "--input-range", "0", "1").stdout
        self.assertEqual(text.count("(<= Y_"), 4)
        self.assertIn("(>= (+ Y_0 Y_1 Y_2 Y_3) 1.0000015)", text)
        self.assertIn("(<= (+ Y_0 Y_1 Y_2 Y_3) 0.9999985)", text)
        by_file = self.run_json(0, "axiom.verdict.v1", "verify", net, self.file("p.vnnlib", text))
        by_name = self.claim(0, net, "--input-range", "0", "1")
        self.assertEqual(by_file["results"][0]["certificate"], by_name["results"][0]["certificate"])

    def test_scores_that_no_softmax_made_are_violated_with_a_witness(self):
        for last in (None, "Sigmoid"):
            net = self.network(last)
            found = self.claim(1, net, "--input-range", "0", "1", "--semantics", "both")
            self.assertEqual([r["verdict"] for r in found["results"]], ["violated"] * 2)
        done = self.run_axiom(1, "verify", net, "--property", "valid-probabilities", "--input-range", "0", "1")
        self.assertRegex(done.stdout, r"(?m)^VIOLATED Sigmoid valid-probabilities .* witness: ")
        self.assertRegex(done.stdout, r"(?m)^  valid-probabilities: 4 outputs, 1 distribution, tolerance 0.0000015$")

    def test_one_sigmoid_is_a_probability(self):
        self.claim(0, self.network("Sigmoid", (1, 1)), "--input-range", "-1", "1")

    def test_distributions_are_the_groups_of_the_softmax(self):
        for settings, groups in [({}, 2), ({"axis": 1}, 3), ({"axis": 0}, 6)]:
            net = self.network("Softmax", (1, 2, 3), **settings)
            found = self.claim(0, net, "--input-range", "0", "1")
            text = self.run_axiom(0, "property", "valid-probabilities", net, "--input-range", "0", "1").stdout
            self.assertEqual(text.count("(>= (+ ") or text.count("(>= Y_"), groups, settings)
            self.assertEqual(found["results"][0]["leaves"], text.count("(and "))

    def test_a_tolerance_below_the_rounding_errors_fails_for_floats(self):
        net = self.network("Softmax")
        self.claim(1, net, "--input-range", "0", "1", "--tolerance", "1e-8")
        self.claim(0, net, "--input-range", "0", "1", "--tolerance", "1e-8", "--semantics", "real")
        self.claim(0, net, "--input-range", "0", "1", "--tolerance", "0.25")

    def test_boxes_are_taken_from_a_property(self):
        net = self.network("Softmax")
        sides = "".join(f"(assert (>= X_{j} 0.{j}))(assert (<= X_{j} 1.{j}))" for j in range(3))
        names = "".join(f"(declare-const X_{j} Real)" for j in range(3)) + "(declare-const Y_0 Real)"
        box = self.file("box.vnnlib", names + sides)
        text = self.run_axiom(0, "property", "valid-probabilities", net, "--inputs", box).stdout
        self.assertIn("(assert (>= X_2 0.2))\n(assert (<= X_2 1.2))\n", text)
        self.claim(0, net, "--inputs", box)
        two = self.file("two.vnnlib", names + sides + "(assert (or (<= X_0 0.25) (>= X_0 0.75)))")
        text = self.run_axiom(0, "property", "valid-probabilities", net, "--inputs", two).stdout
        self.assertEqual((text.count("(>= X_0 0)"), text.count("(>= X_0 0.75)")), (1, 1))
        self.claim(0, net, "--inputs", two)
        self.claim(1, self.network("Sigmoid"), "--inputs", two)
        none = self.file("none.vnnlib", names + sides + "(assert (<= 1 0))")
        for boxes, words in [(none, "no box"), (HOLDS, "2 inputs, the model 3")]:
            done = self.run_axiom(4, "property", "valid-probabilities", net, "--inputs", boxes)
            self.assert_one_line_error(done, words)

    def test_what_is_missing_or_makes_no_sense_is_named(self):
        net = self.network("Softmax")
        for words, options in [
                (("--input-range LO HI", "--inputs FILE"), ()),
                (("one of", "--inputs"), ("--input-range", "0", "1", "--inputs", HOLDS)),
                (("'low'", "--input-range"), ("--input-range", "low", "1")),
                (("2 is above 1",), ("--input-range", "2", "1")),
                (("'much'",), ("--input-range", "0", "1", "--tolerance", "much"))]:
            for command in [("verify", net, "--property", "valid-probabilities"),
                            ("property", "valid-probabilities", net)]:
                self.assert_one_line_error(self.run_axiom(2, *command, *options), *words)
        for tolerance in ("0", "-1", "1"):
            done = self.run_axiom(4, "property", "valid-probabilities", net, "--input-range", "0", "1", "--tolerance",
                                  tolerance)
            self.assert_one_line_error(done, "not between 0 and 1")
        self.assert_one_line_error(self.run_axiom(2, "property", "valid-probability", net), "did you mean")
        self.assert_one_line_error(self.run_axiom(2, "verify", net), "PROPERTY is required", "--property NAME")
        self.assert_one_line_error(self.run_axiom(2, "verify", NET, HOLDS, "--tolerance", "1"), "belong to --property")
        self.assert_one_line_error(self.run_axiom(2, "verify", NET, HOLDS, "--property", "valid-probabilities"),
                                   "two questions")
        self.assertEqual(list(Path(tempfile.gettempdir()).glob("axiom-*.plain")), [])

    def test_a_network_without_certified_meaning_is_unknown(self):
        found = self.claim(3, self.network("GlobalAveragePool", (1, 4, 1, 1)), "--input-range", "0", "1")
        self.assertEqual(found["results"][0]["reason"], "no-certified-meaning")

    def test_what_a_softmax_does_not_say_is_unknown_and_says_so(self):
        question = self.file("q.vnnlib", onnx_writer.box_property(3, 4, 0, 1, "(>= Y_0 0.9999)"))
        found = self.run_json(3, "axiom.verdict.v1", "verify", self.network("Softmax"), question, "--timeout", "0.5")
        self.assertEqual(found["results"][0]["reason"], "time")
        self.assertIn("of a Softmax only signs and sums are proved", found["results"][0]["explanation"])

    def test_logits_that_may_overflow_prove_nothing(self):
        found = self.claim(3, self.network("Softmax"), "--input-range", "-3e38", "3e38", "--timeout", "2")
        self.assertEqual(found["results"][0]["reason"], "overflow")

    def test_a_softmax_is_refuted_through_its_gradient(self):
        net = self.network("Softmax")
        question = self.file("q.vnnlib", onnx_writer.box_property(3, 4, 0, 1, "(>= (- Y_2 Y_0) -0.05)"))
        found = self.run_json(1, "axiom.verdict.v1", "verify", net, question, "--semantics", "both")
        self.assertEqual([r["verdict"] for r in found["results"]], ["violated"] * 2)


class Check(CommandLineTest):
    def certificate(self):
        path = self.folder / "proof.axc"
        done = self.run_axiom(0, "verify", NET, HOLDS, "--certificate", path)
        self.assertIn(f" in {path}\n", done.stdout)
        return path

    def check(self, code, certificate, net=NET, question=HOLDS):
        return self.run_json(code, "axiom.check.v1", "check", certificate, "--model", net, "--property", question)

    def test_a_kept_certificate_is_accepted_compressed_or_not(self):
        proof = self.certificate()
        found = self.check(0, proof)
        self.assert_types(found, {"accepted": bool, "message": str, "seconds": float, "exit_code": int})
        self.assertTrue(found["accepted"])
        packed = self.file("proof.axc.gz", gzip.compress(proof.read_bytes()))
        net = self.file("n.onnx.gz", gzip.compress(NET.read_bytes()))
        question = self.file("p.vnnlib.gz", gzip.compress(HOLDS.read_bytes()))
        self.assertTrue(self.check(0, packed, net, question)["accepted"])
        self.assertEqual(list(Path(tempfile.gettempdir()).glob("axiom-*.plain")), [])

    def test_both_semantics_leave_two_certificates(self):
        path = self.folder / "proof.axc"
        self.run_axiom(0, "verify", NET, HOLDS, "--certificate", path, "--semantics", "both")
        for proof in (path, Path(f"{path}.real")):
            self.assertTrue(self.check(0, proof)["accepted"])

    def test_a_certificate_for_another_property_or_a_damaged_one_is_rejected(self):
        proof = self.certificate()
        self.assertFalse(self.check(5, proof, question=FAILS)["accepted"])
        damaged = bytearray(proof.read_bytes())
        damaged[20] ^= 1  # inside the digest of the model
        self.assertFalse(self.check(5, self.file("damaged.axc", bytes(damaged)))["accepted"])
        self.assertFalse(self.check(5, self.file("short.axc", proof.read_bytes()[:-1]))["accepted"])

    def test_a_missing_file_is_rejected_input(self):
        proof = self.certificate()
        self.run_axiom(4, "check", self.folder / "none.axc", "--model", NET, "--property", HOLDS)
        self.run_axiom(4, "check", proof, "--model", self.folder / "none.onnx", "--property", HOLDS)

    def test_inspect_shows_what_the_certificate_states(self):
        proof = self.certificate()
        facts = self.run_json(0, "axiom.inspect.v1", "inspect", proof)
        verdict = self.run_json(0, "axiom.verdict.v1", "verify", NET, HOLDS)
        self.assertEqual(facts["kind"], "certificate")
        self.assertEqual(facts["model_sha256"], verdict["model"]["sha256"])
        self.assertEqual(facts["property_sha256"], verdict["property"]["sha256"])
        self.assertEqual((facts["semantics"], facts["inputs"], facts["outputs"], facts["disjuncts"]),
                         ("float32", 2, 1, 1))
        self.assertEqual(facts["header_bytes"] + facts["tree_bytes"], proof.stat().st_size)
        self.assertIn("model_sha256", self.run_axiom(0, "inspect", proof).stdout)
        self.run_axiom(4, "inspect", self.file("cut.axc", proof.read_bytes()[:40]))


class Malformed(CommandLineTest):
    def test_malformed_inputs_are_rejected_with_one_line(self):
        net = NET.read_bytes()
        nets = {"empty": b"", "text": b"not a model", "cut": net[:-20], "gzip cut": gzip.compress(net)[:-9]}
        for name, content in nets.items():
            with self.subTest(name):
                path = self.file(f"{name}.onnx", content)
                for arguments in [("verify", path, HOLDS), ("inspect", path), ("run", path, "--input", "random"),
                                  ("bounds", path, HOLDS), ("attack", path, HOLDS)]:
                    self.assert_one_line_error(self.run_axiom(4, *arguments), arguments[0])
        properties = {"empty": "", "undeclared": "(assert (>= X_0 0))", "open": "(declare-const X_0 Real",
                      "unbounded": "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (>= Y_0 1))"}
        for name, content in properties.items():
            with self.subTest(name):
                self.assert_one_line_error(self.run_axiom(4, "verify", NET, self.file(f"{name}.vnnlib", content)))

    def test_a_missing_file_and_a_folder_are_named(self):
        missing = self.folder / "none.onnx"
        self.assert_one_line_error(self.run_axiom(4, "verify", missing, HOLDS), str(missing))
        self.assert_one_line_error(self.run_axiom(4, "inspect", self.folder), str(self.folder))

    def test_json_reports_the_error_too(self):
        found = self.run_json(4, "axiom.error.v1", "verify", self.file("x.onnx", "no model"), HOLDS)
        self.assertEqual((found["kind"], found["exit_code"]), ("invalid-input", 4))
        self.assertEqual(self.run_json(2, "axiom.error.v1", "verify")["kind"], "usage")

    def test_a_property_for_another_network_is_rejected(self):
        self.assert_one_line_error(self.run_axiom(4, "verify", ADVISORY / "advisory.onnx", HOLDS))


class Run(CommandLineTest):
    def test_json_and_npy_inputs_agree_and_expect_compares(self):
        x = self.file("x.json", "[[0.25, 0.75]]")
        y = self.folder / "y.npy"
        found = self.run_json(0, "axiom.run.v1", "run", NET, "--input", x, "--output", y)
        self.assertEqual(found["outputs"], {"distance": {"dtype": "float32", "shape": [1, 1], "data": [0.5]}})
        self.run_axiom(0, "run", NET, "--input", x, "--expect", y)
        other = self.file("other.json", '{"point": [0, 0.75]}')
        self.assert_one_line_error(self.run_axiom(1, "run", NET, "--input", other, "--expect", y), "0.75", "0.5")
        self.run_axiom(0, "run", NET, "--input", other, "--expect", f"distance={y}", "--atol", "0.5")

    def test_random_inputs_depend_on_the_seed_alone(self):
        first = self.run_json(0, "axiom.run.v1", "run", NET, "--input", "random", "--seed", "7")
        again = self.run_json(0, "axiom.run.v1", "run", NET, "--input", "random", "--seed", "7")
        other = self.run_json(0, "axiom.run.v1", "run", NET, "--input", "random", "--seed", "8")
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        (a, b), (c,) = first["inputs"]["point"]["data"], first["outputs"]["distance"]["data"]
        self.assertAlmostEqual(abs(a - b), c, places=6)

    def test_every_backend_gives_the_same_answer(self):
        names = [b["name"] for b in self.run_json(0, "axiom.doctor.v1", "doctor")["backends"]]
        self.assertIn("reference", names)
        answers = [self.run_json(0, "axiom.run.v1", "run", NET, "--input", "random", "--backend", n)["outputs"]
                   for n in names]
        self.assertTrue(all(a == answers[0] for a in answers))

    def test_several_inputs_are_named_and_numbers_beyond_json_are_strings(self):
        net = self.file("sub.onnx", onnx_writer.model(
            [onnx_writer.node("Sub", ["a", "b"], "y")],
            [onnx_writer.value("a", [3]), onnx_writer.value("b", [3])], [onnx_writer.value("y", [3])]))
        big = self.file("big.json", '[3e38, -3e38, 1]')
        small = self.file("small.json", '[-3e38, 3e38, 1]')
        found = self.run_json(0, "axiom.run.v1", "run", net, "--input", f"a={big}", "--input", f"b={small}")
        self.assertEqual(found["outputs"]["y"]["data"], ["Infinity", "-Infinity", 0.0])
        together = self.file("both.json", '{"a": [1, 2, 3], "b": [1, 1, 1]}')
        found = self.run_json(0, "axiom.run.v1", "run", net, "--input", together)
        self.assertEqual(found["outputs"]["y"]["data"], [0.0, 1.0, 2.0])
        self.assert_one_line_error(self.run_axiom(2, "run", net, "--input", f"a={big}"), "--input b=FILE")

    def test_a_tensor_of_another_shape_is_refused(self):
        self.assert_one_line_error(self.run_axiom(4, "run", NET, "--input", self.file("x.json", "[1, 2, 3]")), "shape")


class BoundsAndAttack(CommandLineTest):
    def test_bounds_contain_what_the_network_computes(self):
        bounds = self.run_json(0, "axiom.bounds.v1", "bounds", NET, HOLDS, "--layers")
        self.assert_types(bounds, {"semantics": str, "output": {"lower": [float], "upper": [float]},
                                   "layers": [{"name": str, "lower": [float], "upper": [float]}]})
        x = self.file("x.json", "[0, 1]")
        (y,) = self.run_json(0, "axiom.run.v1", "run", NET, "--input", x)["outputs"]["distance"]["data"]
        self.assertLessEqual(bounds["output"]["lower"][0], 0)
        self.assertGreaterEqual(bounds["output"]["upper"][0], y)
        self.assertNotIn("layers", self.run_json(0, "axiom.bounds.v1", "bounds", NET, HOLDS))
        self.assertRegex(self.run_axiom(0, "bounds", NET, HOLDS).stdout, r"(?m)^Y_0 in \[\S+, \S+\]$")

    def test_attack_finds_a_violation_or_says_that_it_found_none(self):
        found = self.run_json(1, "axiom.attack.v1", "attack", NET, FAILS)
        self.assertTrue(found["found"])
        self.assertGreaterEqual(found["witness"]["output"][0], 0.9)
        none = self.run_json(3, "axiom.attack.v1", "attack", NET, HOLDS, "--timeout", "0.5")
        self.assertFalse(none["found"])
        self.assertTrue(self.run_axiom(1, "attack", NET, FAILS).stdout.startswith("VIOLATED "))
        self.assertTrue(self.run_axiom(3, "attack", NET, HOLDS, "--timeout", "0.5").stdout.startswith("UNKNOWN "))


class Inspect(CommandLineTest):
    def test_a_model_is_described(self):
        facts = self.run_json(0, "axiom.inspect.v1", "inspect", ADVISORY / "advisory.onnx")
        self.assertEqual(facts["kind"], "model")
        self.assertEqual(facts["inputs"], [{"name": "encounter", "dtype": "float32", "shape": [1, 4]}])
        self.assertEqual(facts["parameters"], 675)
        self.assertEqual(facts["operators"], {"Gemm": 4, "Relu": 3})
        self.assertEqual(facts["core"]["elements"], 103)
        self.assertEqual(facts["uncertified"], [])
        self.assertIn("675", self.run_axiom(0, "inspect", ADVISORY / "advisory.onnx").stdout)


class Doctor(CommandLineTest):
    def test_it_finds_the_checker_and_names_the_arithmetic_of_backends(self):
        facts = self.run_json(0, "axiom.doctor.v1", "doctor")
        self.assertTrue(facts["checker"]["found"])
        self.assert_types(facts["backends"], [{"name": str, "device": str, "arithmetic": {
            "unit_roundoff": float, "accumulator_bits": int, "flushes_subnormals": bool, "covered": bool}}])
        self.assertIn("backend ", self.run_axiom(0, "doctor").stdout)


class Sweep(CommandLineTest):
    def rows(self, path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))

    def family(self, name, lines, header="onnx,vnnlib,timeout_s,expected"):
        """A folder with the hello network and this instances.csv."""
        for source in (NET, HOLDS, FAILS):
            self.file(f"{name}/{source.name}", source.read_bytes())
        return self.file(f"{name}/instances.csv", "\n".join([header, *lines, ""]))

    def test_rows_have_exactly_the_documented_columns(self):
        out = self.folder / "out.csv"
        done = self.run_axiom(0, "sweep", HELLO / "expected.csv", "--csv", out, "--semantics", "both")
        with open(out) as file:
            self.assertEqual(file.readline().strip().split(","), COLUMNS)
        rows = self.rows(out)
        self.assertEqual([(r["family"], r["vnnlib"], r["semantics"], r["verdict"], r["expected"]) for r in rows],
                         [("hello", "less_than_1_5.vnnlib", "float32", "verified", "verified"),
                          ("hello", "less_than_1_5.vnnlib", "real", "verified", "verified"),
                          ("hello", "less_than_0_9.vnnlib", "float32", "violated", "violated"),
                          ("hello", "less_than_0_9.vnnlib", "real", "violated", "violated")])
        for row in rows:
            self.assertGreater(float(row["peak_mb"]), 1)
            self.assertGreater(float(row["seconds"]), 0)
        self.assertGreater(int(rows[0]["certificate_bytes"]), 50)
        self.assertRegex(done.stdout, r"(?m)^hello +float32 +2/2 +1 +1 +0 +0 +0 ")

    def test_the_expected_answers_of_both_semantics_may_differ(self):
        summary = self.run_json(0, "axiom.sweep.v1", "sweep", ADVISORY / "expected.csv", "--semantics", "both")
        self.assertTrue(summary["complete"])
        self.assertEqual([r["wrong"] for r in summary["summary"]], [0, 0])
        self.assertEqual(len(summary["rows"]), 8)
        self.assert_types(summary["rows"], [{c: (str, int, float) for c in COLUMNS}])

    def test_a_folder_of_families_is_swept_with_filter_and_limit(self):
        self.family("b", ["distance.onnx,less_than_1_5.vnnlib,10,unsat", "distance.onnx,less_than_0_9.vnnlib,10,sat"])
        self.family("a", ["distance.onnx,less_than_1_5.vnnlib,10"], header="onnx,vnnlib,timeout_s")
        out = self.folder / "out.csv"
        self.run_axiom(0, "sweep", self.folder, "--csv", out, "--jobs", "2")
        self.assertEqual(sorted(r["family"] for r in self.rows(out)), ["a", "b", "b"])
        self.run_axiom(0, "sweep", self.folder, "--csv", out, "--limit", "1")
        self.assertEqual([r["family"] for r in self.rows(out)], ["a", "b"])
        self.assertEqual(self.rows(out)[0]["expected"], "open")
        self.run_axiom(0, "sweep", self.folder / "b", "--csv", out, "--filter", "less_than_0_9")
        self.assertEqual([r["verdict"] for r in self.rows(out)], ["violated"])

    def test_a_contradiction_fails_the_sweep_and_is_announced(self):
        path = self.family("wrong", ["distance.onnx,less_than_1_5.vnnlib,10,sat"])
        junit = self.folder / "junit.xml"
        done = self.run_axiom(1, "sweep", path, "--junit", junit)
        self.assertIn("verified, but expected violated", done.stderr)
        suite = xml.etree.ElementTree.parse(junit).getroot().find("testsuite")
        self.assertEqual((suite.get("name"), suite.get("tests"), suite.get("failures")), ("wrong", "1", "1"))
        self.assertIsNotNone(suite.find("testcase/failure"))

    def test_an_instance_that_cannot_be_run_costs_one_row(self):
        path = self.family("broken", ["broken.onnx,less_than_1_5.vnnlib,10,unsat", "none.onnx,none.vnnlib,10,unsat",
                                      "distance.onnx,less_than_1_5.vnnlib,10,unsat"])
        self.file("broken/broken.onnx", "no model")
        out, junit = self.folder / "out.csv", self.folder / "junit.xml"
        self.run_axiom(4, "sweep", path, "--csv", out, "--junit", junit)
        self.assertEqual([r["verdict"] for r in self.rows(out)], ["error", "error", "verified"])
        self.assertTrue(all(r["reason"] for r in self.rows(out)[:2]))
        self.assertEqual(xml.etree.ElementTree.parse(junit).getroot().find("testsuite").get("errors"), "2")

    def test_unknown_passes_unless_strict(self):
        net, question = self.hard_instance()
        path = self.file("instances.csv", f"onnx,vnnlib,timeout_s,expected\n{net.name},{question.name},100,open\n")
        out = self.folder / "out.csv"
        self.run_axiom(0, "sweep", path, "--timeout", "0.5", "--csv", out)
        (row,) = self.rows(out)
        self.assertEqual(row["verdict"], "unknown")
        self.assertTrue(row["reason"].startswith("time: "))
        self.run_axiom(3, "sweep", path, "--timeout", "0.5", "--strict")

    def test_resume_runs_only_what_is_missing_and_drops_a_torn_row(self):
        path = self.family("again", ["distance.onnx,less_than_1_5.vnnlib,10,unsat",
                                     "distance.onnx,less_than_0_9.vnnlib,10,sat"])
        out = self.folder / "out.csv"
        self.run_axiom(0, "sweep", path, "--csv", out, "--limit", "1")
        seconds = self.rows(out)[0]["seconds"]
        out.write_text(out.read_text().replace(seconds, "77.000000", 1) + "again,distance.onnx,less_than_0")
        done = self.run_axiom(0, "sweep", path, "--csv", out, "--resume")
        rows = self.rows(out)
        self.assertEqual([r["verdict"] for r in rows], ["verified", "violated"])
        self.assertEqual(rows[0]["seconds"], "77.000000")
        self.assertRegex(done.stdout, r"(?m)^again +float32 +2/2 ")
        self.run_axiom(4, "sweep", path, "--csv", self.file("foreign.csv", "a,b\n1,2\n"), "--resume")

    def test_lists_that_make_no_sense_are_rejected_with_their_row(self):
        self.assert_one_line_error(self.run_axiom(4, "sweep", self.folder), "instances.csv")
        self.assert_one_line_error(self.run_axiom(4, "sweep", self.family("x", ["a.onnx,b.vnnlib,soon,sat"])), "row 2")
        self.assert_one_line_error(self.run_axiom(4, "sweep", self.family("x", ["a.onnx"])), "row 2")
        self.assert_one_line_error(self.run_axiom(4, "sweep", self.folder / "none.csv"), "none.csv")


class Interruption(CommandLineTest):
    def start(self, *arguments):
        process = subprocess.Popen([AXIOM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        time.sleep(1)
        return process

    def test_once_stops_and_reports(self):
        process = self.start("verify", *self.hard_instance(), "--timeout", "60", "--json")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3)
        self.assertEqual(json.loads(output)["results"][0]["reason"], "interrupted")
        self.assertIn("stopping", errors)

    def test_a_sweep_stops_cleanly_and_can_be_resumed(self):
        net, question = self.hard_instance()
        self.file("distance.onnx", NET.read_bytes())
        self.file("easy.vnnlib", HOLDS.read_bytes())
        path = self.file("instances.csv", "onnx,vnnlib,timeout_s,expected\ndistance.onnx,easy.vnnlib,10,unsat\n"
                                          f"{net.name},{question.name},60,open\n")
        out = self.folder / "out.csv"
        process = self.start("sweep", path, "--csv", out)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self.assertEqual(len(children), 1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3)
        self.assertIn("--resume", errors)
        self.assertRegex(output, r"(?m)^\S+ +float32 +1/1 ")
        self.assertFalse(Path(f"/proc/{children[0]}").exists())
        self.assertEqual(len(out.read_text().splitlines()), 2)
        self.run_axiom(0, "sweep", path, "--csv", out, "--resume", "--timeout", "1")
        self.assertEqual(len(out.read_text().splitlines()), 3)

    def test_the_children_of_a_killed_sweep_die_with_it(self):
        net, question = self.hard_instance()
        path = self.file("instances.csv", f"onnx,vnnlib,timeout_s,expected\n{net.name},{question.name},60,open\n")
        process = self.start("sweep", path)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.communicate(timeout=20)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                break
            time.sleep(0.05)
        else:
            self.assertLess(time.monotonic(), deadline, "the child still runs")


class Terminal(CommandLineTest):
    def on_terminal(self, *arguments, env=None):
        """What axiom writes when stdout and stderr are a terminal."""
        main, other = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        environment.update({"TERM": "xterm", **(env or {})})
        process = subprocess.Popen([AXIOM, *map(str, arguments)], stdin=other, stdout=other, stderr=other,
                                   env=environment)
        os.close(other)
        text = b""
        while True:
            try:
                block = os.read(main, 4096)
            except OSError:
                break
            if not block:
                break
            text += block
        os.close(main)
        process.wait()
        return text.decode()

    def test_colour_appears_on_terminals_only_and_not_with_no_color(self):
        self.assertIn("\x1b[32mVERIFIED", self.on_terminal("verify", NET, HOLDS))
        self.assertNotIn("\x1b[32m", self.on_terminal("verify", NET, HOLDS, env={"NO_COLOR": "1"}))
        self.assertNotIn("\x1b", self.run_axiom(0, "verify", NET, HOLDS).stdout)

    def test_progress_appears_on_terminals_only(self):
        net, question = self.hard_instance()
        self.assertIn("verify: ", self.on_terminal("verify", net, question, "--timeout", "8"))
        self.assertEqual(self.run_axiom(3, "verify", net, question, "--timeout", "1").stderr, "")


class Output(CommandLineTest):
    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([AXIOM, "inspect", NET], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 4)
        self.assertIn("No space left", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
