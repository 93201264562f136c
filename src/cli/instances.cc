// The columns are found by name, so that lists with more of them are read too.
#include "cli/instances.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>

#include "base/files.h"
#include "cli/csv.h"

namespace axiom::cli {
namespace {

namespace fs = std::filesystem;

/// "sat" and "violated" mean the same, so do "unsat" and "verified".
std::string normal_answer(const std::string& word) {
  if (word == "sat" || word == "violated") return "violated";
  if (word == "unsat" || word == "verified") return "verified";
  return "";
}

/// Positions of the named columns.
class Columns {
 public:
  explicit Columns(const CsvRow& names) {
    for (size_t i = 0; i < names.size(); ++i) position_[names[i]] = i;
  }
  bool has(const std::string& name) const { return position_.count(name) > 0; }
  std::string get(const CsvRow& row, const std::string& name) const {
    const auto found = position_.find(name);
    return found == position_.end() || found->second >= row.size() ? "" : row[found->second];
  }

 private:
  std::map<std::string, size_t> position_;
};

std::optional<double> parse_seconds(const std::string& text) {
  if (text.empty()) return 0.0;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc() && end == text.data() + text.size() && value > 0 && value < 1e9;
  return good ? std::optional(value) : std::nullopt;
}

Result<Instance> parse_instance(const Columns& columns, const CsvRow& row, const std::string& place) {
  Instance instance;
  instance.onnx = columns.get(row, "onnx");
  instance.vnnlib = columns.get(row, "vnnlib");
  if (instance.onnx.empty() || instance.vnnlib.empty()) {
    return invalid_input(place + ": a network or a property is missing; a line is onnx,vnnlib,timeout_s,...");
  }
  const std::string limit = columns.get(row, "timeout_s");
  const std::optional<double> seconds = parse_seconds(limit);
  if (!seconds) return invalid_input(fmt::format("{}: timeout_s is '{}'; write seconds above 0", place, limit));
  instance.timeout_seconds = *seconds;
  instance.expected = normal_answer(columns.get(row, "expected"));
  instance.expected_real =
      columns.has("expected_real") ? normal_answer(columns.get(row, "expected_real")) : instance.expected;
  return instance;
}

Result<std::vector<Instance>> read_list(const fs::path& csv) {
  const Result<std::string> text = read_file(csv.string());
  if (!text) return text.error();
  std::vector<CsvRow> rows = parse_csv(*text);
  const bool titled = !rows.empty() && std::count(rows[0].begin(), rows[0].end(), "onnx") > 0;
  const Columns columns(titled ? rows[0] : CsvRow{"onnx", "vnnlib", "timeout_s"});

  const fs::path folder = fs::absolute(csv).lexically_normal().parent_path();
  std::vector<Instance> instances;
  for (size_t i = titled ? 1 : 0; i < rows.size(); ++i) {
    Result<Instance> instance = parse_instance(columns, rows[i], fmt::format("{}: row {}", csv.string(), i + 1));
    if (!instance) return instance.error();
    instance->family = folder.filename().string();
    instance->folder = folder.string();
    instances.push_back(*std::move(instance));
  }
  return instances;
}

/// The lists below a folder: its own, or those of the folders in it.
std::vector<fs::path> find_lists(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "instances.csv", ignored)) return {folder / "instances.csv"};
  std::vector<fs::path> lists;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (fs::exists(entry.path() / "instances.csv", ignored)) lists.push_back(entry.path() / "instances.csv");
  }
  std::sort(lists.begin(), lists.end());
  return lists;
}

}  // namespace

Result<std::vector<Instance>> read_instances(const std::string& path) {
  std::error_code ignored;
  const bool folder = fs::is_directory(path, ignored);
  const std::vector<fs::path> lists = folder ? find_lists(path) : std::vector<fs::path>{path};
  if (lists.empty()) return invalid_input(path + ": neither this folder nor one in it holds an instances.csv");
  std::vector<Instance> all;
  for (const fs::path& list : lists) {
    Result<std::vector<Instance>> instances = read_list(list);
    if (!instances) return instances.error();
    all.insert(all.end(), instances->begin(), instances->end());
  }
  if (all.empty()) return invalid_input(path + ": no instances; a line is onnx,vnnlib,timeout_s,expected");
  return all;
}

std::vector<Instance> select_instances(const std::vector<Instance>& all, const std::string& filter, size_t limit) {
  std::map<std::string, size_t> taken;
  std::vector<Instance> selected;
  for (const Instance& instance : all) {
    const std::string name = fmt::format("{}/{} {}", instance.family, instance.onnx, instance.vnnlib);
    if (name.find(filter) == std::string::npos) continue;
    if (limit > 0 && taken[instance.folder]++ >= limit) continue;
    selected.push_back(instance);
  }
  return selected;
}

}  // namespace axiom::cli
