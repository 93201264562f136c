// The command line of axiom-check. Exit status: 0 accepted, 5 rejected, 4 the
// model or the property is at fault, 2 usage.
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "checker.h"
#include "error.h"
#include "files.h"

namespace {

constexpr uint64_t kMostModel = uint64_t(1) << 30, kMostProperty = 256'000'000, kMostCertificate = uint64_t(1) << 30;
constexpr int kAccepted = 0, kUsage = 2, kMalformed = 4, kRejected = 5;

constexpr const char* kHelp =
    "usage: axiom-check CERT --model MODEL --property PROPERTY [--semantics S] [--threads N]\n"
    "                   [--nodes FILE] [--json]\n"
    "       axiom-check --claim CERT\n"
    "       axiom-check --inspect --model MODEL --property PROPERTY\n"
    "\n"
    "Decides whether the certificate CERT proves that no execution of the ONNX model\n"
    "MODEL reaches what the VNN-LIB text PROPERTY calls unsafe. Files are read as they\n"
    "are, not decompressed. Shares no code with the program that wrote CERT.\n"
    "\n"
    "  --semantics float32|real\n"
    "              reject a certificate whose claim is about the other arithmetic\n"
    "  --threads N\n"
    "              walk a large tree with N threads, 1 by default; changes no answer\n"
    "  --nodes FILE\n"
    "              write for each node of an accepted tree, one a line: the bytes of the\n"
    "              tree where it begins and ends, and the number of its leaves; with\n"
    "              one thread\n"
    "  --json      print the outcome as one JSON object\n"
    "  --claim     print what the header of CERT says, without checking it\n"
    "  --inspect   print the counts of the model's core program and of the property\n"
    "  --help      print this text\n"
    "\n"
    "exit status: 0 accepted, 5 rejected, 4 model or property malformed, 2 usage\n";

struct Arguments {
  std::string certificate, model, property, semantics, nodes;
  unsigned threads = 1;
  bool json = false, claim = false, inspect = false, help = false, valid = true;
};

bool parse_threads(std::string_view word, unsigned& threads) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), threads);
  return error == std::errc() && end == word.data() + word.size() && threads >= 1;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      arguments.json = true;
    } else if (word == "--claim") {
      arguments.claim = true;
    } else if (word == "--inspect") {
      arguments.inspect = true;
    } else if (word == "--help" || word == "-h") {
      arguments.help = true;
    } else if ((word == "--model" || word == "--property") && i + 1 < argc) {
      (word == "--model" ? arguments.model : arguments.property) = argv[++i];
    } else if (word == "--nodes" && i + 1 < argc) {
      arguments.nodes = argv[++i];
    } else if (word == "--threads" && i + 1 < argc) {
      arguments.valid = parse_threads(argv[++i], arguments.threads) && arguments.valid;
    } else if (word == "--semantics" && i + 1 < argc) {
      arguments.semantics = argv[++i];
      arguments.valid = arguments.valid && (arguments.semantics == "float32" || arguments.semantics == "real");
    } else if (!word.starts_with("-") && arguments.certificate.empty()) {
      arguments.certificate = word;
    } else {
      arguments.valid = false;
    }
  }
  const bool files = !arguments.model.empty() && !arguments.property.empty();
  if (arguments.claim ? arguments.certificate.empty() : !files) arguments.valid = false;
  if (!arguments.claim && arguments.inspect == !arguments.certificate.empty()) arguments.valid = false;
  return arguments;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

void print_json(const checker::Outcome& outcome) {
  constexpr const char* kResults[] = {"accepted", "rejected", "error"};
  std::printf("%s\n", checker::text("{\"schema\":\"axiom.check.v1\",\"result\":\"", kResults[outcome.result],
                                    "\",\"semantics\":", quoted(outcome.semantics), ",\"leaves\":", outcome.leaves,
                                    ",\"nodes\":", outcome.nodes, ",\"seconds\":", outcome.seconds, ",\"reason\":",
                                    quoted(outcome.reason), ",\"model_sha256\":", quoted(outcome.model_sha256),
                                    ",\"property_sha256\":", quoted(outcome.property_sha256), "}")
                          .c_str());
}

int report(const checker::Outcome& outcome, bool json) {
  if (json) print_json(outcome);
  switch (outcome.result) {
    case checker::Outcome::accepted:
      if (!json) {
        std::printf("ACCEPTED %s %llu leaves %.3f s\n", outcome.semantics.c_str(),
                    static_cast<unsigned long long>(outcome.leaves), outcome.seconds);
      }
      return kAccepted;
    case checker::Outcome::rejected:
      if (!json) std::printf("REJECTED: %s\n", outcome.reason.c_str());
      return kRejected;
    case checker::Outcome::error:
      break;
  }
  if (!json) std::fprintf(stderr, "%s\n", outcome.reason.c_str());
  return kMalformed;
}

void write_nodes(const std::vector<checker::Extent>& extents, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  bool written = file != nullptr;
  for (const checker::Extent& node : extents) {
    const std::string line = checker::text(node.begin, " ", node.end, " ", node.leaves, "\n");
    written = written && std::fputs(line.c_str(), file) >= 0;
  }
  if (file != nullptr && std::fclose(file) != 0) written = false;
  if (!written) throw checker::Malformed(path + ": cannot be written");
}

int run(const Arguments& arguments) {
  using checker::read_file;
  if (arguments.claim) {
    std::fputs(checker::describe_claim(read_file(arguments.certificate, kMostCertificate)).c_str(), stdout);
    return kAccepted;
  }
  const auto model = read_file(arguments.model, kMostModel);
  const auto property = read_file(arguments.property, kMostProperty);
  if (arguments.inspect) {
    std::fputs(checker::inspect(model, property, checker::Semantics::float32).c_str(), stdout);
    return kAccepted;
  }
  const auto certificate = read_file(arguments.certificate, kMostCertificate);
  std::vector<checker::Extent> extents;
  checker::Outcome outcome = checker::check(
      certificate, model, property, {}, arguments.nodes.empty() ? nullptr : &extents, {.threads = arguments.threads});
  const bool asked = arguments.semantics.empty() || arguments.semantics == outcome.semantics;
  if (outcome.result == checker::Outcome::accepted && !asked) {
    outcome.result = checker::Outcome::rejected;
    outcome.reason = "the claim is about " + outcome.semantics + ", not about " + arguments.semantics;
  }
  if (outcome.result == checker::Outcome::accepted && !arguments.nodes.empty()) write_nodes(extents, arguments.nodes);
  return report(outcome, arguments.json);
}

int fail(checker::Outcome::Result result, const char* reason, bool json) {
  checker::Outcome outcome;
  outcome.result = result;
  outcome.reason = reason;
  return report(outcome, json);
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  if (arguments.help) {
    std::fputs(kHelp, stdout);
    return kAccepted;
  }
  if (!arguments.valid) {
    std::fputs(kHelp, stderr);
    return kUsage;
  }
  try {
    return run(arguments);
  } catch (const checker::Rejected& rejected) {
    return fail(checker::Outcome::rejected, rejected.what(), arguments.json);
  } catch (const std::exception& error) {
    return fail(checker::Outcome::error, error.what(), arguments.json);
  }
}
