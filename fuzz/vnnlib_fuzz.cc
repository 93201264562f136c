// The door of property files: whatever the bytes, a Property within the caps or an error that names a line. They are
// read with and without a model, which decides about the tensors of VNN-LIB 2.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "formats/vnnlib/vnnlib.h"

namespace {

axiom::Graph model() {
  axiom::Graph graph;
  const auto add = [&graph](const std::string& name, axiom::Shape shape) {
    const axiom::TensorType type{axiom::DType::kFloat32, std::move(shape)};
    graph.values.push_back({.name = name, .type = type, .constant = {}});
    return static_cast<axiom::ValueId>(graph.values.size() - 1);
  };
  graph.inputs = {add("p", {1, 2}), add("q", {})};
  graph.outputs = {add("y", {1, 2}), add("z", {})};
  return graph;
}

void check(const axiom::Result<axiom::Property>& property) {
  if (property) return;
  AXIOM_CHECK(property.error().kind != axiom::ErrorKind::kInternal);
  AXIOM_CHECK(!property.error().message.empty());
  AXIOM_CHECK(property.error().message.find('\n') == std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const axiom::Graph graph = model();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(axiom::parse_vnnlib(text));
  const auto property = axiom::parse_vnnlib(text, graph);
  check(property);
  if (property && text.find("vnnlib-version") != std::string_view::npos) {
    // What a model has matched has its size, unless the word stands in a comment of version 1.
    const bool version_1 = text.find("declare-const") != std::string_view::npos;
    AXIOM_CHECK(version_1 || (property->input_count == 3 && property->output_count == 3));
  }
  return 0;
}
