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
  std::string coqc;     ///< The program.
  std::string library;  ///< Folder of the compiled library AxiomProofs.
  std::string folder;   ///< Folder of the files, which are `Certificate.<name>`.
  double seconds = 0;   ///< Time left, for one file or several.
  uint64_t memory_bytes = 0;
};

/// `coqc` in PATH. Error: not there, with the packages to install.
Result<std::string> find_coqc();

/// The first line of `coqc --version`.
Result<std::string> coqc_version(const std::string& coqc);

/// The compiled library: `library`, or when empty the folder proofs/ of the source tree that the running program was
/// built in. Error: not there or not compiled.
Result<std::string> find_coq_library(const std::string& library);

/// How the compilation of one file ended.
struct CoqRun {
  bool accepted = false;  ///< Exit code 0.
  bool timed_out = false, out_of_memory = false, interrupted = false;
  double seconds = 0, peak_mb = 0;
  std::string output, errors;
};

/// Compiles folder/name.v. `on_tick` is called about ten times a second with the seconds so far. Error: it could not be
/// started.
Result<CoqRun> compile_coq(const CoqSetup& setup, std::string_view name, const std::function<void(double)>& on_tick);

}  // namespace axiom::cli
