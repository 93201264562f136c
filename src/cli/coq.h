// Running Coq's compiler on a folder of files, under limits.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace axiom::cli {

/// What Debian needs for axiom-check-coq to be built.
inline constexpr std::string_view kExtractionPackages = "coq libcoq-flocq ocaml-nox ocaml-findlib libzarith-ocaml-dev";

struct CoqSetup {
  std::string coqc;           ///< The program.
  std::string library;        ///< Folder of the compiled library AxiomProofs.
  std::string folder;         ///< Folder of the files, which are `Certificate.<name>`.
  double seconds = 0;         ///< Time left, for one call.
  uint64_t memory_bytes = 0;  ///< For each process.
};

/// `coqc` in PATH. Error: not there, with the packages to install.
Result<std::string> find_coqc();

/// The first line of `coqc --version`.
Result<std::string> coqc_version(const std::string& coqc);

/// The compiled library: `library`, or when empty the folder proofs/ of the source tree that the running program was
/// built in. Error: not there or not compiled.
Result<std::string> find_coq_library(const std::string& library);

/// How the compilation of one file ended. Times are wall clock.
struct CoqRun {
  std::string name;
  bool accepted = false;  ///< Exit code 0.
  bool timed_out = false, out_of_memory = false, interrupted = false;
  double seconds = 0, peak_mb = 0;
  std::string output, errors;
};

/// Compiles folder/name.v for files that do not use each other, `jobs` at a time. Stops at the first that is not
/// accepted, which is then the last run of the answer; else the runs are in the order of the names. `on_tick` is called
/// about ten times a second with the number of files that are done. Error: a process could not be started.
Result<std::vector<CoqRun>> compile_coq(const CoqSetup& setup, const std::vector<std::string>& names, size_t jobs,
                                        const std::function<void(size_t)>& on_tick);

}  // namespace axiom::cli
