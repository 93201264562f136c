#!/usr/bin/env python3
"""Reports: pages for people, region maps, SARIF and JUnit for programs, and what changed between two sweeps.

    reports_test.py <folder of axiom and axiom-check> [unittest options]
"""

import csv
import html.parser
import json
import random
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree
from pathlib import Path

import onnx_writer
from scratch import ScratchTest, own_temporary_folder

BIN = Path(sys.argv.pop(1)).resolve()
AXIOM = BIN / "axiom"
HELLO = Path(__file__).resolve().parent.parent.parent / "examples/hello"
NET, HOLDS, FAILS = HELLO / "distance.onnx", HELLO / "less_than_1_5.vnnlib", HELLO / "less_than_0_9.vnnlib"
VOID = {"meta", "img", "br", "line", "rect", "circle", "polyline"}


class Page(html.parser.HTMLParser):
    """A page whose elements are closed in order and that takes nothing from outside."""

    def __init__(self, test, text):
        super().__init__()
        self.test, self.open, self.tags, self.text = test, [], [], ""
        self.feed(text)
        self.close()
        test.assertEqual(self.open, [])

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.test.assertNotIn(tag, ("script", "link", "iframe", "object"))
        for name, value in attributes:
            self.test.assertNotIn(name, ("href", "onload", "onclick", "srcset"))
            if name == "src":
                self.test.assertTrue(value.startswith("data:image/png;base64,"))
        if tag not in VOID or not self.get_starttag_text().endswith("/>") and tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        self.test.assertEqual(self.open.pop(), tag)

    def handle_data(self, data):
        self.text += data

setUpModule = own_temporary_folder


