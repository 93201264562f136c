// axiom verify: the main job.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "base/files.h"
#include "base/progress.h"
#include "certificate/checker_process.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/interrupt.h"
#include "cli/library_options.h"
#include "cli/options.h"
#include "cli/region_map.h"
#include "cli/robust.h"
#include "cli/verdict.h"
#include "cli/verify_page.h"

namespace axiom::cli {
namespace {

struct Arguments {
  std::string model, property, semantics = "float32", vnncomp;
  DecideOptions options;
  LibraryArguments library;
  std::string html, sarif, junit, regions;
  std::vector<size_t> region_axes;
  RobustArguments robust;
  bool json = false;
};

/// Redraws the progress line as the search reports (draws nothing where stderr is no terminal), and keeps the history.
std::function<void(const SearchProgress&)> listen(const std::shared_ptr<Progress>& progress, SearchHistory& history) {
  return [progress, &history](const SearchProgress& state) {
    history.add(state);
    progress->update(static_cast<int64_t>(state.nodes),
                     fmt::format("{} leaves, {} open, bound {:.4g}", state.leaves, state.open, state.worst_bound));
  };
}

DecisionReport stopped_report(const std::string& model, const std::string& property, const DecideOptions& options,
                              const std::string& why) {
  DecisionReport report;
  report.model_path = model;
  report.property_path = property;
  for (const Semantics semantics : options.semantics) {
    Decision& decision = report.decisions.emplace_back();
    decision.semantics = semantics;
    decision.reason = UnknownReason::kMemory;
    decision.explanation = why;
  }
  return report;
}

/// The text of a library property as a file, in place of PROPERTY; nothing when PROPERTY was given.
Result<std::optional<PlainFile>> library_file(Arguments& arguments, std::string& description) {
  LibraryArguments& library = arguments.library;
  if (library.name.empty()) {
    if (arguments.property.empty())
      return usage_error("PROPERTY is required: a file, or a property of the library by --property NAME");
    if (any_library_option(library))
      return usage_error("--input-range, --inputs, --output-range, --tolerance and --any-of belong to --property NAME");
    return std::optional<PlainFile>();
  }
  if (!arguments.property.empty())
    return usage_error("PROPERTY and --property NAME are two questions; give one of them");
  library.model = arguments.model;
  Result<LibraryText> text = library_text(library);
  if (!text) return text.error();
  description = text->description;
  Result<PlainFile> file = PlainFile::holding(text->vnnlib);
  if (!file) return file.error();
  arguments.property = file->path();
  return std::optional<PlainFile>(std::move(*file));
}

/// A limit of memory or size that stopped the engine leaves the question open: unknown, not a failure of the program.
Result<DecisionReport> decide_within_limits(const std::string& model, const std::string& property,
                                            const DecideOptions& options) {
  try {
    Result<DecisionReport> report = decide(model, property, options);
    if (report || report.error().kind != ErrorKind::kResource) return report;
    return stopped_report(model, property, options, report.error().message);
  } catch (const std::bad_alloc&) {
    return stopped_report(model, property, options,
                          "out of memory; give it more memory, fewer threads or a smaller box");
  }
}

Status write_vnncomp(const std::string& path, const Result<DecisionReport>& report) {
  if (path.empty()) return {};
  return write_file(path, report ? vnncomp_text(*report) : "error\n");
}

std::optional<RegionAxes> wanted_axes(const Arguments& arguments) {
  if (arguments.region_axes.size() != 2) return std::nullopt;
  return RegionAxes{arguments.region_axes[0], arguments.region_axes[1]};
}

/// What can be said before hours of search.
Status check_report_options(const Arguments& arguments) {
  const std::string& regions = arguments.regions;
  if (!regions.empty() && !regions.ends_with(".json") && !regions.ends_with(".html"))
    return usage_error("--regions FILE ends with .json or .html; this is " + regions);
  if (!arguments.region_axes.empty() && regions.empty() && arguments.html.empty())
    return usage_error("--region-axes belongs to --regions or --html");
  if (!regions.empty() && !arguments.options.checkpoint_path.empty())
    return usage_error("--regions does not go with --checkpoint: the boxes with counterexamples are not saved");
  return {};
}

Status check_region_axes(const Arguments& arguments, const DecisionReport& report) {
  for (const Decision& decision : report.decisions) {
    for (const size_t axis : arguments.region_axes) {
      const size_t inputs = decision.regions.empty() ? axis + 1 : decision.regions.front().lo.size();
      if (axis >= inputs)
        return usage_error(
            fmt::format("--region-axes: there is no X_{}; the inputs are X_0 to X_{}", axis, inputs - 1));
    }
  }
  return {};
}

/// The files that were asked for beside the answer. A question that could not be asked is a finding too.
Status write_reports(const Arguments& arguments, const Result<DecisionReport>& report, const SearchHistory& history) {
  const std::string& property = arguments.library.name.empty() ? arguments.property : arguments.library.name;
  if (!arguments.sarif.empty()) {
    const Json sarif = verify_sarif(report, property);
    if (Status written = write_json(arguments.sarif, sarif); !written) return written;
  }
  if (!arguments.junit.empty()) {
    if (Status written = write_file(arguments.junit, verify_junit(report, arguments.model, property)); !written)
      return written;
  }
  if (!report) return {};
  if (Status known = check_region_axes(arguments, *report); !known) return known;
  if (!arguments.html.empty()) {
    const Result<std::string> page = verify_page(*report, arguments.property, history, wanted_axes(arguments));
    if (!page) return page.error();
    if (Status written = write_file(arguments.html, *page); !written) return written;
  }
  if (arguments.regions.empty()) return {};
  if (arguments.regions.ends_with(".json")) return write_json(arguments.regions, regions_json(*report));
  return write_file(arguments.regions, regions_page(*report, wanted_axes(arguments)));
}

/// Robustness around given inputs, a question of its own.
Result<int> verify_inputs(Arguments& arguments, const std::shared_ptr<Progress>& progress) {
  if (!arguments.property.empty() || !arguments.library.name.empty())
    return usage_error("PROPERTY, --property NAME and --robust FILE are different questions; give one of them");
  if (any_library_option(arguments.library, false))
    return usage_error("--inputs, --output-range, --tolerance and --any-of belong to --property NAME, not to --robust");
  if (!arguments.vnncomp.empty() || !arguments.html.empty() || !arguments.sarif.empty() || !arguments.junit.empty() ||
      !arguments.regions.empty())
    return usage_error(
        "--vnncomp, --html, --sarif, --junit and --regions hold one answer, --robust gives one for each "
        "input; use --json");
  if (!arguments.options.checkpoint_path.empty())
    return usage_error("--checkpoint holds the search of one question, --robust asks one for each input");
  arguments.robust.range = arguments.library.range;
  const Decide decide = [&](const std::string& property, const DecideOptions& options) {
    Result<DecisionReport> report = decide_within_limits(arguments.model, property, options);
    progress->erase();
    return report;
  };
  return verify_robust(arguments.model, arguments.robust, arguments.options, decide, arguments.json);
}

Result<int> verify(Arguments& arguments) {
  DecideOptions& options = arguments.options;
  if (Status sensible = check_report_options(arguments); !sensible) return sensible.error();
  options.keep_tree = !arguments.html.empty() || !arguments.regions.empty();
  options.map_violations = !arguments.regions.empty();
  if (options.resume && options.checkpoint_path.empty())
    return usage_error("--resume needs --checkpoint FILE, the search to go on from");
  options.semantics = semantics_of(arguments.semantics);
  options.threads = thread_count(options.threads);
  options.stop = &interrupted();
  auto progress = std::make_shared<Progress>("verify", "nodes");
  SearchHistory history;
  options.on_progress = listen(progress, history);

  if (!arguments.robust.inputs.empty()) return verify_inputs(arguments, progress);
  if (any_robust_option(arguments.robust))
    return usage_error("--eps, --labels, --mean, --std, --largest-eps and --bisections belong to --robust FILE");

  std::string description;
  const Result<std::optional<PlainFile>> library = library_file(arguments, description);
  Result<DecisionReport> report =
      library ? decide_within_limits(arguments.model, arguments.property, options) : library.error();
  progress->erase();
  if (report && *library) {
    report->property_path = arguments.library.name;
    report->property_description = description;
  }
  const Status written = write_vnncomp(arguments.vnncomp, report);
  const Status reported = write_reports(arguments, report, history);
  if (!report) return report.error();
  if (arguments.json) {
    print_json(verdict_json(*report));
  } else {
    print(verdict_text(*report));
  }
  for (const Decision& decision : report->decisions) {
    if (!decision.checkpoint_problem.empty())
      print_error("verify", "the state of the search is not saved: " + decision.checkpoint_problem);
  }
  if (!written) return print_late_error("verify", written.error());
  if (!reported) return print_late_error("verify", reported.error());
  return exit_code(overall(*report));
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  DecideOptions& options = arguments->options;
  options.threads = 0;
  add_model(app, arguments->model);
  add_property(app, arguments->property)->required(false);
  add_semantics(app, arguments->semantics, true);
  add_timeout(app, options.timeout_seconds,
              "wall clock for everything, the check included, of each question; default 60");
  add_threads(app, options.threads, "default: all processors; changes no answer that is reached");
  add_seed(app, options.seed);
  app.add_option(
         "--certificate", options.certificate_path,
         "keep the certificate here (with --semantics both, that of `real` in FILE.real); with --robust a folder "
         "for those of all inputs, with the property texts")
      ->option_text("FILE");
  app.add_option("--checkpoint", options.checkpoint_path,
                 "save the state of the search here now and then, and when a limit ends it (with --semantics both,\n"
                 "that of `real` in FILE.real); removed once the question is decided")
      ->option_text("FILE");
  app.add_option("--checkpoint-every", options.checkpoint_seconds, "least time between two savings; default 10")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 1e9));
  app.add_flag("--resume", options.resume, "go on from the file of --checkpoint, where there is one");
  app.add_option("--html", arguments->html, "one page for people: the answer, how the search went, how to check it")
      ->option_text("FILE");
  app.add_option("--regions", arguments->regions,
                 "which boxes of the input set are proved, which hold a counterexample, which are open; a violation\n"
                 "does not end the search then, which finds out how far it reaches, within the time")
      ->option_text("FILE.json|FILE.html");
  app.add_option("--region-axes", arguments->region_axes, "the two inputs to draw; default: those cut most often")
      ->option_text("I J")
      ->expected(2);
  app.add_option("--sarif", arguments->sarif, "the answer as SARIF 2.1.0")->option_text("FILE");
  app.add_option("--junit", arguments->junit, "the answer as JUnit XML")->option_text("FILE");
  app.add_option("--vnncomp", arguments->vnncomp, "write the answer in the format of VNN-COMP")->option_text("FILE");
  app.add_option("--property", arguments->library.name,
                 "in place of PROPERTY, one of the library, or several, NAME,NAME, that all hold: " + library_list())
      ->option_text("NAME");
  add_library_options(app, arguments->library);
  add_robust_options(app, arguments->robust);
  add_json(app, arguments->json);
  return [arguments] { return verify(*arguments); };
}

}  // namespace

extern const Command verify_command{
    .name = "verify",
    .summary = "prove a property of a network, or find an input that violates it",
    .examples =
        "axiom verify net.onnx property.vnnlib\n"
        "axiom verify net.onnx property.vnnlib --certificate proof.axc\n"
        "axiom verify net.onnx --property valid-probabilities --input-range 0 1\n"
        "axiom verify net.onnx --property bounded-output --input-range 0 1 --output-range -2 2\n"
        "axiom verify net.onnx --robust images.npy --labels labels.npy --eps 0.01 --input-range 0 1\n"
        "axiom verify net.onnx.gz property.vnnlib.gz --semantics both --timeout 300 --json\n"
        "axiom verify net.onnx property.vnnlib --html report.html --regions map.html --sarif findings.sarif\n"
        "axiom verify net.onnx property.vnnlib --timeout 36000 --checkpoint search.state --resume\n",
    .notes =
        "VERIFIED is printed only after the independent program axiom-check has accepted the certificate.\n"
        "float32 covers every order of summation of a float32 program; real is exact arithmetic.\n"
        "Exit codes: 0 verified, 1 violated, 3 unknown, 4 input rejected. With both: the gravest of 1, 3, 0.",
    .declare = declare};

}  // namespace axiom::cli
