// What `axiom sweep` runs: families of instances, read from instances.csv files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bounds/arithmetic.h"

namespace axiom::cli {

/// One line of an instances.csv.
struct Instance {
  std::string family;          ///< Name of the folder of the csv.
  std::string folder;          ///< That folder; the paths are relative to it.
  std::string onnx, vnnlib;    ///< As the csv spells them.
  double timeout_seconds = 0;  ///< 0: not stated.
  std::string expected;        ///< "verified", "violated", or empty when nobody knows.
  std::string expected_real;   ///< The same for the semantics `real`; equals `expected` unless a column says otherwise.

  std::string_view expected_in(std::string_view semantics) const {
    return semantics == "real" ? expected_real : expected;
  }
};

/// Reads `path`: a csv, a folder with an instances.csv, or a folder of such folders (in order of their names).
///
/// The first line names the columns: onnx, vnnlib and, if known, timeout_s, expected (verified or unsat, violated or
/// sat, anything else: open), expected_real; others are ignored. Without such a line: onnx, vnnlib, timeout_s.
Result<std::vector<Instance>> read_instances(const std::string& path);

/// Those whose "family/onnx vnnlib" contains `filter`; of each family the first `limit` of them (0: all).
std::vector<Instance> select_instances(const std::vector<Instance>& all, const std::string& filter, size_t limit);

}  // namespace axiom::cli
