// Adam (Kingma and Ba 2015), upwards.
#pragma once

#include <cmath>

namespace axiom {

/// Step t = 1, 2, ... of an ascent: what to add to a parameter, given its running moments, which it updates.
struct Adam {
  float rate, first, second;
  Adam(float learning_rate, int t)
      : rate(learning_rate),
        first(1 - std::pow(0.9f, static_cast<float>(t))),
        second(1 - std::pow(0.999f, static_cast<float>(t))) {}
  float operator()(float& mean, float& square, float gradient) const {
    mean = 0.9f * mean + 0.1f * gradient;
    square = 0.999f * square + 0.001f * gradient * gradient;
    return rate * (mean / first) / (std::sqrt(square / second) + 1e-12f);
  }
};

}  // namespace axiom
