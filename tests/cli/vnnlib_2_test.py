#!/usr/bin/env python3
"""VNN-LIB 2: what axiom, axiom-check and axiom-check-coq make of a text is what they make of it in version 1.

    vnnlib_2_test.py <folder of axiom, axiom-check and axiom-check-coq> <dump_checker> [unittest options]

What needs axiom-check-coq is skipped, by name, where it is not built.
"""

import csv
import json
import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

from onnx_writer import model, node, tensor, value
from scratch import ScratchTest, own_temporary_folder
from vnnlib_2 import network, translate, variables

BIN = Path(sys.argv.pop(1)).resolve()
DUMPER = Path(sys.argv.pop(1)).resolve()
AXIOM, CHECKER, JUDGE = BIN / "axiom", BIN / "axiom-check", BIN / "axiom-check-coq"
ROOT = Path(__file__).resolve().parent.parent.parent
TREE = 9 + 64  # where the certificate's counts begin, behind the digests

setUpModule = own_temporary_folder


def claims():
    """Models with a property: the examples and the claims of the corpus that are of version 1."""
    for example in ("hello", "collision_avoidance"):
        folder = ROOT / "examples" / example
        with open(folder / "expected.csv", newline="") as file:
            for row in csv.DictReader(file):
                yield folder / row["onnx"], folder / row["vnnlib"]
    for folder in sorted((ROOT / "tests/certificates").iterdir()):
        if (folder / "accepted").is_dir() and b"vnnlib-version" not in (folder / "property.vnnlib").read_bytes():
            yield folder / "model.onnx", folder / "property.vnnlib"


def joined_model():
    """Y = (p0 + 2 q, p1 - q), Z = Relu(q), for p of shape [1,2] and q of no dimensions."""
    nodes = [node("Reshape", ["q", "one"], "r"), node("MatMul", ["r", "w"], "s"),
             node("Add", ["p", "s"], "y"), node("Relu", ["q"], "z")]
    shape = b"\x08\x02" + b"\x10\x07" + b"\x42\x03one" + b"\x4a\x10" + (1).to_bytes(8, "little") * 2
    return model(nodes, [value("p", [1, 2]), value("q", [])], [value("y", [1, 2]), value("z", [])],
                 [shape, tensor("w", [1, 2], [2, -1])])


JOINED_INPUTS = [("P", [1, 2], "p"), ("Q", [], "q")]
JOINED_OUTPUTS = [("Y", [1, 2], "y"), ("Z", [], "z")]
JOINED_BOX = "".join(f"(declare-const {v} Real)\n" for v in ("X_0", "X_1", "X_2", "Y_0", "Y_1", "Y_2")) + (
    "(assert (and (>= X_0 -1) (<= X_0 1) (>= X_1 -0.5) (<= X_1 0.25) (>= X_2 1e-1) (<= X_2 2)))\n")
JOINED_UNSAFE = "(assert (or (>= (+ Y_0 Y_1) (+ X_0 X_1 Y_2 0.01)) (and (<= Y_2 0.05) (< Y_0 3))))\n"


