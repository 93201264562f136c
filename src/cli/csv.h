// Comma-separated values (RFC 4180): what `axiom sweep` reads and writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace axiom::cli {

using CsvRow = std::vector<std::string>;

/// Rows of a text; quoted fields may hold commas, doubled quotes and line breaks. Empty lines are skipped.
std::vector<CsvRow> parse_csv(std::string_view text);

/// One line with its line break.
std::string csv_line(const CsvRow& row);

}  // namespace axiom::cli
