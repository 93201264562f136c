// What the folder holds is never compiled: only files that this run has made are.
#include "cli/replay.h"

#include "base/files.h"
#include "cli/bundle.h"
#include "cli/kernel.h"
#include "cli/options.h"
#include "cli/programs.h"

namespace axiom::cli {
namespace {

/// How the bundle says that the files were made; that it tells the truth shows when they are compared.
struct Making {
  std::string assistant;
  uint64_t leaves_per_file = 0;
};

Result<Making> making_of(const std::string& folder) {
  const std::string path = fmt::format("{}/{}", folder, kBundleName);
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  const Json bundle = Json::parse(*text, nullptr, false);
  const auto has = [&](const char* member, bool (Json::*is)() const noexcept) {
    return bundle.contains(member) && (bundle[member].*is)();
  };
  if (bundle.is_object() && has("assistant", &Json::is_string) && has("leaves_per_file", &Json::is_number_unsigned))
    return Making{bundle["assistant"], bundle["leaves_per_file"]};
  return Error{ErrorKind::kCertificate, path + ": not an axiom-proof-bundle.v1"};
}

}  // namespace

Result<Replay> replay_bundle(const std::string& folder, TheoremRequest request) {
  const Result<Making> making = making_of(folder);
  if (!making) return making.error();
  request.leaves_per_file = making->leaves_per_file;
  request.checked_first = false;
  request.folder.clear();
  if (request.certificate.empty()) request.certificate = fmt::format("{}/{}", folder, kCertificateName);
  Result<Theory> theory = make_theory(request);
  if (!theory) return theory.error();
  const Result<ProofExport> files = export_for(making->assistant, *theory);
  if (!files) return files.error();
  if (Status same = compare_bundle(folder, *files, theory->report); !same) return same.error();
  ReplayStatus status = ReplayStatus::kNotReplayed;
  if (files->assistant == "coq") {
    const Result<Kernel> kernel = find_kernel(request);
    if (!kernel) return kernel.error();
    const Result<ScratchFolder> fresh = ScratchFolder::make();
    if (!fresh) return fresh.error();
    if (Status checked = run_kernel(*kernel, request, fresh->path(), *theory); !checked) return checked.error();
    status = ReplayStatus::kChecked;
  }
  return Replay{making->assistant, std::string(status_name(status)), theory->report,
                bundle_json(*files, theory->report, status)};
}

}  // namespace axiom::cli