class VersionsTest(ScratchTest):
    def run_program(self, *words):
        done = subprocess.run([str(w) for w in words], capture_output=True, timeout=300)
        return done.returncode, done.stdout.decode("utf8", "replace"), done.stderr.decode("utf8", "replace")

    def tensors(self, model_path):
        code, out, err = self.run_program(AXIOM, "inspect", model_path, "--json")
        self.assertEqual(code, 0, err)
        found = json.loads(out)
        return [[(f"{letter}{k}", t["shape"], t["name"]) for k, t in enumerate(found[kind])]
                for letter, kind in (("in", "inputs"), ("out", "outputs"))]

    def dump(self, program, model_path, text):
        """Every number that a judge takes from the property, or None when it refuses the text. "unproved" from
        axiom-check-coq for a network with a rule that is not proved in Coq yet."""
        arguments = ["--dump", "--model", model_path, "--property", text] if program == JUDGE else [model_path, text]
        code, out, err = self.run_program(program, *arguments)
        self.assertIn(code, (0, 4), err)
        if code == 4:
            return "unproved" if "rule not proved in Coq yet" in err else None
        kept, words = [], ("disjunct", "box", "constraint", "property")
        for line in out.splitlines():
            if line.split(" ")[0] in words:
                kept.append("malformed" if line.startswith("property") else line)
        return None if "malformed" in kept else kept

    def readers(self):
        return [DUMPER] + ([JUDGE] if JUDGE.exists() else [])

    def test_the_judges_read_the_same_numbers_from_both_versions(self):
        seen = 0
        for model_path, old in claims():
            inputs, outputs = self.tensors(model_path)
            text = old.read_text()
            for names in (False, True):
                new = self.file("new.vnnlib", translate(text, inputs, outputs, names=names))
                with self.subTest(str(old), names=names):
                    for reader in self.readers():
                        numbers = self.dump(reader, model_path, old)
                        self.assertIsNotNone(numbers)
                        self.assertTrue(numbers != "unproved" or reader == JUDGE)
                        self.assertEqual(self.dump(reader, model_path, new), numbers, reader)
                        seen += 1
        self.assertGreater(seen, 40)

    def test_axiom_answers_the_same_with_the_same_tree_and_the_judges_accept_it(self):
        for model_path, old in claims():
            if "certificates" in str(old) and old.parent.name not in ("crossing", "softmax", "sums", "nothing_unsafe"):
                continue
            inputs, outputs = self.tensors(model_path)
            new = self.file("new.vnnlib", translate(old.read_text(), inputs, outputs, element_type="real"))
            answers = []
            for text in (old, new):
                certificate = self.folder / (text.name + ".axc")
                certificate.unlink(missing_ok=True)
                code, out, err = self.run_program(AXIOM, "verify", model_path, text, "--certificate", certificate)
                self.assertIn(code, (0, 1), err)
                answers.append((code, certificate.read_bytes()[TREE:] if code == 0 else b""))
                if code == 0:
                    arguments = [certificate, "--model", model_path, "--property", text]
                    self.assertEqual(self.run_program(CHECKER, *arguments)[0], 0)
                    if JUDGE.exists():
                        self.assertEqual(self.run_program(JUDGE, *arguments)[0], 0)
            with self.subTest(str(old)):
                self.assertEqual(answers[0], answers[1])

    def test_tensors_are_found_by_order_or_by_name(self):
        model_path = self.file("joined.onnx", joined_model())
        for unsafe in (JOINED_UNSAFE, "(assert (and (<= X_2 Y_0) (>= Y_1 Y_2)))"):
            old = self.file("old.vnnlib", JOINED_BOX + unsafe)
            new = [translate(old.read_text(), JOINED_INPUTS, JOINED_OUTPUTS),
                   translate(old.read_text(), JOINED_INPUTS, JOINED_OUTPUTS, names=True,
                             declared=(JOINED_INPUTS[::-1], JOINED_OUTPUTS[::-1]))]
            expected = self.run_program(AXIOM, "verify", model_path, old)
            for k, text in enumerate(new):
                path = self.file(f"new{k}.vnnlib", text)
                for reader in self.readers():
                    self.assertEqual(self.dump(reader, model_path, path), self.dump(reader, model_path, old))
                found = self.run_program(AXIOM, "verify", model_path, path)
                self.assertEqual(found[0], expected[0], found[1] + found[2])

    def test_a_shape_that_is_not_the_models_is_refused_by_all_with_both(self):
        model_path = self.file("joined.onnx", joined_model())
        flat = [("P", [2], "p"), ("Q", [], "q")]
        text = self.file("flat.vnnlib", translate(JOINED_BOX + JOINED_UNSAFE, flat, JOINED_OUTPUTS))
        code, _, err = self.run_program(AXIOM, "verify", model_path, text)
        self.assertEqual(code, 4)
        self.assertIn("line 3: 'P' is declared [2], but the input 'p' of the model is [1, 2]; declare that shape", err)
        code, _, err = self.run_program(CHECKER, "--inspect", "--model", model_path, "--property", text)
        self.assertEqual(code, 4)
        self.assertIn("P of line 3 is declared [2], input 'p' is [1,2]", err)
        if JUDGE.exists():
            code, _, err = self.run_program(JUDGE, "--inspect", "--model", model_path, "--property", text)
            self.assertEqual(code, 4)
            self.assertIn("'P' is declared [2], input 'p' of the model is [1,2]", err)

    def test_equality_is_both_inequalities_and_its_negation_either(self):
        model_path = self.file("joined.onnx", joined_model())
        head = network(JOINED_INPUTS, JOINED_OUTPUTS)
        body = translate(JOINED_BOX, JOINED_INPUTS, JOINED_OUTPUTS)[len(head):]
        y, z = variables(JOINED_OUTPUTS)[0], variables(JOINED_OUTPUTS)[2]
        for short, long in ((f"(== {y} (* 2 {z}))", f"(and (<= {y} (* 2 {z})) (>= {y} (* 2 {z})))"),
                            (f"(!= {y} {z})", f"(or (<= {y} {z}) (>= {y} {z}))")):
            texts = [self.file(f"{k}.vnnlib", head + body + f"(assert {f})") for k, f in enumerate((short, long))]
            for reader in self.readers():
                self.assertEqual(*(self.dump(reader, model_path, text) for text in texts))
            trees = []
            for text in texts:
                certificate = self.folder / "c.axc"
                certificate.unlink(missing_ok=True)
                code = self.run_program(AXIOM, "verify", model_path, text, "--certificate", certificate)[0]
                trees.append((code, certificate.read_bytes()[TREE:] if code == 0 else b""))
            self.assertEqual(*trees)

    def test_sweeps_take_both_versions(self):
        hello = ROOT / "examples/hello"
        model_path = self.file("distance.onnx", (hello / "distance.onnx").read_bytes())
        old = self.file("old.vnnlib", (hello / "less_than_1_5.vnnlib").read_text())
        self.file("new.vnnlib", translate(old.read_text(), *self.tensors(model_path)))
        rows = "".join(f"distance.onnx,{name}.vnnlib,60,verified\n" for name in ("old", "new"))
        instances = self.file("instances.csv", "onnx,vnnlib,timeout_s,expected\n" + rows)
        code, out, err = self.run_program(AXIOM, "sweep", instances, "--json")
        self.assertEqual(code, 0, out + err)
        rows = json.loads(out)["rows"]
        self.assertEqual([row["verdict"] for row in rows], ["verified", "verified"])

    def test_changed_texts_are_read_alike_or_refused_by_all(self):
        if not JUDGE.exists():
            self.skipTest(f"{JUDGE} is not built")
        model_path = self.file("joined.onnx", joined_model())
        text = translate(JOINED_BOX + JOINED_UNSAFE, JOINED_INPUTS, JOINED_OUTPUTS, names=True)
        pieces = ["(", ")", "[", "]", ",", '"', "\\", " ", ";", "\n", "X_0", "P", "Q", "Z", "Y[0,0]", "0", "1", "-1", "==",
                  "!=", "<", "1e3", "real", "float32", "[]", "[0]", "and", "(assert (<= Q 1))", '"p"', '"y"', "\t", "\r"]
        rng = random.Random(int(os.environ.get("AXIOM_TEST_SEED", "1")))
        read = 0
        for number in range(int(os.environ.get("AXIOM_TEST_CHANGES", "60"))):
            changed = text
            for _ in range(rng.choice((1, 1, 2, 3))):
                at = rng.randrange(len(changed))
                end = at + rng.choice((0, 0, 1, 1, 2, 5))
                changed = changed[:at] + (rng.choice(pieces) if rng.random() < 0.7 else "") + changed[end:]
            path = self.file("changed.vnnlib", changed)
            found = [self.dump(reader, model_path, path) for reader in self.readers()]
            self.assertEqual(found[0], found[1], changed)
            code, _, err = self.run_program(AXIOM, "bounds", model_path, path)
            self.assertIn(code, (0, 4), err)
            if found[0] != []:  # something is unsafe, so that there is a box
                self.assertEqual(code == 0, found[0] is not None, err + changed)
            read += found[0] is not None
        self.assertGreater(read, 0)


if __name__ == "__main__":
    unittest.main()
