// The door of model files: whatever the bytes, a Graph in topological order or an error in one line.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "formats/onnx/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto graph = axiom::parse_onnx({reinterpret_cast<const char*>(data), size});
  if (!graph) {
    AXIOM_CHECK(graph.error().kind != axiom::ErrorKind::kInternal);
    AXIOM_CHECK(!graph.error().message.empty());
    AXIOM_CHECK(graph.error().message.find('\n') == std::string_view::npos);
    return 0;
  }
  for (const axiom::Node& node : graph->nodes) AXIOM_CHECK(node.op != nullptr);
  return 0;
}
