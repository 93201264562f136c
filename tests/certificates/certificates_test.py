#!/usr/bin/env python3
"""axiom-check on the certificates of this folder: each ends as the manifest says, for the reason it says.

    certificates_test.py <folder of axiom-check> [unittest options]
"""

import csv
import re
import subprocess
import sys
import unittest
from pathlib import Path

import make_corpus

CHECKER = Path(sys.argv.pop(1)).resolve() / "axiom-check"
HERE = Path(__file__).resolve().parent
EXIT_CODES = {"accepted": 0, "rejected": 5, "refused": 4}
with open(HERE / "manifest.csv", newline="") as file:
    ROWS = list(csv.DictReader(file))


def check(row, *options):
    folder = HERE / row["certificate"].split("/")[0]
    return subprocess.run([CHECKER, HERE / row["certificate"], "--model", folder / "model.onnx",
                           "--property", folder / "property.vnnlib", *options],
                          capture_output=True, text=True, timeout=60)


class CertificatesTest(unittest.TestCase):
    def test_every_certificate_ends_as_the_manifest_says(self):
        for row in ROWS:
            with self.subTest(row["certificate"]):
                done = check(row)
                self.assertEqual(done.returncode, EXIT_CODES[row["outcome"]], done.stdout + done.stderr)
                said = done.stderr if row["outcome"] == "refused" else done.stdout
                self.assertEqual(said.count("\n"), 1)
                self.assertTrue(row["outcome"] == "refused" or said.startswith(row["outcome"].upper()), said)
                self.assertIn(row["says"], said)

    def test_the_number_of_threads_changes_nothing(self):
        for row in ROWS:
            said = set()
            for threads in "1", "2", "3":
                done = check(row, "--threads", threads)
                said.add((done.returncode, re.sub(r"[\d.]+ s$", "", done.stdout.strip()), done.stderr))
            self.assertEqual(len(said), 1, said)
        for wrong in "0", "-1", "two", "2x", "":
            self.assertEqual(check(ROWS[0], "--threads", wrong).returncode, 2, wrong)

    def test_the_manifest_lists_every_certificate_and_names_the_rule_that_a_rejected_one_breaks(self):
        listed = [row["certificate"] for row in ROWS]
        self.assertEqual(sorted(listed), sorted(str(p.relative_to(HERE)) for p in HERE.rglob("*.axc")))
        for row in ROWS:
            self.assertEqual(row["certificate"].split("/")[1], row["outcome"])
            if row["outcome"] != "accepted":
                self.assertRegex(row["rule"], re.compile(r"^[2-9]: \w"))
                self.assertTrue(row["says"])

    def test_the_files_are_those_that_make_corpus_writes(self):
        self.assertEqual(make_corpus.different(), [])


if __name__ == "__main__":
    unittest.main()
