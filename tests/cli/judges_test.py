#!/usr/bin/env python3
"""The three judges of axiom check: each decides by itself, and none accepts what was changed.

    judges_test.py <folder of axiom, axiom-check and axiom-check-coq> [unittest options]

Tests that need Coq are skipped, by name, where coqc, the compiled library proofs/ or axiom-check-coq is not there.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import onnx_writer
from scratch import ScratchTest, own_temporary_folder

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"
EXTRACTED = BIN / "axiom-check-coq"
ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = ROOT / "proofs"
CORPUS = ROOT / "tests/certificates"
JUDGES = ["checker", "coq-extracted", "coq-kernel"]
COQC = shutil.which("coqc")
HAS_JUDGES = COQC is not None and (LIBRARY / "CheckSound.vo").exists() and EXTRACTED.exists()
DIGESTS = {"model": slice(9, 41), "property": slice(41, 73)}  # of a certificate's header, after "AXCERT01" and semantics

setUpModule = own_temporary_folder


class JudgesTest(ScratchTest):
    def setUp(self):
        super().setUp()
        self.model = CORPUS / "relu/model.onnx"
        self.property = CORPUS / "relu/property.vnnlib"
        self.certificate = CORPUS / "relu/accepted/one_sweep.axc"

    def run_axiom(self, code, *arguments, env=None):
        done = subprocess.run([AXIOM, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, code, f"axiom {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done

    def ask(self, code, *options, judges=JUDGES, env=None):
        return self.run_axiom(code, "check", self.certificate, "--model", self.model, "--property", self.property,
                              "--judges", ",".join(judges), "--library", LIBRARY, *options, env=env)

    def answers(self, code, *options, judges=JUDGES, env=None):
        found = json.loads(self.ask(code, "--json", *options, judges=judges, env=env).stdout)
        self.assertEqual(found["schema"], "axiom.check.v1")
        self.assertEqual((found["accepted"], found["exit_code"]), (code == 0, code))
        self.assertEqual([j["judge"] for j in found["judges"]], list(judges))
        return found["judges"]

    def all_answer(self, answer, code):
        judges = self.answers(code)
        self.assertEqual([(j["judge"], j["answer"], j["exit_code"]) for j in judges],
                         [(name, answer, code) for name in JUDGES], [j["message"] for j in judges])
        return {j["judge"]: j["message"] for j in judges}

    def all_reject(self):
        return self.all_answer("rejected", 5)

    def kernel_rejects_the_tree(self):
        """All reject, and what rejects in coq-kernel is Coq's evaluation of the checker."""
        self.assertIn("check_certificate", self.all_reject()["coq-kernel"])

    def fit_header(self):
        """Makes the certificate say that it is about the model and the property at hand."""
        data = bytearray(self.certificate.read_bytes())
        for what, place in DIGESTS.items():
            data[place] = hashlib.sha256(getattr(self, what).read_bytes()).digest()
        self.certificate = self.file("fitted.axc", bytes(data))

    def change_tree(self, tree_bytes, change):
        data = self.certificate.read_bytes()
        self.assertEqual(data[-tree_bytes - 1], tree_bytes)
        tree = change(data[-tree_bytes:])
        self.certificate = self.file("changed.axc", data[:-tree_bytes - 1] + bytes([len(tree)]) + tree)


