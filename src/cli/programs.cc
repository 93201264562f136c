// PATH and mkdtemp.
#include "cli/programs.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"

namespace axiom::cli {

std::optional<std::string> find_in_path(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const size_t end = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, end)) + "/" + std::string(name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
  return std::nullopt;
}

Result<ScratchFolder> ScratchFolder::make() {
  std::error_code failure;
  std::string path = (std::filesystem::temp_directory_path(failure) / "axiom-XXXXXX").string();
  if (failure) return io_error("temporary folder: " + failure.message());
  if (mkdtemp(path.data()) == nullptr) return io_error(path + ": cannot be made: " + errno_message(errno));
  return ScratchFolder(std::move(path));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace axiom::cli
