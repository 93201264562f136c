// The main job: load, search, write the certificate, let the checker decide.
#include "certificate/certify.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <future>
#include <limits>
#include <memory>
#include <numeric>

#include "base/files.h"
#include "base/sha256.h"
#include "bounds/sweep.h"
#include "certificate/certificate.h"
#include "certificate/checker_process.h"
#include "formats/onnx/onnx.h"
#include "formats/vnnlib/vnnlib.h"
#include "graph/infer.h"
#include "graph/lowering.h"
#include "runtime/backends/reference/reference.h"
#include "runtime/executor.h"
#include "verify/replay.h"
#include "verify/search.h"

namespace axiom {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A model ready to be asked about. `no_meaning` says why there is no program, if there is none.
struct LoadedModel {
  Graph graph;
  std::unique_ptr<BoundProgram> program;
  std::string no_meaning;
};

Result<LoadedModel> load_model(const std::string& path) {
  Result<Graph> graph = read_onnx(path);
  if (!graph) return graph.error();
  LoadedModel model;
  model.graph = std::move(*graph);
  if (Status inferred = infer_shapes(model.graph); !inferred) return inferred.error();
  Result<Program> program = lower_to_program(model.graph);
  if (program) {
    model.program = std::make_unique<BoundProgram>(std::move(*program));
  } else if (program.error().kind == ErrorKind::kNotCertifiable) {
    model.no_meaning = program.error().message;
  } else {
    return program.error();
  }
  return model;
}

Result<std::vector<float>> execute(const Graph& graph, std::span<const float> input) {
  return run_flat(graph, input, *make_reference_backend());
}

// How far the search came, where it came anywhere.
std::string reached(const SearchStatistics& statistics) {
  if (!std::isfinite(statistics.worst_bound)) return "";
  char share[32];
  std::snprintf(share, sizeof share, "%.3g", std::min(100 * statistics.closed_share, 99.9));  // Some are open.
  return " (best bound " + std::to_string(statistics.worst_bound) + ", " + share + " % of the cases closed, " +
         std::to_string(statistics.open) + " sub-problems open)";
}

// What would be needed at least: as much for the rest as for the share that is closed, and a step for every open
// sub-problem. Nothing where that would be guessing.
std::string needed(const SearchStatistics& statistics) {
  const double share = statistics.closed_share, spent = statistics.earlier_seconds + statistics.seconds;
  if (!(share > 0.01 && share < 1) || statistics.nodes == 0) return "";
  const double steps = static_cast<double>(statistics.open) / static_cast<double>(statistics.nodes);
  const double more = spent * std::max((1 - share) / share, steps);
  return "; at this pace it takes at least " + std::to_string(std::lround(std::ceil(more))) + " s more";
}

bool has_softmax(const Problem& problem) {
  const std::vector<CoreOp>& ops = problem.program->program.ops;
  return std::any_of(ops.begin(), ops.end(), [](const CoreOp& op) { return op.kind == CoreKind::kSoftmax; });
}

std::string explain(const SearchResult& result, const Problem& problem) {
  const std::string margin = reached(result.statistics);
  const std::string softmax = "; of a Softmax only signs and sums are proved: ask about the scores that it reads";
  switch (result.end) {
    case SearchEnd::kTime:
      return "the time limit was reached" + margin + needed(result.statistics) +
             "; give it more --timeout or --threads" + (has_softmax(problem) ? softmax : "");
    case SearchEnd::kMemory:
      return "the open sub-problems filled the memory" + margin + "; cut the input box into parts";
    case SearchEnd::kInterrupted:
      return "stopped on request" + margin + needed(result.statistics);
    case SearchEnd::kOverflow:
      return "an overflow, a divisor of 0 or a root of a negative number cannot be excluded over the input box; shrink "
             "the box";
    case SearchEnd::kGap:
      return "nothing is left to split and the bound stays at or below 0" + margin +
             (has_softmax(problem) ? softmax
              : problem.semantics == Semantics::kFloat32
                  ? "; rounding errors may be larger than the margin: try --semantics real"
                  : "; the property may hold with equality");
    default:
      return "";
  }
}

/// Whether a search that a limit ended could be gone on from.
bool leaves_work(const Decision& decision) {
  return decision.reason == UnknownReason::kTime || decision.reason == UnknownReason::kMemory ||
         decision.reason == UnknownReason::kInterrupted;
}

UnknownReason reason_of(SearchEnd end, const Problem& problem) {
  switch (end) {
    case SearchEnd::kTime:
      return UnknownReason::kTime;
    case SearchEnd::kMemory:
      return UnknownReason::kMemory;
    case SearchEnd::kInterrupted:
      return UnknownReason::kInterrupted;
    case SearchEnd::kOverflow:
      return UnknownReason::kOverflow;
    case SearchEnd::kGap:
      return problem.semantics == Semantics::kFloat32 && !has_softmax(problem) ? UnknownReason::kRoundingMargin
                                                                               : UnknownReason::kRelaxationGap;
    default:
      return UnknownReason::kNone;
  }
}

// One run of `decide`: everything that both semantics share. What one found, a proof or a witness, the other tries
// first.
class Job {
 public:
  Job(const LoadedModel& model, const Property& property, const DecideOptions& options, PlainFile model_file,
      PlainFile property_file)
      : model_(model),
        property_(property),
        options_(options),
        model_file_(std::move(model_file)),
        property_file_(std::move(property_file)) {}

