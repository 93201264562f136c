// A result of `axiom sweep`: one instance under one semantics. Its CSV form is the memory of a sweep.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "cli/csv.h"
#include "cli/instances.h"
#include "cli/output.h"

namespace axiom::cli {

struct SweepRow {
  std::string family, onnx, vnnlib;
  std::string expected;   ///< "verified", "violated" or "open".
  std::string semantics;  ///< "float32" or "real".
  std::string verdict;    ///< "verified", "violated", "unknown", or "error" when the instance could not be run.
  double seconds = 0;
  uint64_t leaves = 0, certificate_bytes = 0;
  double check_seconds = 0;
  double peak_mb = 0;
  std::string reason;  ///< Why unknown or an error; what kind of witness.

  bool decided() const { return verdict == "verified" || verdict == "violated"; }
  /// A verdict against the expected one.
  bool wrong() const { return decided() && expected != "open" && verdict != expected; }
  bool is(const Instance& instance, std::string_view of_semantics) const {
    return family == instance.family && onnx == instance.onnx && vnnlib == instance.vnnlib && semantics == of_semantics;
  }
};

/// The header line of the CSV: family,onnx,vnnlib,expected,semantics,verdict,...
const CsvRow& sweep_columns();
CsvRow to_csv(const SweepRow& row);
Json to_json(const SweepRow& row);

/// The rows of a file that `axiom sweep` wrote; a last line without its line break is left out.
Result<std::vector<SweepRow>> read_sweep(const std::string& path);

/// The rows so far, and the CSV file that they are appended to as they come, if there is one. A row counts as written
/// once its line break is: what an interrupted run left behind it is cut off.
class Ledger {
 public:
  /// Without a path nothing is written. With `resume` the rows of an existing file are kept, else it is replaced.
  static Result<Ledger> open(const std::string& path, bool resume);
  /// Writes the rows with one call to the system.
  Status add(const std::vector<SweepRow>& rows);
  const SweepRow* find(const Instance& instance, std::string_view semantics) const;
  const std::vector<SweepRow>& rows() const { return rows_; }

 private:
  std::string path_;
  FileDescriptor file_;
  std::vector<SweepRow> rows_;
};

}  // namespace axiom::cli
