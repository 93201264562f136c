// Plots as inline SVG. Every plot has a title for readers that do not see it, axes with units, and tool tips.
//
// A `kind` is the meaning of a colour: "good", "bad", "open", "plain".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace axiom {

struct Axes {
  std::string title;  ///< What the plot shows, in one sentence.
  std::string x, y;   ///< Names with units.
  bool log_x = false, log_y = false;
  std::optional<double> mark_y;  ///< A dashed horizontal line.
  std::string mark_name;
  bool diagonal = false;     ///< A dashed line y = x.
  bool from_zero_x = false;  ///< The x axis begins at 0.
};

struct Series {
  std::string name, kind;
  std::vector<std::pair<double, double>> points;  ///< Those that an axis cannot show are left out.
  bool dashed = false;
  std::vector<std::string> tips;  ///< One a point, for scatter plots; may be empty.
};

/// Curves in the order of their points; several have a legend. Empty when there is nothing to show.
std::string line_plot(const Axes& axes, const std::vector<Series>& series);
/// Points. Both axes cover the same range with `diagonal`.
std::string scatter_plot(const Axes& axes, const std::vector<Series>& series);
/// How often which value occurs; log_x: in powers of ten, values above 0 only.
std::string histogram_plot(const Axes& axes, const std::vector<double>& values, const std::string& kind);

/// Counts per step of the x axis, stacked: `counts[k][x]` of `names[k]`.
std::string stacked_bars(const Axes& axes, const std::vector<std::string>& names, const std::vector<std::string>& kinds,
                         const std::vector<std::vector<uint64_t>>& counts);

struct TreeDrawing {
  struct Node {
    uint32_t parent = 0;  ///< Index; the first node is the root.
    std::string kind, tip;
  };
  std::vector<Node> nodes;  ///< Parents first, siblings in order.
};
std::string tree_plot(const std::string& title, const TreeDrawing& tree);

/// Coloured boxes in a plane, later ones over earlier ones, and points on top.
struct PlaneDrawing {
  struct Box {
    double x0, x1, y0, y1;
    std::string kind, tip;
  };
  std::vector<Box> boxes;
  std::vector<std::pair<double, double>> points;
  double x0 = 0, x1 = 1, y0 = 0, y1 = 1;
};
std::string plane_plot(const Axes& axes, const PlaneDrawing& plane);

/// One line: coloured squares with names.
std::string legend(const std::vector<std::pair<std::string, std::string>>& names_and_kinds);

}  // namespace axiom
