#!/usr/bin/env python3
"""axiom theorem --replay: a folder is checked when this run's kernel has accepted the bytes that it must hold, and never
because it says so.

    bundle_test.py <folder of axiom and axiom-check> [unittest options]
"""

import hashlib
import json
import re
import shutil
import tempfile
import unittest
from pathlib import Path

import theorem_test
from theorem_test import HAS_COQ, HELLO, HOLDS, LIBRARY, NET

FILES = theorem_test.FILES


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class BundleTest(theorem_test.TheoremTest):
    def setUp(self):
        super().setUp()
        self.proof = self.certificate()

    def bundle(self):
        return json.loads((self.theory / "bundle.json").read_text())

    def replay(self, code, *options, net=NET, holds=HOLDS, env=None):
        return self.run_axiom(code, "theorem", "--replay", self.theory, "--model", net, "--property", holds,
                              "--library", LIBRARY, *options, env=env)

    def fix_up(self):
        """Makes every digest in bundle.json that of the files as they are now, as a forger would."""
        found = self.bundle()
        text = lambda name: (self.theory / name).read_bytes()
        for file in found["files"]:
            file["sha256"] = sha256(text(file["name"]))
        for obligation in found["obligations"]:
            lines = "".join(f"{sha256(text(name))}  {name}\n" for name in obligation["statement_files"])
            obligation["statement_sha256"] = sha256(f"{lines}{obligation['statement']}\n".encode())
        found["certificate_sha256"] = sha256(text("certificate.axc"))
        (self.theory / "bundle.json").write_text(json.dumps(found))

    def edit(self, name, pattern, new):
        path = self.theory / name
        changed, count = re.subn(pattern, new, path.read_text(), count=1)
        self.assertEqual(count, 1, f"{pattern} in {name}")
        path.write_text(changed)


