// What coqc has read is read again after it has ended: a file that changed meanwhile was not checked.
#include "cli/kernel.h"

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/sha256.h"

namespace axiom::cli {
namespace {

namespace fs = std::filesystem;

Status still_the_same(const std::string& folder, const std::vector<TheoryFile>& files) {
  for (const TheoryFile& file : files) {
    const std::string path = fmt::format("{}/{}.v", folder, file.name);
    const Result<std::string> text = read_file(path);
    if (!text) return text.error();
    if (*text != file.text)
      return Error{ErrorKind::kCertificate, path + ": changed while Coq was running; nothing is proved"};
  }
  return {};
}

}  // namespace

Result<Kernel> find_kernel(const TheoremRequest& request) {
  const Result<std::string> coqc = find_coqc();
  if (!coqc) return coqc.error();
  const Result<std::string> library = find_coq_library(request.library);
  if (!library) return library.error();
  return Kernel{*coqc, *library};
}

Result<std::string> library_digest(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failure)) {
    if (entry.path().extension() == ".vo") names.push_back(entry.path().filename());
  }
  if (failure) return io_error(fmt::format("{}: cannot be read: {}", folder, failure.message()));
  std::sort(names.begin(), names.end());
  std::string lines;
  for (const std::string& name : names) {
    const Result<std::string> bytes = read_file(folder + "/" + name);
    if (!bytes) return bytes.error();
    lines += fmt::format("{}  {}\n", sha256_hex(*bytes), name);
  }
  return sha256_hex(lines);
}

Status run_kernel(const Kernel& kernel, const TheoremRequest& request, const std::string& folder, Theory& theory) {
  const Result<std::string> before = library_digest(kernel.library);
  if (!before) return before.error();
  const Result<std::string> version = coqc_version(kernel.coqc);
  if (!version) return version.error();
  theory.report.library = kernel.library;
  theory.report.library_digest = *before;
  theory.report.kernel = *version;
  if (Status written = write_theory(folder, theory.files); !written) return written;
  const CoqSetup setup = {
      .coqc = kernel.coqc, .library = kernel.library, .folder = folder, .memory_bytes = request.memory_mb * 1'000'000};
  if (Status accepted = compile_theory(setup, request, theory); !accepted) return accepted;
  if (Status same = still_the_same(folder, theory.files); !same) return same;
  const Result<std::string> after = library_digest(kernel.library);
  if (!after) return after.error();
  if (*after == *before) return {};
  return Error{ErrorKind::kCertificate, kernel.library + ": changed while Coq was running; nothing is proved"};
}

}  // namespace axiom::cli
