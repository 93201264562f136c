// The table of enclosures of the logistic function, and the lines made from it.
#pragma once

#include "hull.h"

namespace checker {

Curve sigmoid_curve(double l, double h);

}  // namespace checker
