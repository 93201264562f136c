// consumer <model> <property> <certificate> <axiom-check>: proves the property through the public interface only.
#include <axiom/axiom.h>

#include <cstdio>

namespace ax = axiom::api;

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  ax::Result<ax::Model> model = ax::Model::load(argv[1]);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.failure().message.c_str());
    return 4;
  }
  ax::VerifyOptions options;
  options.certificate = argv[3];
  options.checker = argv[4];
  ax::Result<ax::Report> report = ax::verify(*model, argv[2], options);
  if (!report) {
    std::fprintf(stderr, "%s\n", report.failure().message.c_str());
    return 4;
  }
  ax::Result<std::string> checked = ax::check(argv[1], argv[2], argv[3], argv[4]);
  if (!checked) {
    std::fprintf(stderr, "%s\n", checked.failure().message.c_str());
    return 5;
  }
  std::printf("axiom %s: %s\n", ax::version().c_str(), checked->c_str());
  return report->verdict == ax::Verdict::kVerified ? 0 : 1;
}
