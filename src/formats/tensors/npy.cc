// The .npy format (NumPy Enhancement Proposal 1): magic, version, header length, a Python dict literal with exactly
// the keys descr, fortran_order and shape, then the bytes.
#include "formats/tensors/npy.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/files.h"

namespace axiom {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct Descriptor {
  std::string_view text;
  DType dtype;
};
constexpr std::array<Descriptor, 7> kDescriptors = {{{"<f4", DType::kFloat32},
                                                     {"<f8", DType::kFloat64},
                                                     {"<i8", DType::kInt64},
                                                     {"<i4", DType::kInt32},
                                                     {"|i1", DType::kInt8},
                                                     {"|u1", DType::kUint8},
                                                     {"|b1", DType::kBool}}};

Error bad(const std::string& what) { return invalid_input("npy: " + what); }

/// Takes tokens of the header's dict literal from the front.
class Header {
 public:
  explicit Header(std::string_view text) : rest_(text) {}

  bool take(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string_view> take_string() {
    if (!take('\'')) return std::nullopt;
    const size_t end = rest_.find('\'');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::optional<bool> take_bool() {
    skip_blanks();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    return std::nullopt;
  }

  std::optional<Shape> take_shape() {
    constexpr size_t most_extents = 64;
    if (!take('(')) return std::nullopt;
    Shape shape;
    while (!take(')')) {
      skip_blanks();
      int64_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc() || extent < 0 || shape.size() == most_extents) return std::nullopt;
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      shape.push_back(extent);
      if (take(',')) continue;
      if (!take(')')) return std::nullopt;
      break;
    }
    return shape;
  }

  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

struct Fields {
  std::optional<std::string_view> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

bool take_field(Header& header, Fields& fields) {
  const auto key = header.take_string();
  if (!key || !header.take(':')) return false;
  if (*key == "descr" && !fields.descr) return (fields.descr = header.take_string()).has_value();
  if (*key == "fortran_order" && !fields.fortran_order) return (fields.fortran_order = header.take_bool()).has_value();
  if (*key == "shape" && !fields.shape) return (fields.shape = header.take_shape()).has_value();
  return false;
}

std::optional<Fields> parse_header(std::string_view text) {
  Header header(text);
  Fields fields;
  if (!header.take('{')) return std::nullopt;
  while (!header.take('}')) {
    if (!take_field(header, fields)) return std::nullopt;
    if (header.take(',')) continue;
    if (!header.take('}')) return std::nullopt;
    break;
  }
  if (!header.at_end() || !fields.descr || !fields.fortran_order || !fields.shape) return std::nullopt;
  return fields;
}

Result<DType> dtype_of(std::string_view descr) {
  for (const Descriptor& known : kDescriptors) {
    if (known.text == descr) return known.dtype;
  }
  std::string shown;
  for (char c : descr.substr(0, 20)) shown += c >= ' ' && c <= '~' ? c : '?';
  return bad("dtype '" + shown + "' is not supported; save array.astype('<f4')");
}

/// Length of what precedes the header text, and of that text.
std::optional<std::pair<size_t, size_t>> header_extent(std::string_view bytes) {
  if (bytes.size() < 10 || !bytes.starts_with(kMagic)) return std::nullopt;
  const auto byte = [bytes](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  if (byte(6) < 1 || byte(6) > 3) return std::nullopt;
  if (byte(6) == 1) return std::pair{size_t{10}, byte(8) | byte(9) << 8};
  if (bytes.size() < 12) return std::nullopt;
  return std::pair{size_t{12}, byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24};
}

}  // namespace

Result<Tensor> parse_npy(std::string_view bytes) {
  const auto extent = header_extent(bytes);
  if (!extent) return bad("this is no .npy file of version 1 to 3");
  const auto [start, length] = *extent;
  if (length > bytes.size() - start) return bad("the file ends inside its header");
  auto fields = parse_header(bytes.substr(start, length));
  if (!fields) return bad("the header is not a dict of descr, fortran_order and shape");
  const auto dtype = dtype_of(*fields->descr);
  if (!dtype) return dtype.error();
  if (*fields->fortran_order) return bad("the array is in Fortran order; save numpy.ascontiguousarray(array)");
  const auto count = element_count(*fields->shape);
  if (!count) return bad(count.error().message);
  const std::string_view values = bytes.substr(start + length);
  const size_t wanted = static_cast<size_t>(*count) * dtype_size(*dtype);
  if (values.size() != wanted) {
    return bad("shape " + to_string(*fields->shape) + " needs " + std::to_string(wanted) + " bytes, the file has " +
               std::to_string(values.size()));
  }
  if (*dtype == DType::kBool && values.find_first_not_of(std::string_view("\0\1", 2)) != std::string_view::npos) {
    return bad("a bool is neither 0 nor 1");
  }
  return Tensor::adopt(*dtype, *std::move(fields->shape), std::string(values));
}

Result<Tensor> read_npy(const std::string& path) {
  const auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  auto tensor = parse_npy(*bytes);
  if (!tensor) return Error{tensor.error().kind, path + ": " + tensor.error().message};
  return tensor;
}

std::string npy_bytes(const Tensor& tensor) {
  std::string header = "{'descr': '";
  for (const Descriptor& known : kDescriptors) {
    if (known.dtype == tensor.dtype()) header += known.text;
  }
  header += "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : tensor.shape()) header += std::to_string(extent) + ", ";
  header += "), }";
  // The values start at a multiple of 64 bytes, and the header ends with a line break.
  constexpr size_t prefix = 10, alignment = 64;
  header.append((alignment - (prefix + header.size() + 1) % alignment) % alignment, ' ');
  header += '\n';
  AXIOM_CHECK(header.size() < 65536);
  std::string bytes(kMagic);
  bytes += {'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  return bytes;
}

Status write_npy(const std::string& path, const Tensor& tensor) { return write_file(path, npy_bytes(tensor)); }

}  // namespace axiom
