#!/usr/bin/env python3
"""make_sigmoid_table.py OUTPUT: the table of spec/certificate.md section 6.

For k = 0 .. 1024 the greatest double <= sigmoid(k / 64), as C hexadecimal
floating literals separated by commas. The least double >= it is the next one,
except at k = 0, where both are 0.5. Standard library only: sigmoid is evaluated
with 80 decimal digits, and a double is chosen only when the 60-digit enclosure of
the value lies strictly between two neighbouring doubles.
"""

import math
import sys
from decimal import Decimal, getcontext

getcontext().prec = 80
MARGIN = Decimal(10) ** -60


def greatest_double_below(k):
    if k == 0:
        return 0.5
    value = 1 / (1 + (-Decimal(k) / 64).exp())
    double = float(value)
    if Decimal(double) > value:
        double = math.nextafter(double, 0.0)
    assert Decimal(double) < value - MARGIN and value + MARGIN < Decimal(math.nextafter(double, 1.0)), k
    return double


with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write("// Made by checker/make_sigmoid_table.py: the greatest double <= sigmoid(k / 64), k = 0 .. 1024.\n")
    for k in range(1025):
        out.write(greatest_double_below(k).hex() + ",\n")
