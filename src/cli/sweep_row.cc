// Numbers are written with as many digits as it takes to read them back.
#include "cli/sweep_row.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace axiom::cli {
namespace {

template <typename T>
bool parse_number(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool from_csv(const CsvRow& fields, SweepRow& row) {
  if (fields.size() != sweep_columns().size()) return false;
  row.family = fields[0];
  row.onnx = fields[1];
  row.vnnlib = fields[2];
  row.expected = fields[3];
  row.semantics = fields[4];
  row.verdict = fields[5];
  row.reason = fields[11];
  return parse_number(fields[6], row.seconds) && parse_number(fields[7], row.leaves) &&
         parse_number(fields[8], row.certificate_bytes) && parse_number(fields[9], row.check_seconds) &&
         parse_number(fields[10], row.peak_mb);
}

Status write_all(int file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) return io_error(path + ": " + errno_message(errno));
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<std::vector<SweepRow>> parse_sweep(const std::string& text, const std::string& path) {
  const std::vector<CsvRow> lines = parse_csv(text);
  std::vector<SweepRow> rows;
  if (lines.empty()) return rows;
  if (lines[0] != sweep_columns()) {
    return invalid_input(path + ": row 1: these are not the columns of axiom sweep; name a file that --csv wrote");
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    if (!from_csv(lines[i], rows.emplace_back())) {
      return invalid_input(fmt::format("{}: row {}: not a row of axiom sweep; remove it", path, i + 1));
    }
  }
  return rows;
}

}  // namespace

const CsvRow& sweep_columns() {
  static const CsvRow columns = {"family",  "onnx",    "vnnlib", "expected",          "semantics",
                                 "verdict", "seconds", "leaves", "certificate_bytes", "check_seconds",
                                 "peak_mb", "reason"};
  return columns;
}

CsvRow to_csv(const SweepRow& row) {
  return {row.family,
          row.onnx,
          row.vnnlib,
          row.expected,
          row.semantics,
          row.verdict,
          fmt::format("{:.6f}", row.seconds),
          std::to_string(row.leaves),
          std::to_string(row.certificate_bytes),
          fmt::format("{:.6f}", row.check_seconds),
          fmt::format("{:.1f}", row.peak_mb),
          row.reason};
}

Json to_json(const SweepRow& row) {
  return {{"family", row.family},
          {"onnx", row.onnx},
          {"vnnlib", row.vnnlib},
          {"expected", row.expected},
          {"semantics", row.semantics},
          {"verdict", row.verdict},
          {"seconds", row.seconds},
          {"leaves", row.leaves},
          {"certificate_bytes", row.certificate_bytes},
          {"check_seconds", row.check_seconds},
          {"peak_mb", row.peak_mb},
          {"reason", row.reason}};
}

Result<std::vector<SweepRow>> read_sweep(const std::string& path) {
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  return parse_sweep(text->substr(0, text->rfind('\n') + 1), path);
}

Result<Ledger> Ledger::open(const std::string& path, bool resume) {
  Ledger ledger;
  if (path.empty()) return ledger;
  ledger.path_ = path;
  std::string kept;
  if (resume && access(path.c_str(), F_OK) == 0) {
    const Result<std::string> text = read_file(path);
    if (!text) return text.error();
    kept = text->substr(0, text->rfind('\n') + 1);
    Result<std::vector<SweepRow>> loaded = parse_sweep(kept, path);
    if (!loaded) return loaded.error();
    ledger.rows_ = std::move(*loaded);
  }
  ledger.file_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  const int file = ledger.file_.get();
  if (file < 0) return io_error(path + ": " + errno_message(errno));
  const bool cut = ftruncate(file, static_cast<off_t>(kept.size())) == 0;
  if (!cut && errno != EINVAL) return io_error(path + ": " + errno_message(errno));  // EINVAL: a pipe
  if (kept.empty()) {
    const Status written = write_all(file, csv_line(sweep_columns()), path);
    if (!written) return written.error();
  }
  return ledger;
}

Status Ledger::add(const std::vector<SweepRow>& rows) {
  std::string lines;
  for (const SweepRow& row : rows) lines += csv_line(to_csv(row));
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  return path_.empty() ? Status() : write_all(file_.get(), lines, path_);
}

const SweepRow* Ledger::find(const Instance& instance, std::string_view semantics) const {
  for (const SweepRow& row : rows_) {
    if (row.is(instance, semantics)) return &row;
  }
  return nullptr;
}

}  // namespace axiom::cli
