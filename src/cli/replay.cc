// What the folder holds is never compiled: only files that this run has made are.
#include "cli/replay.h"

#include "base/files.h"
#include "cli/bundle.h"
#include "cli/kernel.h"
#include "cli/options.h"
#include "cli/programs.h"

namespace axiom::cli {
namespace {

/// The assistant that the bundle names; that it tells the truth shows when the files are compared.
Result<std::string> assistant_of(const std::string& folder) {
  const std::string path = fmt::format("{}/{}", folder, kBundleName);
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  const Json bundle = Json::parse(*text, nullptr, false);
  if (bundle.is_object() && bundle.contains("assistant") && bundle["assistant"].is_string())
    return bundle["assistant"].get<std::string>();
  return Error{ErrorKind::kCertificate, path + ": not an axiom-proof-bundle.v1"};
}

}  // namespace

Result<Replay> replay_bundle(const std::string& folder, TheoremRequest request) {
  const Result<std::string> assistant = assistant_of(folder);
  if (!assistant) return assistant.error();
  request.checked_first = false;
  request.folder.clear();
  if (request.certificate.empty()) request.certificate = fmt::format("{}/{}", folder, kCertificateName);
  Result<Theory> theory = make_theory(request);
  if (!theory) return theory.error();
  const Result<ProofExport> files = export_for(*assistant, *theory);
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
  return Replay{*assistant, std::string(status_name(status)), theory->report,
                bundle_json(*files, theory->report, status)};
}

}  // namespace axiom::cli