class Exports(BundleTest):
    """The files for Lean 4 and Isabelle, which no kernel here has read."""

    SEMANTICS = "95891a5ba3ed1af25374729e5645f86158f62833e4c0229ffb4525b8a639bbc9"
    SUFFIX = {"lean4": ".lean", "isabelle": ".thy"}

    def export(self, assistant, net=NET, holds=HOLDS, certificate=None):
        option = {"lean4": "--lean", "isabelle": "--isabelle"}[assistant]
        return self.run_axiom(0, "theorem", certificate or self.proof, "--model", net, "--property", holds, option,
                              self.theory, "--json", env={"PATH": str(self.folder)})

    def test_their_definitions_are_those_of_the_coq_development(self):
        text = re.sub(r"\(\*.*?\*\)", "", (LIBRARY / "Semantics.v").read_text(), flags=re.DOTALL)
        self.assertEqual(sha256(" ".join(text.split()).encode()), self.SEMANTICS,
                         "proofs/Semantics.v has changed: carry the change over to AxiomSemantics.lean and "
                         "Axiom_Semantics.thy in src/certificate/export/, then note the new digest here")

    def test_they_need_no_coq_and_claim_no_check(self):
        for assistant in self.SUFFIX:
            with self.subTest(assistant):
                found = json.loads(self.export(assistant).stdout)
                self.assertEqual((found["schema"], found["accepted"]), ("axiom.theorem.v1", False))
                self.assertEqual(found["exports"], [{"assistant": assistant, "folder": str(self.theory),
                                                     "status": "not-replayed"}])
                self.assertNotIn("statement", found)
                bundle = self.bundle()
                self.assertEqual(bundle["assistant"], assistant)
                self.assertEqual([(o["id"], o["status"]) for o in bundle["obligations"]],
                                 [(name, "not-replayed") for name in ("soundness", "accepted", "verified")])
                self.assertNotIn("kernel", bundle)
                listed = {file["name"] for file in bundle["files"]} | {"bundle.json", "certificate.axc"}
                self.assertEqual({path.name for path in self.theory.iterdir()}, listed)
                self.fix_up()
                self.assertEqual(self.bundle(), bundle)
                shutil.rmtree(self.theory)

    def test_replay_compares_their_bytes_and_says_that_no_kernel_was_asked(self):
        for assistant, suffix in self.SUFFIX.items():
            with self.subTest(assistant):
                self.export(assistant)
                self.assertIn("NOT REPLAYED", self.replay(3).stdout)
                self.assertEqual(json.loads(self.replay(3, "--json").stdout), self.bundle())
                for path in sorted(self.theory.glob(f"*{suffix}")):
                    text = path.read_text()
                    path.write_text(text.replace("0", "1", 1) if "0" in text else text + "\n")
                    self.assertIn(path.name if path.name != "bundle.json" else "", self.replay(5).stderr)
                    self.fix_up()
                    self.replay(5)
                    shutil.rmtree(self.theory)
                    self.export(assistant)
                shutil.rmtree(self.theory)

    def test_they_hold_the_numbers_of_the_program(self):
        """Against the decimals and weights as the JSON of other commands and the model's bytes have them."""
        net, holds = theorem_test.ADVISORY / "advisory.onnx", theorem_test.ADVISORY / "never_climb_into_intruder.vnnlib"
        proof = self.certificate(net, holds)
        facts = json.loads(self.run_axiom(0, "inspect", net, "--json").stdout)
        digits = {}
        for assistant, (name, pair) in {"lean4": ("AxiomNetwork.lean", r"⟨(-?\d+), (-?\d+)⟩"),
                                        "isabelle": ("Axiom_Network.thy", r"\((-?\d+), (-?\d+)\)")}.items():
            self.export(assistant, net, holds, proof)
            text = (self.theory / name).read_text()
            digits[assistant] = [float(m) * 2.0 ** int(e) for m, e in re.findall(pair, text)]
            dense = sum(len(re.findall(pair, row)) for row in re.findall(r"dense \d+ \[(.*?)\]", text))
            self.assertEqual(dense, facts["core"]["terms"])
            for opening, closing in ("()", "[]", "⟨⟩"):
                self.assertEqual(text.count(opening), text.count(closing))
            shutil.rmtree(self.theory)
        self.assertEqual(digits["lean4"], digits["isabelle"])
        if HAS_COQ:
            self.theorem(0, proof, net=net, holds=holds)
            text = (self.theory / "Network.v").read_text().split("Local Open Scope float_scope.")[1]
            text = re.sub(r"\(\*.*?\*\)|%uint63", "", text)
            coq = [(-1 if sign else 1) * int(m, 16) * 2.0 ** int(e)
                   for sign, m, e in re.findall(r"(-?)0x([0-9a-f]+)p(-?\d+)", text)]
            self.assertEqual([value for value in digits["lean4"] if value != 0], coq)


