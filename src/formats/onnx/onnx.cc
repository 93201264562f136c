// Reading: the file is decompressed, hashed and parsed chunk by chunk, so that it never lies in memory as such. The
// parsed messages live in an arena whose growth is limited; weights are moved out of it, not copied.
#include "formats/onnx/onnx.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/files.h"
#include "formats/onnx/graph_builder.h"
#include "formats/onnx/model_stream.h"

namespace axiom {
namespace {

/// Parses the model that `source` gives, to its end.
Result<Graph> parse_model(const onnx::ChunkSource& source, const std::string& folder) {
  google::protobuf::Arena arena;
  auto* model = google::protobuf::Arena::CreateMessage<onnx::ModelProto>(&arena);
  onnx::ModelStream stream(source, arena);
  const bool parsed = model->ParseFromZeroCopyStream(&stream);
  if (!stream.status()) return stream.status().error();
  if (!parsed) return invalid_input("onnx: this is no ONNX model, or it is damaged or cut short");
  return onnx::build_graph(*model, folder);
}

}  // namespace

Result<Graph> read_onnx(const std::string& path) {
  auto reader = FileReader::open(path);
  if (!reader) return reader.error();
  const std::string folder = std::filesystem::path(path).parent_path().string();
  auto graph = parse_model([&reader] { return reader->next(); }, folder.empty() ? "." : folder);
  if (graph) graph->model_digest = reader->digest().hex();
  return graph;
}

Result<Graph> parse_onnx(std::string_view bytes, const std::string& folder) {
  constexpr size_t chunk = size_t{64} << 10;
  std::string_view rest = bytes;
  const auto next = [&rest]() -> Result<std::span<const std::byte>> {
    const std::string_view part = rest.substr(0, chunk);
    rest.remove_prefix(part.size());
    return std::as_bytes(std::span(part.data(), part.size()));
  };
  auto graph = parse_model(next, folder);
  if (graph) graph->model_digest = sha256_hex(bytes);
  return graph;
}

}  // namespace axiom
