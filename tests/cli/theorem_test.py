#!/usr/bin/env python3
"""axiom theorem: what Coq's kernel accepts, and what it must not.

    theorem_test.py <folder of axiom and axiom-check> [unittest options]

Tests that need Coq are skipped, by name, where coqc or the compiled library proofs/ is not there.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from scratch import ScratchTest

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"
ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = ROOT / "proofs"
HELLO = ROOT / "examples/hello"
ADVISORY = ROOT / "examples/collision_avoidance"
NET = HELLO / "distance.onnx"
HOLDS = HELLO / "less_than_1_5.vnnlib"
FILES = ["Compact", "Represents", "Network", "Property", "Tree", "Theorem", "Statement"]
COQC = shutil.which("coqc")
HAS_COQ = COQC is not None and (LIBRARY / "CheckSound.vo").exists()


class TheoremTest(ScratchTest):
    def setUp(self):
        super().setUp()
        self.theory = self.folder / "theory"

    def run_axiom(self, code, *arguments, env=None):
        done = subprocess.run([AXIOM, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              cwd=self.folder, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, code, f"axiom {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        return done

    def certificate(self, net=NET, holds=HOLDS, *options):
        path = self.folder / "proof.axc"
        self.run_axiom(0, "verify", net, holds, "--certificate", path, *options)
        return path

    def theorem(self, code, certificate, *options, net=NET, holds=HOLDS, env=None):
        return self.run_axiom(code, "theorem", certificate, "--model", net, "--property", holds, "--coq", self.theory,
                              "--library", LIBRARY, *options, env=env)

    def wrapper(self, script):
        """A coqc in PATH that changes Theorem.v before the real one sees it."""
        tool = self.folder / "bin/coqc"
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\nfor file; do :; done\ncase "$file" in */Theorem.v) {script} ;; esac\n'
                        f'exec {COQC} "$@"\n')
        tool.chmod(0o755)
        return {"PATH": f"{tool.parent}:{os.environ['PATH']}"}

    def edited(self, certificate, edit):
        """The certificate with its tree changed and the length in the header made to fit."""
        data = certificate.read_bytes()
        tree = len(data) - json.loads(self.run_axiom(0, "inspect", certificate, "--json").stdout)["tree_bytes"]
        changed = edit(data[tree:])
        self.assertLess(len(changed), 128, "the length is one byte")
        path = self.folder / "edited.axc"
        path.write_bytes(data[:tree - 1] + bytes([len(changed)]) + changed)
        return path


class WithoutCoq(TheoremTest):
    def test_a_missing_coqc_names_the_packages(self):
        done = self.run_axiom(4, "theorem", "x.axc", "--model", NET, "--property", HOLDS, "--coq", self.theory,
                              env={"PATH": str(self.folder)})
        for package in ("coq", "libcoq-flocq"):
            self.assertIn(package, done.stderr)

    def fake_coqc(self):
        tool = self.folder / "coqc"
        tool.write_text("#!/bin/sh\nexit 0\n")
        tool.chmod(0o755)
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def test_a_library_that_is_not_compiled_names_the_command(self):
        (self.folder / "CheckSound.v").touch()
        done = self.run_axiom(4, "theorem", "x.axc", "--model", NET, "--property", HOLDS, "--coq", self.theory,
                              "--library", self.folder, env=self.fake_coqc())
        self.assertIn(f"make -C {self.folder}", done.stderr)

    def test_a_compiler_that_says_nothing_proves_nothing(self):
        (self.folder / "CheckSound.v").touch()
        (self.folder / "CheckSound.vo").touch()
        done = self.run_axiom(5, "theorem", self.certificate(), "--model", NET, "--property", HOLDS, "--coq",
                              self.theory, "--library", self.folder, env=self.fake_coqc())
        self.assertIn("did not print the theorem", done.stderr)


@unittest.skipUnless(HAS_COQ, "needs coqc and the compiled library (make -C proofs)")
class WithCoq(TheoremTest):
    def coqc(self, name):
        return subprocess.run([COQC, "-q", "-R", LIBRARY, "AxiomProofs", "-Q", self.theory, "Certificate",
                               self.theory / f"{name}.v"], capture_output=True, text=True, timeout=300)

    def coqc_from(self, first):
        """The failure of the first file that Coq refuses, from `first` on; None when it accepts them all."""
        for name in FILES[FILES.index(first):]:
            done = self.coqc(name)
            if done.returncode:
                return name
        return None

    def replace(self, name, old, new):
        path = self.theory / f"{name}.v"
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1))

    def test_the_example_becomes_a_theorem(self):
        certificate = self.certificate()
        done = self.theorem(0, certificate, "--json")
        found = json.loads(done.stdout)
        self.assertEqual(found["schema"], "axiom.theorem.v1")
        self.assertTrue(found["accepted"])
        self.assertEqual(found["statement"], "AxiomProofs.Semantics.claim AxiomProofs.Semantics.float32 "
                                             "Certificate.Network.network Certificate.Property.property")
        for member, path in (("model_sha256", NET), ("property_sha256", HOLDS), ("certificate_sha256", certificate)):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            self.assertEqual(found[member], digest)
            self.assertIn(digest, (self.theory / "Theorem.v").read_text())
        self.assertEqual([file["name"] for file in found["files"]], [f"{name}.v" for name in FILES])
        self.assertTrue(all(file["seconds"] > 0 and file["peak_mb"] > 50 for file in found["files"]))
        listed = {line.split(" : ")[0] for line in (LIBRARY / "assumptions.txt").read_text().splitlines()}
        self.assertGreater(len(found["assumptions"]), 50)
        self.assertLessEqual({a["name"] for a in found["assumptions"]}, listed)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["proof.axc", "theory"])

    def test_the_real_semantics_becomes_a_theorem(self):
        done = self.theorem(0, self.certificate(NET, HOLDS, "--semantics", "real"))
        self.assertIn("THEOREM distance less_than_1_5", done.stdout)
        self.assertIn("AxiomProofs.Semantics.claim AxiomProofs.Semantics.real", done.stdout)

    def test_sigmoid_and_tanh_become_a_theorem(self):
        kinds = ROOT / "tests/certificates/kinds"
        for certificate in sorted((kinds / "accepted").glob("*.axc")):
            self.theorem(0, certificate, net=kinds / "model.onnx", holds=kinds / "property.vnnlib")

    def test_a_tree_of_many_leaves_becomes_a_theorem(self):
        net, holds = ADVISORY / "advisory.onnx", ADVISORY / "never_climb_into_intruder.vnnlib"
        self.theorem(0, self.certificate(net, holds), net=net, holds=holds)

    def test_a_rejected_certificate_writes_nothing(self):
        certificate = self.certificate()
        changes = {"a dropped leaf": lambda tree: tree[:-3],
                   "a flipped instruction": lambda tree: tree[:-3] + bytes([tree[-3] ^ 1]) + tree[-2:],
                   "a constraint that is not there": lambda tree: tree[:-2] + b"\x05" + tree[-1:]}
        for what, change in changes.items():
            with self.subTest(what):
                self.theorem(5, self.edited(certificate, change))
                self.assertFalse(self.theory.exists())
        self.theorem(5, certificate, holds=HELLO / "less_than_0_9.vnnlib")
        self.theorem(5, certificate, net=ADVISORY / "advisory.onnx")
        self.assertFalse(self.theory.exists())

    def test_an_edited_tree_is_refused(self):
        self.theorem(0, self.certificate())
        self.assertIsNone(self.coqc_from("Tree"))
        self.replace("Tree", "0x", "0x1")  # other instructions
        self.assertEqual(self.coqc_from("Tree"), "Theorem")

    def test_an_edited_weight_is_refused(self):
        self.theorem(0, self.certificate())
        self.replace("Network", "(dense 4 [0x1p0;", "(dense 4 [0x1p3;")
        self.assertEqual(self.coqc_from("Network"), "Theorem")

    def test_an_edited_decimal_is_refused(self):
        self.theorem(0, self.certificate())
        self.replace("Property", "(-1.5)", "(-1.4)")  # the rounded number no longer stands for it
        self.assertEqual(self.coqc_from("Property"), "Property")

    def test_an_edited_decimal_with_its_rounded_number_is_refused(self):
        self.theorem(0, self.certificate())
        self.replace("Property", "(-1.5)", "(-0.5)")
        self.replace("Property", "(-0x3p-1)", "(-0x1p-1)")
        self.assertEqual(self.coqc_from("Property"), "Theorem")

    def test_an_edited_semantics_is_refused(self):
        self.theorem(0, self.certificate())
        self.replace("Theorem", "claim float32", "claim real")
        self.assertEqual(self.coqc_from("Theorem"), "Theorem")

    def test_an_axiom_of_another_file_is_named(self):
        env = self.wrapper(r"""
            sed -i -e 's/^Theorem verified/Axiom bogus : forall p : Prop, p.\nTheorem verified/' \
                   -e '/^  apply/d' -e 's/^  vm_cast.*/  apply bogus./' "$file" """)
        done = self.theorem(5, self.certificate(), env=env)
        self.assertIn("bogus : forall p : Prop, p", done.stderr)
        self.assertIn("assumptions.txt", done.stderr)
        self.assertNotIn("THEOREM", done.stdout)

    def test_an_admitted_theorem_is_named(self):
        env = self.wrapper("""sed -i -e 's/^Qed/Admitted/' -e '/^  apply/d' -e '/^  vm_cast/d' "$file" """)
        done = self.theorem(5, self.certificate(), env=env)
        self.assertIn("verified : Semantics.claim", done.stderr)

    def test_a_theorem_about_something_else_is_refused(self):
        env = self.wrapper(r"""printf 'Theorem verified : True.\nProof. exact I. Qed.\n' > "$file" """)
        done = self.theorem(5, self.certificate(), env=env)
        self.assertIn("Statement.v", done.stderr)

    def test_limits_of_time_and_memory_are_told(self):
        certificate = self.certificate()
        self.assertIn("--timeout", self.theorem(6, certificate, "--timeout", "0.05").stderr)
        self.assertIn("--memory", self.theorem(6, certificate, "--memory", "256").stderr)

    def test_an_interrupt_ends_coq_too(self):
        env = self.wrapper('echo $$ > "$file.pid"; sleep 60')
        certificate = self.certificate()
        running = subprocess.Popen([AXIOM, "theorem", certificate, "--model", NET, "--property", HOLDS, "--coq",
                                    self.theory, "--library", LIBRARY], stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **env})
        pid = self.theory / "Theorem.v.pid"
        while not pid.exists() or not pid.read_text().strip():
            self.assertIsNone(running.poll())
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
        self.assertEqual(running.returncode, 6)
        self.assertIn("stopped on request", errors)
        self.assertFalse(Path(f"/proc/{pid.read_text().strip()}").exists())


if __name__ == "__main__":
    unittest.main()