class WithoutCoq(JudgesTest):
    @unittest.skipUnless(os.environ.get("CI") == "true", "a judge may be missing outside of CI")
    def test_all_judges_are_here(self):
        self.assertTrue(HAS_JUDGES, "needs coqc, the compiled library (make -C proofs) and axiom-check-coq")

    def test_the_checker_is_the_judge_that_needs_no_name(self):
        done = self.run_axiom(0, "check", self.certificate, "--model", self.model, "--property", self.property)
        self.assertRegex(done.stdout, r"^ACCEPTED float32 1 leaves \S+ s\n$")
        self.assertRegex(self.ask(0, judges=["checker"]).stdout, r"^checker        ACCEPTED float32 1 leaves \S+ s\n$")

    def test_a_name_that_no_judge_has_is_a_usage_error(self):
        for judges in (["cheker"], ["checker", ""], ["checker", "checker"], [",checker"]):
            with self.subTest(judges):
                self.assertIn("--judges", self.ask(2, judges=judges).stderr)

    def test_a_missing_judge_is_an_error_and_never_skipped(self):
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("axiom", "axiom-check"):
            shutil.copy2(BIN / name, tools)
        done = subprocess.run([tools / "axiom", "check", self.certificate, "--model", self.model, "--property",
                               self.property, "--judges", ",".join(JUDGES)], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "PATH": str(self.folder)})
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r"^checker +ACCEPTED")
        self.assertRegex(lines[1], r"^coq-extracted +NOT AVAILABLE: axiom-check-coq .*apt-get install .*ocaml-findlib")
        self.assertRegex(lines[2], r"^coq-kernel +NOT AVAILABLE: coqc .*apt-get install coq")

    def test_a_library_that_is_not_there_is_a_missing_judge(self):
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("axiom", "axiom-check"):
            shutil.copy2(BIN / name, tools)
        (tools / "coqc").write_text("#!/bin/sh\nexit 0\n")
        (tools / "coqc").chmod(0o755)
        done = subprocess.run([tools / "axiom", "check", self.certificate, "--model", self.model, "--property",
                               self.property, "--judges", "checker,coq-kernel"], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "PATH": str(tools)})
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertRegex(done.stdout.splitlines()[1], r"^coq-kernel +NOT AVAILABLE: .*--library")

    def test_a_judge_that_says_nothing_has_not_accepted(self):
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("axiom", "axiom-check"):
            shutil.copy2(BIN / name, tools)
        silent = tools / "axiom-check-coq"
        silent.write_text("#!/bin/sh\nexit 0\n")
        silent.chmod(0o755)
        done = subprocess.run([tools / "axiom", "check", self.certificate, "--model", self.model, "--property",
                               self.property, "--judges", "coq-extracted"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 70, done.stdout + done.stderr)


@unittest.skipUnless(HAS_JUDGES, "needs coqc, the compiled library (make -C proofs) and axiom-check-coq")
class WithCoq(JudgesTest):
    def test_an_unmodified_certificate_is_accepted_by_all(self):
        lines = self.ask(0).stdout.splitlines()
        self.assertEqual(len(lines), 3)
        for name, line in zip(JUDGES, lines):
            self.assertRegex(line, rf"^{name} +ACCEPTED float32 ")
        self.assertEqual(list(Path(tempfile.gettempdir()).glob("axiom-*")), [])

    def test_the_object_of_the_kernel_says_what_it_accepted(self):
        kernel = self.answers(0, judges=["coq-kernel"])[0]
        self.assertEqual(kernel["statement"], "AxiomProofs.Semantics.claim AxiomProofs.Semantics.float32 "
                                              "Certificate.Network.network Certificate.Property.property")
        self.assertGreater(len(kernel["assumptions"]), 50)

    def test_a_moved_number_is_rejected_by_all(self):
        self.certificate = CORPUS / "relu/accepted/multiplier.axc"
        self.change_tree(12, lambda tree: tree[:-1] + b"\x44")  # the multiplier 0.01 becomes 654.7
        self.kernel_rejects_the_tree()

    def test_a_dropped_leaf_is_rejected_by_all(self):
        self.certificate = CORPUS / "crossing/accepted/input_split.axc"
        self.model, self.property = CORPUS / "crossing/model.onnx", CORPUS / "crossing/property.vnnlib"
        tree = len(self.certificate.read_bytes()) - json.loads(
            self.run_axiom(0, "inspect", self.certificate, "--json").stdout)["header_bytes"]
        self.change_tree(tree, lambda bytes: bytes[:-3])  # REFUTE with its selector and slopes
        self.kernel_rejects_the_tree()

    def test_another_network_is_rejected_by_all(self):
        weights = onnx_writer.struct.pack("<2f", 1, 1)
        model = self.model.read_bytes()
        self.assertEqual(model.count(weights), 1)
        self.model = self.file("heavier.onnx", model.replace(weights, onnx_writer.struct.pack("<2f", 1, 8)))
        self.assertIn("the certificate is about the model", self.all_reject()["coq-kernel"])
        self.fit_header()
        self.kernel_rejects_the_tree()

    def test_another_property_is_rejected_by_all(self):
        text = self.property.read_text()
        self.assertIn("(>= Y_0 3)", text)
        self.property = self.file("reached.vnnlib", text.replace("(>= Y_0 3)", "(>= Y_0 1)"))
        self.assertIn("the certificate is about the property", self.all_reject()["coq-kernel"])
        self.fit_header()
        self.kernel_rejects_the_tree()

    def test_a_property_of_version_2_is_the_same_to_all(self):
        for folder, answer, code in (("version_2_by_name", "accepted", 0), ("version_2_exchanged", "rejected", 5)):
            self.model, self.property = CORPUS / folder / "model.onnx", CORPUS / folder / "property.vnnlib"
            self.certificate = CORPUS / folder / answer / "one_sweep.axc"
            self.all_answer(answer, code)

    def test_a_claim_about_the_other_arithmetic_is_rejected_by_all(self):
        """2.0000001 is out of reach for real sums, and within the rounding errors of float32."""
        text = self.property.read_text()
        self.property = self.file("narrow.vnnlib", text.replace("(>= Y_0 3)", "(>= Y_0 2.0000001)"))
        self.certificate = self.folder / "real.axc"
        self.run_axiom(0, "verify", self.model, self.property, "--semantics", "real", "--certificate",
                       self.certificate)
        self.all_answer("accepted", 0)
        for answer in self.answers(5, "--semantics", "float32"):
            self.assertEqual(answer["answer"], "rejected")
            self.assertIn("the claim is about real, not about float32", answer["message"])
        data = bytearray(self.certificate.read_bytes())
        data[8] = 1
        self.certificate = self.file("float32.axc", bytes(data))
        self.kernel_rejects_the_tree()

    def test_a_damaged_certificate_is_rejected_by_all(self):
        self.certificate = self.file("short.axc", self.certificate.read_bytes()[:-1])
        self.all_reject()

    def test_what_the_proved_checker_does_not_cover_is_no_rejection(self):
        nodes = [onnx_writer.node("Gemm", ["x", "w"], "m", alpha=3.0), onnx_writer.node("Relu", ["m"], "y")]
        weights = onnx_writer.tensor("w", [2, 1], [1, 1])
        self.model = self.file("scaled.onnx", onnx_writer.model(
            nodes, [onnx_writer.value("x", [1, 2])], [onnx_writer.value("y", [1, 1])], [weights]))
        self.property = self.file("far.vnnlib", self.property.read_text().replace("(>= Y_0 3)", "(>= Y_0 7)"))
        self.certificate = self.folder / "scaled.axc"
        self.run_axiom(0, "verify", self.model, self.property, "--certificate", self.certificate)
        answers = {j["judge"]: j["answer"] for j in self.answers(3)}
        self.assertEqual(answers, {"checker": "accepted", "coq-extracted": "not-covered",
                                   "coq-kernel": "not-covered"})

    def test_a_missing_model_is_an_error_of_every_judge(self):
        self.model = self.folder / "none.onnx"
        self.all_answer("error", 4)

    def test_limits_of_the_kernel_are_told(self):
        self.assertIn("--timeout", self.ask(6, "--timeout", "0.05", judges=["coq-kernel"]).stdout)


if __name__ == "__main__":
    unittest.main()
