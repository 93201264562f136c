// The main job: decide a property of a model, and never say `verified` without the checker's consent.
//
// `decide` is the only maker of Verdict::kVerified. It searches (verify/), writes the certificate, runs the
// independent program axiom-check on the very bytes, and reports what that program said.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bounds/arithmetic.h"
#include "verify/search_tree.h"
#include "verify/witness.h"

namespace axiom {

enum class Verdict { kVerified, kViolated, kUnknown };

/// Why a verdict is `unknown`; the closed set of failure categories of axiom.verdict.v1.
enum class UnknownReason {
  kNone,
  kTime,
  kMemory,
  kNoCertifiedMeaning,
  kRelaxationGap,
  kRoundingMargin,
  kOverflow,
  kInterrupted,
  kCertificateRejected
};

std::string_view verdict_name(Verdict verdict);        ///< "verified", "violated", "unknown"
std::string_view reason_name(UnknownReason reason);    ///< "time", "memory", "no-certified-meaning", ...
std::string_view semantics_name(Semantics semantics);  ///< "real", "float32"

/// What is known while a search runs.
struct SearchProgress {
  double seconds = 0;
  uint64_t nodes = 0, leaves = 0, open = 0;
  double worst_bound = 0;   ///< Least bound among the open nodes (above 0 everywhere = proved).
  double closed_share = 0;  ///< Of the cases: 0 to 1.
  Semantics semantics = Semantics::kFloat32;
};

struct DecideOptions {
  std::vector<Semantics> semantics{Semantics::kFloat32};  ///< Several: one tree, sealed for each.
  double timeout_seconds = 60;                            ///< Wall clock for all of it, sealing and checking included.
  int threads = 1;                                        ///< Of the search, and of the checker.
  uint64_t seed = 1;
  std::string certificate_path;  ///< Empty: the certificate is checked and deleted. With two semantics the second goes
                                 ///< to PATH with ".real" appended.
  std::string checker_path;      ///< Empty: `axiom-check` beside the running program.
  const std::atomic<bool>* stop = nullptr;                 ///< Set by Ctrl-C.
  std::function<void(const SearchProgress&)> on_progress;  ///< Called about ten times a second (with keep_tree a
                                                           ///< hundred times), from one thread at a time.
  /// The state of the search is written here now and then, and when a limit ends it; removed once the question is
  /// decided. Empty: nowhere. With two semantics the second has its own file, with ".real" appended.
  std::string checkpoint_path;
  double checkpoint_seconds = 10;  ///< From one writing to the next, at least.
  bool resume = false;             ///< Go on from the file, where there is one.
  bool keep_tree = false;          ///< Decision::tree and Decision::regions are wanted.
  bool map_violations = false;     ///< With keep_tree: find out how far a violation reaches, within the time.
};

/// The answer for one semantics.
struct Decision {
  Semantics semantics = Semantics::kFloat32;
  Verdict verdict = Verdict::kUnknown;
  UnknownReason reason = UnknownReason::kNone;
  std::string explanation;  ///< One line: why unknown, where, and what to try.
  double best_bound = 0;    ///< Least bound reached over the open part (relaxation gap), for `unknown`.
  double closed_share = 0;  ///< Share of the cases that the search has closed: 0 to 1.
  std::optional<Witness> witness;
  double seconds = 0;  ///< Wall clock of this semantics, all included; two may overlap.
  double search_seconds = 0, check_seconds = 0;
  uint64_t nodes = 0, leaves = 0;
  uint64_t certificate_bytes = 0;
  std::string certificate_digest;  ///< Hex SHA-256 of the accepted certificate.
  std::string certificate_path;    ///< Where it was kept; empty if deleted.
  double earlier_seconds = 0;      ///< Searched before the checkpoint that this run went on from.
  std::string checkpoint_path;     ///< The file to go on from; empty: none.
  std::string checkpoint_problem;  ///< Why the last state is not in the file; empty: no problem.
  SearchTree tree;                 ///< With keep_tree; empty where no search was needed.
  std::vector<InputRegion> regions;
};

struct DecisionReport {
  std::string model_path, property_path, model_digest, property_digest;
  std::string property_description;  ///< One line about a property that is no file; else empty.
  std::vector<Decision> decisions;   ///< In the order of DecideOptions::semantics.
  double load_seconds = 0;
};

/// Errors: unreadable or malformed files, models that cannot even be run, usage. A model that runs but has no certified
/// meaning is a decision `unknown`, not an error.
Result<DecisionReport> decide(const std::string& model_path, const std::string& property_path,
                              const DecideOptions& options);

/// Runs axiom-check; the outcome of a `check` command.
struct CheckOutcome {
  bool accepted = false;
  std::string line;  ///< What the checker printed.
  double seconds = 0;
  int exit_code = 0;
};
/// `threads`: of the checker; a program that is not ours is given 1. `nodes_path`: where the checker writes the nodes
/// of an accepted tree (TreeNode); empty: nowhere.
Result<CheckOutcome> run_checker(const std::string& certificate_path, const std::string& model_path,
                                 const std::string& property_path, std::optional<Semantics> semantics,
                                 const std::string& checker_path, int threads = 1, const std::string& nodes_path = "");

/// Searches for a counterexample only. Empty optional: none found.
Result<std::optional<Witness>> attack_files(const std::string& model_path, const std::string& property_path,
                                            const DecideOptions& options);

/// Output bounds over a box, and per layer; for `axiom bounds`.
struct LayerBounds {
  std::string name;  ///< ONNX node (the last of its cluster), or "output".
  std::vector<double> lower, upper;
};
struct BoundsReport {
  std::vector<LayerBounds> layers;  ///< Core operators in order.
  LayerBounds output;
  Semantics semantics = Semantics::kFloat32;
};
/// `box_path`: a VNN-LIB file whose X box is used (outputs constraints ignored).
Result<BoundsReport> bound_files(const std::string& model_path, const std::string& box_path, Semantics semantics);

}  // namespace axiom
