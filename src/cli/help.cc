// Written by hand rather than by CLI11's formatter, which puts examples last and folds nothing.
#include "cli/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>

namespace axiom::cli {
namespace {

constexpr size_t kWidth = 100;

/// "  <name>   <text>", the text folded into a column of its own.
std::string entry(const std::string& name, const std::string& text, size_t column) {
  std::string out = "  " + name;
  const std::string margin(column, ' ');
  if (out.size() + 2 > column) out += "\n";
  size_t position = out.back() == '\n' ? 0 : out.size();
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool first = position < column;
    if (!first && position + 1 + word.size() > kWidth) {
      out += "\n";
      position = 0;
    }
    const std::string gap = position < column ? margin.substr(position) : " ";
    out += gap + word;
    position += gap.size() + word.size();
  }
  return out + "\n";
}

std::string indented(std::string_view lines) {
  std::string out;
  std::istringstream stream{std::string(lines)};
  for (std::string line; std::getline(stream, line);) out += line.empty() ? "\n" : "  " + line + "\n";
  return out;
}

/// "--semantics float32|real|both": option texts are written as a user would type them.
std::string option_name(const CLI::Option& option) {
  const std::string& text = option.get_option_text();
  const std::string name = option.get_name(option.get_positional(), true);
  return text.empty() ? name : name + " " + text;
}

std::string group(const std::string& title, const std::vector<const CLI::Option*>& options) {
  if (options.empty()) return "";
  std::string out = "\n" + title + ":\n";
  for (const CLI::Option* option : options) out += entry(option_name(*option), option->get_description(), 30);
  return out;
}

}  // namespace

std::string usage_line(const Command& command, const CLI::App& app) {
  std::string out = fmt::format("Usage: axiom {} [OPTIONS]", command.name);
  for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    const std::string name = option->get_name(true);
    out += option->get_required() ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string command_help(const Command& command, const CLI::App& app) {
  std::string out = fmt::format("axiom {}: {}\n\nExamples:\n{}\n{}\n", command.name, command.summary,
                                indented(command.examples), usage_line(command, app));
  out += group("Arguments", app.get_options([](const CLI::Option* o) { return o->get_positional(); }));
  out += group("Options", app.get_options([](const CLI::Option* o) { return !o->get_positional(); }));
  if (!command.notes.empty()) out += "\n" + std::string(command.notes) + "\n";
  return out;
}

std::string program_help() {
  std::string out =
      "axiom: proves properties of trained neural networks\n"
      "\n"
      "Examples:\n"
      "  axiom verify net.onnx property.vnnlib --certificate proof.axc\n"
      "  axiom check proof.axc --model net.onnx --property property.vnnlib\n"
      "  axiom run net.onnx --input x.json\n"
      "  axiom sweep benchmarks --csv results.csv\n"
      "\n"
      "Usage: axiom COMMAND [OPTIONS] ...\n"
      "\n"
      "Commands:\n";
  for (const Command* command : commands()) out += entry(std::string(command->name), std::string(command->summary), 12);
  out +=
      "\n"
      "Options:\n"
      "  --help      this text; axiom COMMAND --help explains a command\n"
      "  --version   the version\n"
      "\n"
      "Exit codes: 0 verified or done, 1 violated, 2 usage, 3 unknown, 4 input rejected, 5 certificate rejected,\n"
      "6 resource limit, 70 internal error.\n";
  return out;
}

}  // namespace axiom::cli
