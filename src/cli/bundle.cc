// A bundle is compared with one that is made anew from certificate, model and property, so that nothing in it has to be
// understood to be refused.
#include "cli/bundle.h"

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/sha256.h"
#include "certificate/export/isabelle/isabelle.h"
#include "certificate/export/lean/lean.h"

namespace axiom::cli {
namespace {

namespace fs = std::filesystem;

Error rejected(std::string message) { return {ErrorKind::kCertificate, std::move(message)}; }

/// Without what depends on the run.
Json of_every_run(Json bundle) {
  for (const char* member : {"axiom", "kernel", "library"}) bundle.erase(member);
  for (Json& obligation : bundle["obligations"]) {
    for (const char* member : {"status", "assumptions"}) obligation.erase(member);
  }
  return bundle;
}

Status compare_json(const std::string& path, const Json& expected) {
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  const Json found = Json::parse(*text, nullptr, false);
  const auto has_form = [&] {
    if (!found.is_object() || !found.contains("obligations") || !found["obligations"].is_array()) return false;
    return std::all_of(found["obligations"].begin(), found["obligations"].end(),
                       [](const Json& obligation) { return obligation.is_object(); });
  };
  if (!has_form()) return rejected(path + ": not an axiom-proof-bundle.v1");
  const Json must = of_every_run(expected), is = of_every_run(found);
  for (const auto& [member, value] : must.items()) {
    if (!is.contains(member) || is[member] != value) {
      return rejected(
          fmt::format("{}: {} is not what certificate, model and property give (written by axiom {}, read by "
                      "axiom " AXIOM_VERSION ")",
                      path, member, found.value("axiom", Json("?")).dump()));
    }
  }
  if (is.size() != must.size()) return rejected(path + ": has members that no axiom-proof-bundle.v1 has");
  return {};
}

/// "line 3" of the first difference.
std::string first_difference(const std::string& found, const std::string& expected) {
  const auto [a, b] = std::mismatch(found.begin(), found.end(), expected.begin(), expected.end());
  return fmt::format("line {}", 1 + std::count(found.begin(), a, '\n'));
}

/// Removes what an earlier export to the folder wrote, as far as its bundle names it: files of a tree that was cut
/// otherwise would be in the way.
void remove_earlier(const std::string& folder) {
  const Result<std::string> text = read_file(fmt::format("{}/{}", folder, kBundleName));
  if (!text) return;
  const Json bundle = Json::parse(*text, nullptr, false);
  if (!bundle.is_object() || bundle.value("schema", Json()) != "axiom-proof-bundle.v1" || !bundle.contains("files"))
    return;
  for (const Json& file : bundle["files"]) {
    if (!file.is_object() || !file.value("name", Json()).is_string()) continue;
    const fs::path name = file["name"].get<std::string>();
    std::error_code failure;
    if (name == name.filename()) fs::remove(fs::path(folder) / name, failure);
  }
}

}  // namespace

std::string_view status_name(ReplayStatus status) {
  switch (status) {
    case ReplayStatus::kNotReplayed:
      return "not-replayed";
    case ReplayStatus::kChecked:
      return "checked";
    case ReplayStatus::kRejected:
      return "rejected";
  }
  return "not-replayed";
}

Result<ProofExport> export_for(const std::string& assistant, const Theory& theory) {
  if (assistant == "coq") return coq_export(theory.files, theory.source().semantics);
  if (assistant == "lean4") return lean_export(theory.source());
  if (assistant == "isabelle") return isabelle_export(theory.source());
  return rejected(fmt::format("no export is known for the assistant '{}'", assistant));
}

Json bundle_json(const ProofExport& files, const TheoremReport& report, ReplayStatus status) {
  Json list = Json::array(), obligations = Json::array();
  for (const ExportFile& file : files.files) list.push_back({{"name", file.name}, {"sha256", sha256_hex(file.text)}});
  for (const ProofObligation& obligation : files.obligations) {
    Json& entry = obligations.emplace_back(Json{{"id", obligation.id},
                                                {"statement", obligation.statement},
                                                {"statement_files", obligation.files},
                                                {"statement_sha256", statement_digest(files, obligation)},
                                                {"status", status_name(status)}});
    if (status == ReplayStatus::kChecked) entry["assumptions"] = assumptions_json(report.assumptions);
  }
  Json out = {{"schema", "axiom-proof-bundle.v1"},
              {"axiom", AXIOM_VERSION},
              {"assistant", files.assistant},
              {"semantics", report.semantics},
              {"model_sha256", report.model_digest},
              {"property_sha256", report.property_digest},
              {"certificate_sha256", report.certificate_digest},
              {"leaves_per_file", report.leaves_per_file},
              {"files", std::move(list)},
              {"obligations", std::move(obligations)}};
  if (status != ReplayStatus::kNotReplayed) {
    out["kernel"] = report.kernel;
    out["library"] = {{"folder", report.library}, {"sha256", report.library_digest}};
  }
  return out;
}

Status write_status(const std::string& folder, const ProofExport& files, const TheoremReport& report,
                    ReplayStatus status) {
  return write_file(fmt::format("{}/{}", folder, kBundleName),
                    bundle_json(files, report, status).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

Status write_bundle(const std::string& folder, const ProofExport& files, const Theory& theory) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) return io_error(fmt::format("{}: cannot be made: {}", folder, failure.message()));
  remove_earlier(folder);
  if (Status written = write_status(folder, files, theory.report, ReplayStatus::kNotReplayed); !written) return written;
  for (const ExportFile& file : files.files) {
    if (Status written = write_file(folder + "/" + file.name, file.text); !written) return written;
  }
  return write_file(fmt::format("{}/{}", folder, kCertificateName), theory.certificate);
}

Status compare_bundle(const std::string& folder, const ProofExport& files, const TheoremReport& report) {
  const std::string path = fmt::format("{}/{}", folder, kBundleName);
  if (Status same = compare_json(path, bundle_json(files, report, ReplayStatus::kNotReplayed)); !same) return same;
  std::vector<std::string> suffixes;
  for (const ExportFile& file : files.files) {
    const Result<std::string> text = read_file(folder + "/" + file.name);
    if (!text) return text.error();
    if (*text != file.text) {
      return rejected(fmt::format("{}/{}: not what certificate, model and property give, from {} on", folder, file.name,
                                  first_difference(*text, file.text)));
    }
    suffixes.push_back(fs::path(file.name).extension());
  }
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename();
    const bool known =
        std::any_of(files.files.begin(), files.files.end(), [&](const ExportFile& file) { return file.name == name; });
    if (!known && std::count(suffixes.begin(), suffixes.end(), entry.path().extension()) > 0)
      return rejected(fmt::format("{}/{}: not a file of this export", folder, name));
  }
  if (failure) return io_error(fmt::format("{}: cannot be read: {}", folder, failure.message()));
  return {};
}

}  // namespace axiom::cli
