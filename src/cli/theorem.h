// A certificate as a theorem: what `axiom theorem` and the judge coq-kernel of `axiom check` share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "certificate/export/coq/assumptions.h"
#include "certificate/export/coq/theory.h"
#include "cli/coq.h"
#include "cli/output.h"
#include "graph/program.h"
#include "graph/property.h"

namespace CLI {
class App;
}

namespace axiom::cli {

struct TheoremRequest {
  std::string certificate, model, property;
  std::string folder;   ///< Where the files stay; empty: nowhere, so messages do not name it.
  std::string library;  ///< As given to find_coq_library.
  double timeout = 1200;
  uint64_t memory_mb = 4096;  ///< For each process of Coq.
  uint64_t leaves_per_file = 1000;
  size_t jobs = std::max(1u, std::thread::hardware_concurrency());
  bool checked_first = true;  ///< axiom-check decides before Coq does; otherwise Coq decides by itself.
};

/// --library, --timeout and --memory.
void add_coq_options(CLI::App& app, TheoremRequest& request);

/// What is known of the theorem: all that is reported.
struct TheoremReport {
  std::string statement;
  std::vector<CoqAssumption> assumptions;
  std::string semantics, model_digest, property_digest, certificate_digest;
  std::string kernel;                   ///< What `coqc --version` says first.
  std::string library, library_digest;  ///< Its folder, and what library_digest() makes of it.
  uint64_t tree_bytes = 0, leaves_per_file = 1000;
  struct File {
    std::string name;
    uint64_t bytes = 0;
    double seconds = 0, peak_mb = 0;
  };
  std::vector<File> files;
  double seconds = 0;  ///< Wall clock of all of them.

  double peak_mb() const {
    double peak = 0;
    for (const File& file : files) peak = std::max(peak, file.peak_mb);
    return peak;
  }
};

struct Theory {
  Program program;
  Property property;
  std::string certificate;  ///< Its bytes, decompressed.
  std::vector<TreeNode> nodes;
  std::vector<TheoryFile> files;
  TheoremReport report;
  TheorySource source() const;
};

/// Reads certificate, model and property and makes the files. kCertificate: the certificate is malformed, is about
/// another model or property, or was rejected by axiom-check (`checked_first`).
Result<Theory> make_theory(const TheoremRequest& request);

/// Writes the files and removes what an earlier run compiled from others of the same names.
Status write_theory(const std::string& folder, const std::vector<TheoryFile>& files);

/// Compiles the files as they lie in setup.folder and holds Coq's answer to the expected statement and axioms; fills in
/// theory.report. kCertificate: Coq does not accept the theorem. kNotCertifiable: the proved checker does not cover the
/// network. kResource: time or memory.
Status compile_theory(CoqSetup setup, const TheoremRequest& request, Theory& theory);

Json assumptions_json(const std::vector<CoqAssumption>& assumptions);

}  // namespace axiom::cli
