#!/usr/bin/env python3
"""make_sigmoid_table.py: writes SigmoidTable.v from the numbers of ../checker/sigmoid_table.inc."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
LINES = (HERE.parent / "checker" / "sigmoid_table.inc").read_text(encoding="ascii").splitlines()
numbers = [line.rstrip(",") for line in LINES if line.startswith("0x")]
assert len(numbers) == 1025

(HERE / "SigmoidTable.v").write_text(
    "(* Made by make_sigmoid_table.py: for k = 0 .. 1024 the greatest double <= sigmoid(k / 64). Nothing is trusted about\n"
    "   these numbers: Logistic.v proves what it uses of them. *)\n"
    "From Coq Require Import List Floats.\nImport ListNotations.\nLocal Open Scope float_scope.\n\n"
    "Definition below : list float := [\n" + ";\n".join(numbers) + "].\n", encoding="ascii")