@unittest.skipUnless(HAS_COQ, "needs coqc and the compiled library (make -C proofs)")
class Replay(BundleTest):
    template = None

    @classmethod
    def tearDownClass(cls):
        if cls.template:
            shutil.rmtree(cls.template.parent)

    def setUp(self):
        """The theory of the example, made once."""
        super().setUp()
        if Replay.template is None:
            self.theorem(0, self.proof)
            Replay.template = Path(tempfile.mkdtemp()) / "theory"
            shutil.copytree(self.theory, Replay.template)
        else:
            shutil.copytree(Replay.template, self.theory)

    def refuses(self, *words, **options):
        done = self.replay(5, **options)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("CHECKED", done.stdout)

    def refuses_with_and_without_digests_that_fit(self, *words):
        self.refuses(*words)
        self.fix_up()
        self.refuses("not what certificate, model and property give")

    def test_the_bundle_says_what_was_checked(self):
        found = self.bundle()
        self.assertEqual((found["schema"], found["assistant"], found["semantics"]),
                         ("axiom-proof-bundle.v1", "coq", "float32"))
        for member, path in (("model_sha256", NET), ("property_sha256", HOLDS), ("certificate_sha256", self.proof)):
            self.assertEqual(found[member], sha256(path.read_bytes()))
        self.assertEqual([file["name"] for file in found["files"]], [f"{name}.v" for name in FILES])
        self.assertEqual((self.theory / "certificate.axc").read_bytes(), self.proof.read_bytes())
        self.assertRegex(found["kernel"], r"^The Coq Proof Assistant, version 8\.\d+")
        compiled = sorted(LIBRARY.glob("*.vo"), key=lambda path: path.name.encode())
        lines = "".join(f"{sha256(path.read_bytes())}  {path.name}\n" for path in compiled)
        self.assertEqual(found["library"], {"folder": str(LIBRARY), "sha256": sha256(lines.encode())})
        verified, = found["obligations"]
        self.assertEqual((verified["id"], verified["status"]), ("verified", "checked"))
        self.assertEqual(verified["statement_files"], ["Compact.v", "Network.v", "Property.v"])
        self.assertGreater(len(verified["assumptions"]), 50)
        as_written = (self.theory / "bundle.json").read_text()
        self.fix_up()
        self.assertEqual(self.bundle(), json.loads(as_written), "the digests are those of the documentation")

    def test_an_untouched_folder_is_checked_by_a_run_of_its_own(self):
        for path in self.theory.glob("*.vo"):
            path.unlink()
        stated = self.bundle()
        stated["obligations"][0]["status"] = "rejected"
        (self.theory / "bundle.json").write_text(json.dumps(stated))
        before = sorted(path.name for path in self.theory.iterdir())
        found = json.loads(self.replay(0, "--json").stdout)
        self.assertEqual(found["obligations"][0]["status"], "checked")
        self.assertEqual(sorted(path.name for path in self.theory.iterdir()), before)
        self.assertIn("CHECKED distance less_than_1_5", self.replay(0).stdout)

    def test_a_word_in_the_bundle_is_no_check(self):
        self.assertEqual(self.bundle()["obligations"][0]["status"], "checked")
        env = {"PATH": str(self.folder)}
        self.assertIn("coqc is not installed", self.replay(4, env=env).stderr)
        self.assertIn("--timeout", self.replay(6, "--timeout", "0.05").stderr)

    def test_an_admitted_proof_is_refused(self):
        self.edit("Theorem.v", r"Proof\.[^$]*Qed\.", "Proof. Admitted.")
        self.refuses_with_and_without_digests_that_fit("Theorem.v", "line 9")

    def test_an_axiom_is_refused(self):
        self.edit("Theorem.v", r"Theorem verified", "Axiom bogus : forall p : Prop, p.\nTheorem verified")
        self.refuses_with_and_without_digests_that_fit("Theorem.v")

    def test_an_axiom_among_the_literals_is_refused(self):
        self.edit("Network.v", r"Definition network", "Axiom bogus : False.\nDefinition network")
        self.refuses_with_and_without_digests_that_fit("Network.v")

    def test_a_weaker_claim_is_refused(self):
        self.edit("Theorem.v", r"claim float32 network property\.\nProof", "claim float32 network nil.\nProof")
        self.refuses_with_and_without_digests_that_fit("Theorem.v")

    def test_another_statement_in_the_bundle_is_refused(self):
        found = self.bundle()
        found["obligations"][0]["statement"] = "True"
        (self.theory / "bundle.json").write_text(json.dumps(found))
        self.refuses("bundle.json", "obligations")
        self.fix_up()
        self.refuses("bundle.json", "obligations")

    def test_a_redefined_claim_is_refused(self):
        for name, what in (("Network.v", "Definition claim (s : semantics) (n p : program) := True."),
                           ("Property.v", "Notation claim := (fun _ _ _ => True)."),
                           ("Tree.v", "Definition check_certificate (s n p t : nat) := true."),
                           ("Compact.v", "Definition verified := I.")):
            with self.subTest(name):
                shutil.rmtree(self.theory)
                shutil.copytree(Replay.template, self.theory)
                self.edit(name, r"\n\n", f"\n{what}\n")
                self.refuses_with_and_without_digests_that_fit(name)

    def test_edited_literals_are_refused(self):
        for name, old, new in (("Network.v", r"dense 4 \[0x1p0", "dense 4 [0x1p1"), ("Property.v", r"\(-1\.5\)", "(-2)"),
                               ("Tree.v", r"0x", "0x1")):
            with self.subTest(name):
                shutil.rmtree(self.theory)
                shutil.copytree(Replay.template, self.theory)
                self.edit(name, old, new)
                self.refuses_with_and_without_digests_that_fit(name)

    def test_another_model_or_property_is_refused(self):
        self.refuses("the certificate is about the model", net=theorem_test.ADVISORY / "advisory.onnx")
        self.refuses("the certificate is about the property", holds=HELLO / "less_than_0_9.vnnlib")

    def test_a_folder_that_fits_a_false_certificate_is_refused_by_the_kernel(self):
        """Every byte is as it must be for this certificate; it is only not true."""
        false = bytearray(self.proof.read_bytes())
        word = "0x" + bytes(reversed(false[-7:])).hex().lstrip("0")
        false[-3] ^= 1
        changed = "0x" + bytes(reversed(false[-7:])).hex().lstrip("0")
        for path in self.theory.glob("*.v"):
            text = path.read_text().replace(sha256(self.proof.read_bytes()), sha256(bytes(false)))
            path.write_text(text.replace(word, changed) if path.name == "Tree.v" else text)
        (self.theory / "certificate.axc").write_bytes(bytes(false))
        self.fix_up()
        self.refuses("check_certificate")

    def test_a_file_that_does_not_belong_there_is_refused(self):
        (self.theory / "Notes.v").write_text("Axiom bogus : False.\n")
        self.refuses("Notes.v")

    def test_a_bundle_that_is_none_is_refused(self):
        for text in ("", "[]", "{}", '{"assistant": "coq"}', '{"assistant": "abacus"}', '{"assistant": 1}',
                     '{"assistant": "coq", "obligations": [1]}', '{"assistant": "coq", "obligations": {}}'):
            with self.subTest(text):
                (self.theory / "bundle.json").write_text(text)
                self.refuses()
        (self.theory / "bundle.json").unlink()
        self.replay(4)

    def test_a_missing_file_is_named(self):
        (self.theory / "Tree.v").unlink()
        self.assertIn("Tree.v", self.replay(4).stderr)

    def test_replay_writes_nothing(self):
        for option in ("--coq", "--lean", "--isabelle"):
            self.assertIn("--replay", self.replay(2, option, self.folder / "new").stderr)


@unittest.skipUnless(HAS_COQ, "needs coqc and the compiled library (make -C proofs)")
class Written(BundleTest):
    def status(self):
        return self.bundle()["obligations"][0]["status"]

    def test_what_the_kernel_refuses_is_written_down_as_rejected(self):
        self.theorem(5, self.proof, env=self.wrapper("""sed -i 's/float32/real/' "$file" """))
        self.assertEqual(self.status(), "rejected")

    def test_what_the_kernel_has_not_decided_is_not_replayed(self):
        self.theorem(6, self.proof, "--timeout", "0.05")
        self.assertEqual(self.status(), "not-replayed")
        self.assertNotIn("kernel", self.bundle())

    def test_a_file_that_changes_while_coq_runs_was_not_checked(self):
        done = self.theorem(5, self.proof, env=self.wrapper("""echo >> "$file" """))
        self.assertIn("changed while Coq was running", done.stderr)
        self.assertEqual(self.status(), "rejected")


if __name__ == "__main__":
    unittest.main()
