// The frame of a page and its style sheet. Colours have names of what they mean; both themes keep a contrast of at
// least 4.5 between text and ground, and no meaning hangs on a colour alone.
#include "observe/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace axiom {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ground: #ffffff; --card: #f5f7f9; --text: #1b2026; --dim: #566069; --line: #d5dbe1;
  --good: #14724a; --bad: #b8281a; --open: #97580a; --plain: #22598f; --good-fill: #3aa676; --bad-fill: #d9513f;
  --open-fill: #e2a33c; --plain-fill: #4f8fcc; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181c; --card: #1c2228; --text: #e4e8ec; --dim: #9aa6b1;
  --line: #343d46; --good: #5cc795; --bad: #f08474; --open: #e8b45a; --plain: #82b5e6; --good-fill: #2f8f65;
  --bad-fill: #c24b3b; --open-fill: #b98128; --plain-fill: #3f7ab3; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 74rem; padding: 1.5rem 1.25rem 4rem; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; padding-top: 1.1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .5rem 0; max-width: 48rem; }
.dim, figcaption { color: var(--dim); font-size: .9rem; }
code, .code { font: .88em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.verdict { border: 1px solid var(--line); border-left: 6px solid var(--plain-fill); background: var(--card);
  border-radius: 6px; padding: .9rem 1.1rem; margin: .8rem 0; }
.verdict.good { border-left-color: var(--good-fill); } .verdict.bad { border-left-color: var(--bad-fill); }
.verdict.open { border-left-color: var(--open-fill); }
.verdict strong { font-size: 1.2rem; }
.good-text { color: var(--good); } .bad-text { color: var(--bad); } .open-text { color: var(--open); }
.plain-text { color: var(--plain); }
.badge { font-weight: 600; }
.tiles { display: flex; flex-wrap: wrap; gap: .7rem; margin: .8rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .9rem; min-width: 7rem; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .93rem; }
th, td { text-align: left; padding: .28rem .75rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--dim); }
.facts th { white-space: nowrap; }
td:last-child:not(.n):not(:only-child) { min-width: 9rem; } .badge { white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: .8rem 0 1.2rem; }
td > svg { margin: .35rem 0; }
svg { display: block; width: 100%; height: auto; max-width: 60rem; }
svg text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--dim); }
svg .label { fill: var(--text); }
.axis, .grid { stroke: var(--line); fill: none; } .zero { stroke: var(--dim); stroke-dasharray: 5 4; fill: none; }
.frame { stroke: var(--line); fill: none; }
.good-fill { fill: var(--good-fill); } .bad-fill { fill: var(--bad-fill); } .open-fill { fill: var(--open-fill); }
.plain-fill { fill: var(--plain-fill); }
.good-line { stroke: var(--good-fill); } .bad-line { stroke: var(--bad-fill); } .open-line { stroke: var(--open-fill); }
.plain-line { stroke: var(--plain-fill); }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 6 4; }
.edge { stroke: var(--dim); stroke-width: 1; fill: none; } .cell { stroke: var(--ground); stroke-width: .5; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.2rem; } .pictures figure { margin: .4rem 0; }
.pictures img { width: 12rem; max-width: 100%; image-rendering: pixelated; border: 1px solid var(--line); display: block; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .88rem; color: var(--dim); margin: .2rem 0; }
.legend svg { display: inline-block; width: 14px; height: 14px; vertical-align: -2px; margin-right: .35rem; }
details { margin: .5rem 0; } summary { cursor: pointer; }
@media print { body { max-width: none; } details { display: block; } }
)css";

bool is_number(std::string_view text) {
  const bool digit = std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
  return digit && text.find_first_not_of("0123456789.,+-e/ %x") == std::string_view::npos;
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
      html_escape(title), kStyle, body);
}

std::string html_facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string out = "<table class=\"facts\">\n";
  for (const auto& [name, value] : facts) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", html_escape(name), value);
  }
  return out + "</table>\n";
}

std::string html_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::vector<bool> numeric(head.size(), !rows.empty());
  for (const std::vector<std::string>& row : rows) {
    for (size_t k = 0; k < head.size() && k < row.size(); ++k)
      numeric[k] = numeric[k] && (is_number(row[k]) || row[k] == "-");
  }
  std::string out = "<div class=\"scroll\"><table>\n<tr>";
  for (size_t k = 0; k < head.size(); ++k)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", numeric[k] ? " class=\"n\"" : "", html_escape(head[k]));
  out += "</tr>\n";
  for (const std::vector<std::string>& row : rows) {
    out += "<tr>";
    for (size_t k = 0; k < row.size(); ++k)
      out += fmt::format("<td{}>{}</td>", k < numeric.size() && numeric[k] ? " class=\"n\"" : "", row[k]);
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string html_badge(std::string_view text, std::string_view kind) {
  return fmt::format("<span class=\"badge {}-text\">{}</span>", kind, html_escape(text));
}

}  // namespace axiom