  /// Searches at once. The certificate is sealed when the answer is asked for, or beside what comes next when
  /// `concurrent`. `start` is that of all, `began` of this semantics. The job must outlive the answer.
  std::future<Result<Decision>> decide(Semantics semantics, Clock::time_point start, Clock::time_point began,
                                       bool concurrent);
  /// Empty: none is asked for.
  std::string checkpoint_path(Semantics semantics) const;

 private:
  struct Found {
    Decision decision;
    std::shared_ptr<const std::string> proof;  // To be sealed; null: none, the decision is complete.
  };
  Result<Found> find(Semantics semantics, Clock::time_point start);
  Result<Decision> seal(Decision decision, const std::string& proof) const;
  std::string destination(Semantics semantics) const;
  Status plan_checkpoint(const Problem& problem, SearchOptions& options) const;

  const LoadedModel& model_;
  const Property& property_;
  const DecideOptions& options_;
  PlainFile model_file_, property_file_;
  std::shared_ptr<const std::string> last_proof_;
  std::deque<ProofNode> last_tree_nodes_;  // Of that proof, the root first.
  std::optional<Witness> last_witness_;
  uint64_t last_leaves_ = 0, last_nodes_ = 0;
  SearchTree last_tree_;  // With keep_tree.
};

std::string Job::destination(Semantics semantics) const {
  if (options_.certificate_path.empty()) {
    const auto name = "axiom-" + std::to_string(getpid()) + "-" + std::string(semantics_name(semantics)) + ".cert";
    return (std::filesystem::temp_directory_path() / name).string();
  }
  const bool second = options_.semantics.size() > 1 && semantics == Semantics::kReal;
  return options_.certificate_path + (second ? ".real" : "");
}

std::string Job::checkpoint_path(Semantics semantics) const {
  if (options_.checkpoint_path.empty()) return "";
  const bool second = options_.semantics.size() > 1 && semantics == Semantics::kReal;
  return options_.checkpoint_path + (second ? ".real" : "");
}

// Where the search is saved, and what it goes on from. A file that cannot be written is found out now, not after hours.
Status Job::plan_checkpoint(const Problem& problem, SearchOptions& options) const {
  options.checkpoint.path = checkpoint_path(problem.semantics);
  if (options.checkpoint.path.empty()) return {};
  options.checkpoint.every_seconds = options_.checkpoint_seconds;
  options.checkpoint.identity = {AXIOM_VERSION, model_.graph.model_digest, property_.digest, problem.semantics};
  if (options_.resume && std::filesystem::exists(options.checkpoint.path)) {
    Result<SavedSearch> saved = read_checkpoint(options.checkpoint.path, options.checkpoint.identity, problem);
    if (!saved) return saved.error();
    options.resume = std::move(*saved);
  }
  const Result<AtomicFile> writable = AtomicFile::create(options.checkpoint.path);
  return writable ? Status() : Status(writable.error());
}

// Writes the certificate, has it checked; the verdict is the checker's. A rejected file is removed.
Result<Decision> Job::seal(Decision decision, const std::string& proof) const {
  const std::string bytes =
      encode_certificate(decision.semantics, model_.graph.model_digest, property_, model_.program->program, proof);
  const std::string path = destination(decision.semantics);
  if (Status written = write_file(path, bytes); !written) return written.error();
  Result<CheckOutcome> outcome = run_checker_on_plain_files(
      path, model_file_.path(), property_file_.path(), decision.semantics, options_.checker_path, options_.threads);
  const bool keep = outcome && outcome->accepted && !options_.certificate_path.empty();
  if (!keep) std::filesystem::remove(path);
  if (!outcome) return outcome.error();
  decision.check_seconds += outcome->seconds;
  decision.certificate_bytes = bytes.size();
  if (!outcome->accepted) {
    decision.verdict = Verdict::kUnknown;
    decision.reason = UnknownReason::kCertificateRejected;
    decision.explanation = "the checker did not accept the certificate: " + outcome->line;
    return decision;
  }
  decision.verdict = Verdict::kVerified;
  decision.certificate_digest = sha256_hex(bytes);
  if (keep) decision.certificate_path = path;
  return decision;
}

Result<Job::Found> Job::find(Semantics semantics, Clock::time_point start) {
  Found found;
  Decision& decision = found.decision;
  decision.semantics = semantics;
  if (model_.program == nullptr) {
    decision.reason = UnknownReason::kNoCertifiedMeaning;
    decision.explanation = model_.no_meaning;
    return found;
  }
  Result<Problem> problem = bind_property(*model_.program, property_, semantics);
  if (!problem) return problem.error();
  if (last_proof_) {  // The same tree usually proves the other semantics too; the checker says. If not, it is a draft.
    Decision again = decision;
    again.nodes = last_nodes_;
    again.leaves = last_leaves_;
    again.closed_share = 1;
    again.tree = last_tree_;
    if (options_.keep_tree) again.regions = input_regions(last_tree_, *problem);
    Result<Decision> sealed = seal(std::move(again), *last_proof_);
    if (!sealed) return sealed.error();
    if (sealed->verdict == Verdict::kVerified) return Found{std::move(*sealed), nullptr};
    decision.check_seconds = sealed->check_seconds;
  }
  const Execute run_at = [this](std::span<const float> input) { return execute(model_.graph, input); };
  const Confirm confirm = [&](size_t disjunct, std::span<const double> point, const std::string& origin) {
    return replay(*problem, run_at, disjunct, point, origin);
  };
  SearchOptions options;
  options.timeout_seconds = std::max(0.0, options_.timeout_seconds - since(start));
  options.nominal_seconds = options_.timeout_seconds;
  options.threads = options_.threads;
  options.seed = options_.seed;
  options.stop = options_.stop;
  options.known_witness = last_witness_ ? &*last_witness_ : nullptr;
  if (options_.on_progress) {
    options.on_progress = [this, semantics](const SearchStatistics& s) {
      options_.on_progress({s.seconds, s.nodes, s.leaves, s.open, s.worst_bound, s.closed_share, semantics});
    };
  }
  if (!last_tree_nodes_.empty()) options.draft = &last_tree_nodes_.front();
  options.keep_tree = options_.keep_tree;
  options.map_violations = options_.keep_tree && options_.map_violations;
  if (Status planned = plan_checkpoint(*problem, options); !planned) return planned.error();
  SearchResult result = search(*problem, std::move(options), confirm);
  if (result.checkpoint) decision.checkpoint_path = checkpoint_path(semantics);
  if (!result.saved) decision.checkpoint_problem = result.saved.error().message;
  decision.earlier_seconds = result.statistics.earlier_seconds;
  decision.closed_share = result.end == SearchEnd::kProved ? 1 : result.statistics.closed_share;
  if (options_.keep_tree) {
    decision.regions = input_regions(result.tree, *problem);
    decision.tree = last_tree_ = std::move(result.tree);
  }
  decision.search_seconds = result.statistics.seconds;
  decision.nodes = result.statistics.nodes;
  decision.leaves = result.statistics.leaves;
  decision.best_bound = result.statistics.worst_bound;
  if (result.end == SearchEnd::kViolated) {
    decision.verdict = Verdict::kViolated;
    decision.witness = last_witness_ = std::move(result.witness);
    return found;
  }
  if (result.end != SearchEnd::kProved) {
    decision.reason = reason_of(result.end, *problem);
    decision.explanation = explain(result, *problem);
    return found;
  }
  found.proof = last_proof_ = std::make_shared<const std::string>(std::move(result.proof));
  last_tree_nodes_ = std::move(result.nodes);
  last_nodes_ = decision.nodes;
  last_leaves_ = decision.leaves;
  return found;
}

std::future<Result<Decision>> Job::decide(Semantics semantics, Clock::time_point start, Clock::time_point began,
                                          bool concurrent) {
  auto finish = [this, began](Result<Found> found) -> Result<Decision> {
    if (!found) return found.error();
    Result<Decision> decision =
        found->proof ? seal(std::move(found->decision), *found->proof) : Result<Decision>(std::move(found->decision));
    if (decision) decision->seconds = since(began);
    return decision;
  };
  return std::async(concurrent ? std::launch::async | std::launch::deferred : std::launch::deferred, std::move(finish),
                    find(semantics, start));
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kVerified:
      return "verified";
    case Verdict::kViolated:
      return "violated";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view reason_name(UnknownReason reason) {
  switch (reason) {
    case UnknownReason::kNone:
      return "";
    case UnknownReason::kTime:
      return "time";
    case UnknownReason::kMemory:
      return "memory";
    case UnknownReason::kNoCertifiedMeaning:
      return "no-certified-meaning";
    case UnknownReason::kRelaxationGap:
      return "relaxation-gap";
    case UnknownReason::kRoundingMargin:
      return "rounding-margin";
    case UnknownReason::kOverflow:
      return "overflow";
    case UnknownReason::kInterrupted:
      return "interrupted";
    case UnknownReason::kCertificateRejected:
      return "certificate-rejected";
  }
  return "";
}

std::string_view semantics_name(Semantics semantics) { return semantics == Semantics::kReal ? "real" : "float32"; }

Result<DecisionReport> decide(const std::string& model_path, const std::string& property_path,
                              const DecideOptions& options) {
  const Clock::time_point start = Clock::now();
  if (Result<std::string> checker = find_checker(options.checker_path); !checker) return checker.error();
  Result<LoadedModel> model = load_model(model_path);
  if (!model) return model.error();
  Result<Property> property = read_vnnlib(property_path, model->graph);
  if (!property) return property.error();
  Result<PlainFile> plain_model = PlainFile::of(model_path);
  if (!plain_model) return plain_model.error();
  Result<PlainFile> plain_property = PlainFile::of(property_path);
  if (!plain_property) return plain_property.error();
  DecisionReport report{model_path, property_path, model->graph.model_digest, property->digest, "", {}, since(start)};
  Job job(*model, *property, options, std::move(*plain_model), std::move(*plain_property));
  // While the checker is at the certificate of one semantics, the other is looked at.
  std::vector<std::future<Result<Decision>>> answers;
  for (const Semantics semantics : options.semantics) {
    const bool concurrent = options.threads > 1 && semantics != options.semantics.back();
    answers.push_back(job.decide(semantics, start, answers.empty() ? start : Clock::now(), concurrent));
    if (!concurrent) answers.back().wait();
  }
  for (std::future<Result<Decision>>& answer : answers) {
    Result<Decision> decision = answer.get();
    if (!decision) return decision.error();
    report.decisions.push_back(std::move(*decision));
  }
  const bool undecided = std::any_of(report.decisions.begin(), report.decisions.end(), leaves_work);
  for (const Semantics semantics : options.semantics) {
    const std::string path = job.checkpoint_path(semantics);
    if (!undecided && !path.empty()) std::filesystem::remove(path);
  }
  return report;
}

Result<std::optional<Witness>> attack_files(const std::string& model_path, const std::string& property_path,
                                            const DecideOptions& options) {
  const Clock::time_point start = Clock::now();
  Result<LoadedModel> model = load_model(model_path);
  if (!model) return model.error();
  Result<Property> property = read_vnnlib(property_path, model->graph);
  if (!property) return property.error();
  if (model->program == nullptr) return not_certifiable(model->no_meaning);
  const Semantics semantics = options.semantics.empty() ? Semantics::kFloat32 : options.semantics.front();
  Result<Problem> problem = bind_property(*model->program, *property, semantics);
  if (!problem) return problem.error();
  const Execute run_at = [&](std::span<const float> input) { return execute(model->graph, input); };
  const Confirm confirm = [&](size_t disjunct, std::span<const double> point, const std::string& origin) {
    return replay(*problem, run_at, disjunct, point, origin);
  };
  Evaluator evaluator(*model->program);
  AttackPlan plan;
  plan.stop = [&] {
    return since(start) > options.timeout_seconds || (options.stop != nullptr && options.stop->load());
  };
  plan.seed = options.seed;
  plan.restarts = std::numeric_limits<int>::max();
  std::vector<size_t> disjuncts(problem->disjuncts.size());
  std::iota(disjuncts.begin(), disjuncts.end(), size_t{0});
  return attack(*problem, disjuncts, evaluator, plan, confirm);
}

Result<BoundsReport> bound_files(const std::string& model_path, const std::string& box_path, Semantics semantics) {
  Result<LoadedModel> model = load_model(model_path);
  if (!model) return model.error();
  Result<Property> property = read_vnnlib(box_path, model->graph);
  if (!property) return property.error();
  if (model->program == nullptr) return not_certifiable(model->no_meaning);
  Result<Problem> problem = bind_property(*model->program, *property, semantics);
  if (!problem) return problem.error();
  if (problem->disjuncts.empty()) return invalid_input(box_path + ": the property has no input box");
  BoundContext context(*model->program, semantics);
  Sweep sweep(*model->program);
  context.reset(problem->hull_lo, problem->hull_hi);
  PropagatePlan plan;
  plan.check_premise = true;
  if (propagate(context, sweep, plan) == PropagateEnd::kOverflow) {
    return not_certifiable(
        "an overflow, a divisor of 0 or a root of a negative number cannot be excluded over the box; shrink it");
  }
  const uint32_t end = static_cast<uint32_t>(model->program->ops.size());
  context.refresh(end);
  BoundsReport report;
  report.semantics = semantics;
  for (const CoreOp& op : model->program->program.ops) {
    LayerBounds layer{op.name, {}, {}};
    for (ElementId e = op.first; e < op.first + op.count; ++e) {
      layer.lower.push_back(context.lo(e));
      layer.upper.push_back(context.hi(e));
    }
    report.layers.push_back(std::move(layer));
  }
  report.output.name = "output";
  for (const ElementId e : model->program->program.outputs) {
    double bounds[2] = {context.lo(e), context.hi(e)};
    sweep.begin(2);
    sweep.add(0, e, 1);
    sweep.add(1, e, -1);
    sweep.run(context, end - 1);
    report.output.lower.push_back(spec_max(bounds[0], sweep.bound(0)));
    report.output.upper.push_back(spec_min(bounds[1], -sweep.bound(1)));
  }
  return report;
}

}  // namespace axiom