class Reports(ScratchTest):
    def run_axiom(self, code, *arguments):
        done = subprocess.run([AXIOM, *map(str, arguments)], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def page(self, path):
        text = path.read_text()
        self.assertNotRegex(text.replace("http-equiv", ""), r"https?://")
        self.assertNotRegex(text, r"\b(nan|inf)\b")
        return Page(self, text)

    def hard_question(self):
        net = self.file("hard.onnx", onnx_writer.perceptron([30, 200, 200, 200, 1], random.Random(7)))
        return net, self.file("hard.vnnlib", onnx_writer.box_property(30, 1, -1, 1, "(>= Y_0 20)"))

    def test_the_page_of_a_proof_says_what_was_proved_and_how_to_check_it(self):
        page, proof = self.folder / "page.html", self.folder / "proof.axc"
        self.run_axiom(0, "verify", NET, HOLDS, "--html", page, "--certificate", proof, "--semantics", "both")
        found = self.page(page)
        for words in ("VERIFIED", "float32", "real", "axiom-check", str(proof), "Unsafe is an output with", "≥ 1.5"):
            self.assertIn(words, found.text)

    def test_the_page_of_a_counterexample_shows_it(self):
        page = self.folder / "page.html"
        self.run_axiom(1, "verify", NET, FAILS, "--html", page)
        self.assertIn("VIOLATED", self.page(page).text)
        self.assertIn("The counterexample", self.page(page).text)

    def test_the_page_of_an_open_question_has_its_curves(self):
        page = self.folder / "page.html"
        net, question = self.hard_question()
        self.run_axiom(3, "verify", net, question, "--timeout", "1.5", "--html", page)
        found = self.page(page)
        self.assertIn("UNKNOWN", found.text)
        self.assertGreaterEqual(found.tags.count("svg"), 2)

    def test_an_input_that_is_an_image_is_drawn(self):
        net = self.file("image.onnx", onnx_writer.perceptron([64, 4, 1], random.Random(1)))
        question = self.file("q.vnnlib", onnx_writer.box_property(64, 1, 0, 1, "(>= Y_0 -1000)"))
        page = self.folder / "page.html"
        self.run_axiom(1, "verify", net, question, "--html", page)
        self.assertEqual(self.page(page).tags.count("img"), 3)

    def test_names_of_files_cannot_break_the_page(self):
        net = self.file("<b>&\"'.onnx", NET.read_bytes())
        page, junit, sarif = (self.folder / name for name in ("page.html", "j.xml", "s.sarif"))
        self.run_axiom(0, "verify", net, HOLDS, "--html", page, "--junit", junit, "--sarif", sarif)
        self.assertNotIn("b", self.page(page).tags[:6])
        xml.etree.ElementTree.parse(junit)
        json.loads(sarif.read_text())

    def test_regions_cover_the_box_and_are_what_they_are_called(self):
        # The network is |X_0 - X_1|, unsafe from 0.9 on, over the unit square.
        path = self.folder / "map.json"
        self.run_axiom(1, "verify", NET, FAILS, "--regions", path)
        found = json.loads(path.read_text())
        self.assertEqual(found["schema"], "axiom.regions.v1")
        result = found["results"][0]
        self.assertEqual((result["verdict"], result["checked"], result["inputs"]), ("violated", False, [0, 1]))
        area, unsafe = {}, 0
        for region in result["regions"]:
            (x0, y0), (x1, y1) = region["lower"], region["upper"]
            greatest = max(abs(x0 - y1), abs(x1 - y0))
            size = (x1 - x0) * (y1 - y0)
            area[region["disjunct"], region["state"]] = area.get((region["disjunct"], region["state"]), 0) + size
            if region["state"] == "violated":
                self.assertGreaterEqual(greatest, 0.9)
                unsafe += size
        self.assertGreater(unsafe, 0)
        for disjunct in result["disjuncts"]:
            self.assertAlmostEqual(sum(disjunct["shares"].values()), 1, places=6)
        # A point that is unsafe lies in no box that is called proved for all disjuncts.
        for witness in result["witnesses"]:
            proved = {r["disjunct"] for r in result["regions"] if r["state"] == "proved"
                      and all(a < v < b for a, v, b in zip(r["lower"], witness, r["upper"]))}
            self.assertLess(len(proved), len(result["disjuncts"]))
        self.assertTrue(result["witnesses"])

    def test_all_regions_of_a_proof_are_proved(self):
        path, page = self.folder / "map.json", self.folder / "map.html"
        self.run_axiom(0, "verify", NET, HOLDS, "--regions", path, "--semantics", "both")
        for result in json.loads(path.read_text())["results"]:
            self.assertTrue(result["checked"])
            self.assertEqual({region["state"] for region in result["regions"]}, {"proved"})
        self.run_axiom(1, "verify", NET, FAILS, "--regions", page, "--region-axes", "0", "1")
        self.assertIn("rect", self.page(page).tags)

    def test_senseless_report_options_are_usage_errors(self):
        for options, words in [(("--regions", "map.png"), ".json or .html"),
                               (("--region-axes", "0", "1"), "--regions or --html"),
                               (("--regions", "m.json", "--checkpoint", "c"), "does not go with")]:
            self.assertIn(words, self.run_axiom(2, "verify", NET, HOLDS, *options).stderr)
        done = self.run_axiom(2, "verify", NET, FAILS, "--regions", self.folder / "m.html", "--region-axes", "0", "7")
        self.assertIn("there is no X_7", done.stderr)

    def assert_sarif(self, path, rules):
        log = json.loads(path.read_text())
        self.assertEqual(log["version"], "2.1.0")
        run, = log["runs"]
        driver = run["tool"]["driver"]
        self.assertEqual(driver["name"], "axiom")
        ids = [rule["id"] for rule in driver["rules"]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual([result["ruleId"] for result in run["results"]], rules)
        for result in run["results"]:
            self.assertEqual(ids[result["ruleIndex"]], result["ruleId"])
            self.assertTrue(result["message"]["text"])
            self.assertIn(result["kind"], ("pass", "fail"))
            self.assertEqual(result["kind"] == "pass", result["level"] == "none")
            place = result["locations"][0]["physicalLocation"]
            self.assertRegex(place["artifactLocation"]["uri"], r"^(file:///)?[\w./%~-]+$")
            self.assertGreaterEqual(place["region"]["startLine"], 1)
            self.assertTrue(result["partialFingerprints"])
        return run["results"]

    def test_sarif_names_the_property_and_the_line(self):
        path = self.folder / "f.sarif"
        self.run_axiom(1, "verify", NET, FAILS, "--sarif", path)
        result, = self.assert_sarif(path, ["axiom/violated"])
        line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
        self.assertIn("Y_0", FAILS.read_text().splitlines()[line - 1])
        self.run_axiom(0, "verify", NET, HOLDS, "--sarif", path, "--semantics", "both")
        self.assert_sarif(path, ["axiom/verified", "axiom/verified"])
        net, question = self.hard_question()
        self.run_axiom(3, "verify", net, question, "--timeout", "0.3", "--sarif", path)
        self.assert_sarif(path, ["axiom/time"])
        self.run_axiom(4, "verify", question, question, "--sarif", path)
        self.assert_sarif(path, ["axiom/not-run"])

    def test_every_reason_has_a_rule(self):
        documented = set(re.findall(r"^\| `([a-z-]+)` \| ", (HELLO.parent.parent / "docs/schemas.md").read_text()
                                    .split("**Reasons for `unknown`**")[1].split("## ")[0], re.MULTILINE))
        path = self.folder / "f.sarif"
        self.run_axiom(0, "verify", NET, HOLDS, "--sarif", path)
        rules = json.loads(path.read_text())["runs"][0]["tool"]["driver"]["rules"]
        self.assertLessEqual({"axiom/" + reason for reason in documented}, {rule["id"] for rule in rules})
        self.assertGreaterEqual(len(documented), 8)

    def test_junit_of_one_question(self):
        path = self.folder / "j.xml"
        self.run_axiom(1, "verify", NET, FAILS, "--junit", path, "--semantics", "both")
        suite = xml.etree.ElementTree.parse(path).getroot().find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "2"))

    def rows(self, *changes):
        out = self.folder / f"{len(changes)}-{abs(hash(changes))}.csv"
        self.run_axiom(0, "sweep", HELLO / "expected.csv", "--csv", out, "--semantics", "both")
        rows = list(csv.DictReader(out.read_text().splitlines()))
        for index, column, value in changes:
            rows[index][column] = value
        with open(out, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return out

    def test_a_sweep_has_a_page_and_findings(self):
        page, sarif = self.folder / "sweep.html", self.folder / "s.sarif"
        self.run_axiom(0, "sweep", HELLO / "expected.csv", "--html", page, "--sarif", sarif)
        self.assertIn("hello", self.page(page).text)
        self.assert_sarif(sarif, ["axiom/verified", "axiom/violated"])
        self.run_axiom(1, "report", self.rows((0, "expected", "violated")), "--sarif", sarif, "--html", page)
        self.assert_sarif(sarif, ["axiom/wrong-verdict", "axiom/verified", "axiom/violated", "axiom/violated"])
        self.assertIn("Look at these first", self.page(page).text)

    def test_two_sweeps_are_compared(self):
        page = self.folder / "changes.html"
        before = self.rows((0, "seconds", "8.0"), (1, "verdict", "unknown"), (1, "reason", "time: out of it"))
        after = self.rows((0, "seconds", "2.0"), (3, "verdict", "unknown"), (3, "reason", "time: out of it <now>"))
        found = json.loads(self.run_axiom(1, "report", before, after, "--json", "--html", page).stdout)
        self.assertEqual(found["schema"], "axiom.comparison.v1")
        self.assertEqual([len(found[k]) for k in ("gained", "lost", "contradicting")], [1, 1, 0])
        self.assertLess(found["time_ratio"], 1)
        self.assertIn("out of it <now>", self.page(page).text)
        self.run_axiom(0, "report", before, self.rows((0, "seconds", "9.0")))
        wrong = self.rows((0, "verdict", "violated"))
        self.assertIn("contradicting: hello", self.run_axiom(1, "report", self.rows(), wrong).stdout)

    def test_files_that_are_no_sweeps_are_refused(self):
        for content in ("", "a,b\n1,2\n"):
            self.run_axiom(4, "report", self.file("x.csv", content))
        text = self.rows().read_text()
        done = self.run_axiom(4, "report", self.file("x.csv", text + "a,b\n"))
        self.assertIn("row 6", done.stderr)
        self.run_axiom(2, "report")


if __name__ == "__main__":
    unittest.main()
