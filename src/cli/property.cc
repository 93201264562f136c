// axiom property: the VNN-LIB text of a property of the library, as `axiom verify --property` uses it.
#include <CLI/CLI.hpp>
#include <memory>

#include "base/files.h"
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/library_options.h"
#include "cli/options.h"
#include "cli/output.h"

namespace axiom::cli {
namespace {

struct Arguments {
  LibraryArguments library;
  std::string output;
  bool json = false;
};

Json property_json(const Arguments& arguments, const LibraryText& text) {
  Json out = {{"schema", "axiom.property.v1"},
              {"name", arguments.library.name},
              {"description", text.description},
              {"sha256", sha256_hex(text.vnnlib)}};
  if (arguments.output.empty())
    out["vnnlib"] = text.vnnlib;
  else
    out["path"] = arguments.output;
  return out;
}

Result<int> property(const Arguments& arguments) {
  const Result<LibraryText> text = library_text(arguments.library);
  if (!text) return text.error();
  if (!arguments.output.empty()) {
    if (Status written = write_file(arguments.output, text->vnnlib); !written) return written.error();
  }
  if (arguments.json) {
    print_json(property_json(arguments, *text));
  } else {
    print(arguments.output.empty() ? text->vnnlib : text->description + "\n");
  }
  return kExitSuccess;
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("NAME", arguments->library.name, "one property, or several, NAME,NAME: " + library_list())->required();
  add_model(app, arguments->library.model);
  add_library_options(app, arguments->library);
  app.add_option("-o,--output", arguments->output, "write the text here instead of to stdout")->option_text("FILE");
  add_json(app, arguments->json);
  return [arguments] { return property(*arguments); };
}

}  // namespace

extern const Command property_command{
    .name = "property",
    .summary = "write a property of the library as VNN-LIB text",
    .examples =
        "axiom property valid-probabilities net.onnx --input-range 0 1 -o probabilities.vnnlib\n"
        "axiom check proof.axc --model net.onnx --property probabilities.vnnlib\n",
    .notes =
        "The same network and options give the same bytes: the certificate of axiom verify --property is about them.\n"
        "Exit codes: 0 done, 2 usage, 4 input rejected.",
    .declare = declare};

}  // namespace axiom::cli
