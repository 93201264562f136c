// Drawing. Coordinates are pixels of a view box 760 wide; the page scales it. Two decimals are more than a screen
// shows.
#include "observe/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "observe/html.h"

namespace axiom {
namespace {

constexpr double kWidth = 760, kHeight = 300;
constexpr double kLeft = 78, kRight = 18, kTop = 14, kBottom = 46;
constexpr size_t kBins = 32;

std::string tick_text(double value) {
  if (value == 0) return "0";
  const double size = std::fabs(value);
  if (size >= 1e5 || size < 1e-3) return fmt::format("{:.3g}", value);
  return fmt::format("{:.6g}", value);
}

/// One axis: values of [lo, hi] to pixels of [from, to].
struct Scale {
  double lo, hi, from, to;
  bool log;
  bool whole = false;  ///< Counts: no ticks between them.

  bool shows(double v) const { return std::isfinite(v) && (!log || v > 0); }
  double position(double v) const { return log ? std::log10(v) : v; }
  double operator()(double v) const {
    return from + (position(v) - position(lo)) / (position(hi) - position(lo)) * (to - from);
  }

  std::vector<double> ticks() const {
    std::vector<double> ticks;
    if (log) {
      const int first = static_cast<int>(std::ceil(std::log10(lo) - 1e-9)),
                last = static_cast<int>(std::floor(std::log10(hi) + 1e-9));
      const int step = std::max(1, (last - first + 7) / 8);
      for (int k = first; k <= last; k += step) ticks.push_back(std::pow(10.0, k));
      return ticks;
    }
    const double raw = (hi - lo) / 6, ten = std::pow(10.0, std::floor(std::log10(raw)));
    double step = ten * 10;
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (ten * factor >= raw) {
        step = ten * factor;
        break;
      }
    }
    if (whole) step = std::max(step, 1.0);
    for (double k = std::ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; ++k) ticks.push_back(k * step);
    return ticks;
  }
};

/// A scale that shows all of the values, never of width 0.
Scale scale_over(double lo, double hi, double from, double to, bool log) {
  if (log) {
    lo = std::pow(10.0, std::floor(std::log10(lo) + 1e-9));
    hi = std::pow(10.0, std::ceil(std::log10(hi) - 1e-9));
    if (lo >= hi) hi = lo * 10;
  } else if (!(lo < hi)) {
    const double half = lo == 0 ? 1 : std::fabs(lo) * 0.5;
    lo -= half;
    hi += half;
  }
  return {lo, hi, from, to, log, false};
}

struct Range {
  double lo = std::numeric_limits<double>::infinity(), hi = -std::numeric_limits<double>::infinity();
  void add(double v, bool log) {
    if (!std::isfinite(v) || (log && !(v > 0))) return;
    lo = std::min(lo, v);
    hi = std::max(hi, v);
  }
  bool empty() const { return lo > hi; }
};

std::string open_svg(const std::string& title, double height) {
  return fmt::format("<figure><svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\"><title>{}</title>\n",
                     kWidth, height, html_escape(title), html_escape(title));
}

std::string close_svg(const std::string& caption) {
  return "</svg>\n<figcaption>" + html_escape(caption) + "</figcaption></figure>\n";
}

std::string draw_axes(const Axes& axes, const Scale& x, const Scale& y) {
  std::string out;
  for (const double tick : y.ticks()) {
    const double at = y(tick);
    out += fmt::format(
        "<line class=\"grid\" x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"{:.2f}\" y2=\"{:.2f}\"/>"
        "<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"end\">{}</text>\n",
        x.from, x.to, at, at, x.from - 6, at + 4, tick_text(tick));
  }
  for (const double tick : x.ticks()) {
    out += fmt::format(
        "<line class=\"grid\" x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"{:.2f}\" y2=\"{:.2f}\"/>"
        "<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"middle\">{}</text>\n",
        x(tick), x(tick), y.from, y.from + 4, x(tick), y.from + 18, tick_text(tick));
  }
  out += fmt::format("<line class=\"axis\" x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"{:.2f}\" y2=\"{:.2f}\"/>\n", x.from, x.to,
                     y.from, y.from);
  out += fmt::format("<text class=\"label\" x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"middle\">{}</text>\n",
                     (x.from + x.to) / 2, y.from + 37, html_escape(axes.x));
  out += fmt::format(
      "<text class=\"label\" transform=\"translate(14 {:.2f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      (y.from + y.to) / 2, html_escape(axes.y));
  if (axes.mark_y && y.shows(*axes.mark_y)) {
    out += fmt::format(
        "<line class=\"zero\" x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"{:.2f}\" y2=\"{:.2f}\"/>"
        "<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"end\">{}</text>\n",
        x.from, x.to, y(*axes.mark_y), y(*axes.mark_y), x.to, y(*axes.mark_y) - 5, html_escape(axes.mark_name));
  }
  if (axes.diagonal) {
    out += fmt::format("<line class=\"zero\" x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"{:.2f}\" y2=\"{:.2f}\"/>\n", x.from, x.to,
                       y.from, y.to);
  }
  return out;
}

std::string series_legend(const std::vector<Series>& series) {
  if (series.size() < 2) return "";
  std::string out = "<div class=\"legend\">";
  for (const Series& one : series) {
    out += fmt::format(
        "<span><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\"><line class=\"curve {}-line{}\" x1=\"0\" x2=\"14\" "
        "y1=\"7\" y2=\"7\"/></svg>{}</span>",
        one.kind, one.dashed ? " dashed" : "", html_escape(one.name));
  }
  return out + "</div>\n";
}

void ranges_of(const Axes& axes, const std::vector<Series>& series, Range& x, Range& y) {
  for (const Series& one : series) {
    for (const auto& [px, py] : one.points) {
      if ((axes.log_x && !(px > 0)) || (axes.log_y && !(py > 0)) || !std::isfinite(px) || !std::isfinite(py)) continue;
      x.add(px, axes.log_x);
      y.add(py, axes.log_y);
    }
  }
  if (axes.mark_y && !y.empty()) y.add(*axes.mark_y, axes.log_y);
  if (axes.from_zero_x && !x.empty()) x.add(0, axes.log_x);
}

}  // namespace

std::string legend(const std::vector<std::pair<std::string, std::string>>& names_and_kinds) {
  std::string out = "<div class=\"legend\">";
  for (const auto& [name, kind] : names_and_kinds) {
    out += fmt::format(
        "<span><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\"><rect class=\"{}-fill\" x=\"1\" y=\"1\" width=\"12\" "
        "height=\"12\"/></svg>{}</span>",
        kind, html_escape(name));
  }
  return out + "</div>\n";
}

std::string line_plot(const Axes& axes, const std::vector<Series>& series) {
  Range rx, ry;
  ranges_of(axes, series, rx, ry);
  if (rx.empty()) return "";
  const Scale x = scale_over(rx.lo, rx.hi, kLeft, kWidth - kRight, axes.log_x);
  const Scale y = scale_over(ry.lo, ry.hi, kHeight - kBottom, kTop, axes.log_y);
  std::string out = series_legend(series) + open_svg(axes.title, kHeight) + draw_axes(axes, x, y);
  for (const Series& one : series) {
    std::string points;
    for (const auto& [px, py] : one.points) {
      if (x.shows(px) && y.shows(py)) points += fmt::format("{:.2f},{:.2f} ", x(px), y(py));
    }
    out += fmt::format("<polyline class=\"curve {}-line{}\" points=\"{}\"><title>{}</title></polyline>\n", one.kind,
                       one.dashed ? " dashed" : "", points, html_escape(one.name));
  }
  return out + close_svg(axes.title);
}

std::string scatter_plot(const Axes& axes, const std::vector<Series>& series) {
  Range rx, ry;
  ranges_of(axes, series, rx, ry);
  if (rx.empty()) return "";
  if (axes.diagonal) {
    rx.add(ry.lo, axes.log_x);
    rx.add(ry.hi, axes.log_x);
    ry = rx;
  }
  constexpr double kTall = 460;
  const Scale x = scale_over(rx.lo, rx.hi, kLeft, kWidth - kRight, axes.log_x);
  const Scale y = scale_over(ry.lo, ry.hi, kTall - kBottom, kTop, axes.log_y);
  std::vector<std::pair<std::string, std::string>> names;
  for (const Series& one : series) names.emplace_back(one.name, one.kind);
  std::string out = (names.size() > 1 ? legend(names) : "") + open_svg(axes.title, kTall) + draw_axes(axes, x, y);
  for (const Series& one : series) {
    for (size_t k = 0; k < one.points.size(); ++k) {
      const auto& [px, py] = one.points[k];
      if (!x.shows(px) || !y.shows(py)) continue;
      out += fmt::format("<circle class=\"{}-fill\" cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"3.5\"><title>{}</title></circle>\n",
                         one.kind, x(px), y(py), k < one.tips.size() ? html_escape(one.tips[k]) : "");
    }
  }
  return out + close_svg(axes.title);
}

std::string histogram_plot(const Axes& axes, const std::vector<double>& values, const std::string& kind) {
  Range range;
  for (const double value : values) range.add(value, axes.log_x);
  if (range.empty()) return "";
  const Scale x = scale_over(range.lo, range.hi, kLeft, kWidth - kRight, axes.log_x);
  std::vector<uint64_t> counts(kBins);
  for (const double value : values) {
    if (!x.shows(value)) continue;
    const double place = (x(value) - x.from) / (x.to - x.from) * static_cast<double>(kBins);
    ++counts[std::min(kBins - 1, static_cast<size_t>(std::max(place, 0.0)))];
  }
  const uint64_t most = *std::max_element(counts.begin(), counts.end());
  Scale y = scale_over(0, static_cast<double>(most), kHeight - kBottom, kTop, false);
  y.whole = true;
  std::string out = open_svg(axes.title, kHeight) + draw_axes(axes, x, y);
  const double width = (x.to - x.from) / static_cast<double>(kBins);
  for (size_t k = 0; k < kBins; ++k) {
    if (counts[k] == 0) continue;
    const double top = y(static_cast<double>(counts[k]));
    out += fmt::format(
        "<rect class=\"{}-fill\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" "
        "height=\"{:.2f}\"><title>{}</title></rect>\n",
        kind, x.from + width * static_cast<double>(k) + 0.5, top, width - 1, y.from - top, counts[k]);
  }
  return out + close_svg(axes.title);
}

std::string stacked_bars(const Axes& axes, const std::vector<std::string>& names, const std::vector<std::string>& kinds,
                         const std::vector<std::vector<uint64_t>>& counts) {
  size_t length = 0;
  for (const std::vector<uint64_t>& row : counts) length = std::max(length, row.size());
  std::vector<uint64_t> totals(length);
  for (const std::vector<uint64_t>& row : counts) {
    for (size_t k = 0; k < row.size(); ++k) totals[k] += row[k];
  }
  if (length == 0) return "";
  const uint64_t most = std::max<uint64_t>(1, *std::max_element(totals.begin(), totals.end()));
  const Scale x = scale_over(-0.5, static_cast<double>(length) - 0.5, kLeft, kWidth - kRight, false);
  Scale y = scale_over(0, static_cast<double>(most), kHeight - kBottom, kTop, false);
  y.whole = true;
  std::vector<std::pair<std::string, std::string>> entries;
  for (size_t k = 0; k < names.size(); ++k) entries.emplace_back(names[k], kinds[k]);
  std::string out = legend(entries) + open_svg(axes.title, kHeight) + draw_axes(axes, x, y);
  const double width = (x.to - x.from) / static_cast<double>(length);
  std::vector<uint64_t> below(length);
  for (size_t row = 0; row < counts.size(); ++row) {
    for (size_t k = 0; k < counts[row].size(); ++k) {
      if (counts[row][k] == 0) continue;
      const double bottom = y(static_cast<double>(below[k]));
      below[k] += counts[row][k];
      const double top = y(static_cast<double>(below[k]));
      const double gap = std::min(1.0, width * 0.1);
      out += fmt::format(
          "<rect class=\"{}-fill\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"><title>{} {}, {} {}"
          "</title></rect>\n",
          kinds[row], x.from + width * static_cast<double>(k) + gap / 2, top, width - gap, bottom - top,
          html_escape(axes.x), k, counts[row][k], html_escape(names[row]));
    }
  }
  return out + close_svg(axes.title);
}

// Leaves at equal distances from left to right, every node above the middle of its children.
std::string tree_plot(const std::string& title, const TreeDrawing& tree) {
  const size_t count = tree.nodes.size();
  if (count == 0) return "";
  std::vector<uint32_t> depth(count), children(count);
  uint32_t deepest = 0;
  size_t leaves = 0;
  for (size_t k = 1; k < count; ++k) {
    depth[k] = depth[tree.nodes[k].parent] + 1;
    deepest = std::max(deepest, depth[k]);
    ++children[tree.nodes[k].parent];
  }
  std::vector<double> x(count), first(count, -1);
  for (size_t k = 0; k < count; ++k) {
    if (children[k] == 0) x[k] = static_cast<double>(leaves++);
  }
  for (size_t k = count; k-- > 0;) {  // Children come after their parents: the last child is met first.
    if (children[k] > 0) x[k] = (x[k] + first[k]) / 2;
    if (k == 0) continue;
    const uint32_t parent = tree.nodes[k].parent;
    if (first[parent] < 0) x[parent] = x[k];
    first[parent] = x[k];
  }
  const double row = std::clamp(420.0 / (deepest + 1), 16.0, 60.0), height = 30 + row * deepest;
  const double step = (kWidth - 40) / static_cast<double>(std::max<size_t>(1, leaves));
  const double radius = std::clamp(step * 0.35, 1.5, 6.0);
  const auto px = [&](size_t k) { return 20 + step * (x[k] + 0.5); };
  const auto py = [&](size_t k) { return 15 + row * depth[k]; };
  std::string out = open_svg(title, height);
  for (size_t k = 1; k < count; ++k) {
    const uint32_t parent = tree.nodes[k].parent;
    out += fmt::format("<line class=\"edge\" x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\"/>\n", px(parent),
                       py(parent), px(k), py(k));
  }
  for (size_t k = 0; k < count; ++k) {
    out += fmt::format(
        "<circle class=\"{}-fill\" cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{:.2f}\"><title>{}</title></circle>\n",
        tree.nodes[k].kind, px(k), py(k), children[k] == 0 ? radius : radius * 0.7, html_escape(tree.nodes[k].tip));
  }
  return out + close_svg(title);
}

std::string plane_plot(const Axes& axes, const PlaneDrawing& plane) {
  constexpr double kTall = 560;
  const Scale x = scale_over(plane.x0, plane.x1, kLeft, kLeft + kTall - kTop - kBottom, false);
  const Scale y = scale_over(plane.y0, plane.y1, kTall - kBottom, kTop, false);
  std::string out = open_svg(axes.title, kTall) + draw_axes(axes, x, y);
  for (const PlaneDrawing::Box& box : plane.boxes) {
    const double left = x(box.x0), right = x(box.x1), bottom = y(box.y0), top = y(box.y1);
    out += fmt::format("<rect class=\"{}{}-fill\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"",
                       right - left > 3 && bottom - top > 3 ? "cell " : "", box.kind, left, top,
                       std::max(right - left, 0.4), std::max(bottom - top, 0.4));
    out += box.tip.empty() ? "/>\n" : "><title>" + html_escape(box.tip) + "</title></rect>\n";
  }
  for (const auto& [px, py] : plane.points) {
    out += fmt::format(
        "<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"1.6\" fill=\"var(--text)\"><title>counterexample ({:.6g}, {:.6g})"
        "</title></circle>\n",
        x(px), y(py), px, py);
  }
  out += fmt::format("<rect class=\"frame\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"/>\n", x.from,
                     y.to, x.to - x.from, y.from - y.to);
  return out + close_svg(axes.title);
}

}  // namespace axiom
