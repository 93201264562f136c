// axiom bounds: where the outputs, or all layers, can lie over a box.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <memory>

#include "certificate/certify.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

namespace axiom::cli {
namespace {

struct Arguments {
  std::string model, box, semantics = "float32";
  bool layers = false, json = false;
};

Json layer_json(const LayerBounds& layer) {
  return {
      {"name", layer.name}, {"lower", numbers_json<double>(layer.lower)}, {"upper", numbers_json<double>(layer.upper)}};
}

Json bounds_json(const BoundsReport& report, bool with_layers) {
  Json out = {{"schema", "axiom.bounds.v1"},
              {"semantics", semantics_name(report.semantics)},
              {"output", layer_json(report.output)}};
  if (with_layers) {
    out["layers"] = Json::array();
    for (const LayerBounds& layer : report.layers) out["layers"].push_back(layer_json(layer));
  }
  return out;
}

/// Extent of a layer in one line: how many elements, where they lie, how wide they are, how many may change sign.
std::string layer_line(const LayerBounds& layer) {
  double least = std::numeric_limits<double>::infinity(), greatest = -least, widest = 0;
  size_t straddling = 0;
  for (size_t i = 0; i < layer.lower.size(); ++i) {
    least = std::min(least, layer.lower[i]);
    greatest = std::max(greatest, layer.upper[i]);
    widest = std::max(widest, layer.upper[i] - layer.lower[i]);
    straddling += layer.lower[i] < 0 && layer.upper[i] > 0;
  }
  return fmt::format("{:<32} {:>9} {:>13.6g} {:>13.6g} {:>13.6g} {:>11}\n", layer.name, layer.lower.size(), least,
                     greatest, widest, straddling);
}

std::string bounds_text(const BoundsReport& report, bool with_layers) {
  std::string out;
  if (with_layers) {
    out += fmt::format("{:<32} {:>9} {:>13} {:>13} {:>13} {:>11}\n", "layer", "elements", "least", "greatest", "widest",
                       "either sign");
    for (const LayerBounds& layer : report.layers) out += layer_line(layer);
    out += "\n";
  }
  for (size_t i = 0; i < report.output.lower.size(); ++i) {
    out += fmt::format("Y_{} in [{}, {}]\n", i, report.output.lower[i], report.output.upper[i]);
  }
  return out;
}

Result<int> bounds(const Arguments& arguments) {
  const Result<BoundsReport> report =
      bound_files(arguments.model, arguments.box, semantics_of(arguments.semantics).front());
  if (!report) return report.error();
  if (arguments.json) {
    print_json(bounds_json(*report, arguments.layers));
  } else {
    print(bounds_text(*report, arguments.layers));
  }
  return kExitSuccess;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  add_model(app, arguments->model);
  app.add_option("BOX", arguments->box, "property whose box of inputs is meant; its outputs do not matter")->required();
  add_semantics(app, arguments->semantics, false);
  app.add_flag("--layers", arguments->layers, "also the bounds of every layer");
  add_json(app, arguments->json);
  return [arguments] { return bounds(*arguments); };
}

}  // namespace

extern const Command bounds_command{.name = "bounds",
                                    .summary = "bound the outputs of a network over a box of inputs",
                                    .examples =
                                        "axiom bounds net.onnx box.vnnlib\n"
                                        "axiom bounds net.onnx box.vnnlib --layers\n"
                                        "axiom bounds net.onnx box.vnnlib --semantics real --json\n",
                                    .notes =
                                        "The bounds hold for every input of the box and every covered evaluation.\n"
                                        "Exit codes: 0 done, 3 a node has no certified meaning, 4 input rejected.",
                                    .declare = declare};

}  // namespace axiom::cli
