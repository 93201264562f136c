// Reports for people: one self-contained HTML page, without scripts and without the network, light or dark as the
// reader's system is. Plots are inline SVG (observe/plot.h) that take their colours from the page.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace axiom {

/// Text for an element or a quoted attribute of HTML or XML.
std::string html_escape(std::string_view text);

/// A whole document. `title` is plain text, `body` HTML.
std::string html_page(std::string_view title, std::string_view body);

/// <table> of two columns; the names are plain text, the values HTML.
std::string html_facts(const std::vector<std::pair<std::string, std::string>>& facts);

/// <table> with a head; `head` is plain text, the cells are HTML. A cell that looks like a number is set to the right.
std::string html_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);

/// A few words with a colour of the verdict: "good", "bad", "open" or "plain".
std::string html_badge(std::string_view text, std::string_view kind);

}  // namespace axiom
