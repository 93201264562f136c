// JSON tensors through the event interface of nlohmann::json, which neither recurses nor builds a tree, and shows the
// text of each number, so that 0.1 becomes the float nearest to 0.1 and not to the double nearest to it.
#include "formats/tensors/json.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/files.h"
#include "formats/tensors/npy.h"

namespace axiom {
namespace {

constexpr size_t kMaxLevels = 64;
constexpr size_t kMaxNumbers = 100'000'000;

Error bad(const std::string& what) { return invalid_input("json: " + what); }

/// Values of one tensor in the making.
struct Builder {
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> integers;
  std::vector<int64_t> counts;                  ///< Entries seen so far of every open list.
  std::vector<std::optional<int64_t>> extents;  ///< Length of the lists of each level, once one has closed.
  std::optional<size_t> depth;                  ///< Level of the numbers.
};

class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(DType dtype) : dtype_(dtype) {}

  bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return number(text); }
  bool null() override { return fail("null is no number"); }
  bool boolean(bool) override { return fail("true and false are no numbers"); }
  bool string(string_t&) override { return fail("a string is no number"); }
  bool binary(binary_t&) override { return fail("binary data is no number"); }

  bool start_array(size_t) override {
    if (builder_.counts.size() >= kMaxLevels) return fail("nested more than 64 levels deep");
    if (builder_.depth && builder_.counts.size() >= *builder_.depth) return fail("a list stands beside a number");
    if (!entry()) return false;
    builder_.counts.push_back(0);
    if (builder_.extents.size() < builder_.counts.size()) builder_.extents.emplace_back();
    return true;
  }

  bool end_array() override {
    auto& extent = builder_.extents[builder_.counts.size() - 1];
    const int64_t count = builder_.counts.back();
    if (extent.value_or(count) != count) {
      return fail(fmt::format("lists of {} and of {} entries stand beside each other", *extent, count));
    }
    extent = count;
    builder_.counts.pop_back();
    return !builder_.counts.empty() || finish();
  }

  bool start_object(size_t) override {
    if (named_ || !tensors.empty() || !builder_.counts.empty()) return fail("an object may only be the whole text");
    named_ = true;
    return true;
  }
  bool key(string_t& name) override {
    name_ = name;
    return true;
  }
  bool end_object() override { return true; }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail(fmt::format("no valid JSON at byte {}", position));
  }

  NamedTensors tensors;
  std::string error;

 private:
  bool fail(std::string why) {
    if (error.empty()) error = std::move(why);
    return false;
  }

  /// Counts an entry of the innermost list.
  bool entry() {
    if (!builder_.counts.empty()) ++builder_.counts.back();
    return true;
  }

  bool number(const std::string& text) {
    if (builder_.depth.value_or(builder_.counts.size()) != builder_.counts.size()) {
      return fail("a number stands beside a list");
    }
    if (++numbers_ > kMaxNumbers) return fail("more than 100,000,000 numbers");
    builder_.depth = builder_.counts.size();
    entry();
    if (!store(text)) return false;
    return !builder_.counts.empty() || finish();
  }

  bool store(const std::string& text) {
    if (dtype_ == DType::kFloat32) {
      builder_.floats.push_back(std::strtof(text.c_str(), nullptr));
    } else if (dtype_ == DType::kFloat64) {
      builder_.doubles.push_back(std::strtod(text.c_str(), nullptr));
    } else {
      int64_t value = 0;
      const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (code != std::errc() || end != text.data() + text.size()) return fail(text + " is no int64");
      builder_.integers.push_back(value);
    }
    return true;
  }

  bool finish() {
    Shape shape;
    for (const auto& extent : builder_.extents) shape.push_back(extent.value_or(0));
    // A list that holds nothing, or only empty lists, has as many levels as were seen.
    if (builder_.depth && *builder_.depth != shape.size()) return fail("an empty list stands beside numbers");
    Tensor tensor = dtype_ == DType::kFloat32   ? Tensor::from(std::move(shape), builder_.floats)
                    : dtype_ == DType::kFloat64 ? Tensor::from(std::move(shape), builder_.doubles)
                                                : Tensor::from(std::move(shape), builder_.integers);
    if (!tensors.emplace(name_, std::move(tensor)).second) return fail("the name '" + name_ + "' is given twice");
    builder_ = {};
    return true;
  }

  DType dtype_;
  bool named_ = false;
  std::string name_;
  Builder builder_;
  size_t numbers_ = 0;
};

template <typename T>
std::string number_text(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return "\"nan\"";
    if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  }
  return fmt::format("{}", value);
}

template <typename T>
void append_lists(std::string& out, const Shape& shape, std::span<const T> values) {
  // The position of a value says how many lists open before it and close behind it.
  for (size_t i = 0; i < values.size(); ++i) {
    size_t opened = 0, closed = 0, block = 1;
    for (size_t level = shape.size(); level-- > 0;) {
      block *= static_cast<size_t>(shape[level]);
      opened += i % block == 0 ? 1 : 0;
      closed += (i + 1) % block == 0 ? 1 : 0;
    }
    if (i > 0) out += ", ";
    out.append(opened, '[').append(number_text(values[i])).append(closed, ']');
  }
}

/// Nested lists of a shape that holds no element: the levels before the first zero cannot be written by value.
std::string empty_lists(const Shape& shape) {
  std::string text = "[]";
  size_t level = 0;
  while (shape[level] != 0) ++level;
  while (level-- > 0) {
    std::string outer = "[";
    for (int64_t i = 0; i < shape[level]; ++i) outer += (i > 0 ? ", " : "") + text;
    text = outer + "]";
  }
  return text;
}

template <typename From, typename To>
Result<Tensor> convert_values(const Tensor& tensor) {
  std::vector<To> values;
  values.reserve(static_cast<size_t>(tensor.size()));
  for (const From value : tensor.data<From>()) {
    if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
      constexpr From limit = 9223372036854775808.0;
      if (!(value >= -limit && value < limit) || std::trunc(value) != value) {
        return invalid_input(fmt::format("the value {} is no int64", value));
      }
    }
    values.push_back(static_cast<To>(value));
  }
  return Tensor::from(tensor.shape(), values);
}

template <typename From>
Result<Tensor> convert_from(const Tensor& tensor, DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return convert_values<From, float>(tensor);
    case DType::kFloat64:
      return convert_values<From, double>(tensor);
    case DType::kInt64:
      return convert_values<From, int64_t>(tensor);
    default:
      return invalid_input(fmt::format("a tensor cannot be converted to {}", dtype_name(dtype)));
  }
}

}  // namespace

Result<NamedTensors> parse_json_tensors(std::string_view text, DType dtype) {
  AXIOM_CHECK(dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kInt64);
  Reader reader(dtype);
  if (!nlohmann::json::sax_parse(text, &reader)) return bad(reader.error);
  if (reader.tensors.empty()) return bad("the text holds no tensor");
  return std::move(reader.tensors);
}

Result<NamedTensors> read_tensors(const std::string& path, DType json_dtype) {
  if (path.ends_with(".npy") || path.ends_with(".npy.gz")) {
    auto tensor = read_npy(path);
    if (!tensor) return tensor.error();
    NamedTensors tensors;
    tensors.emplace("", *std::move(tensor));
    return tensors;
  }
  const auto text = read_file(path);
  if (!text) return text.error();
  auto tensors = parse_json_tensors(*text, json_dtype);
  if (!tensors) return Error{tensors.error().kind, path + ": " + tensors.error().message};
  return tensors;
}

std::string json_text(const Tensor& tensor) {
  if (tensor.size() == 0) return tensor.shape().empty() ? "[]" : empty_lists(tensor.shape());
  std::string text;
  switch (tensor.dtype()) {
    case DType::kFloat32:
      append_lists(text, tensor.shape(), tensor.data<float>());
      break;
    case DType::kFloat64:
      append_lists(text, tensor.shape(), tensor.data<double>());
      break;
    case DType::kInt64:
      append_lists(text, tensor.shape(), tensor.data<int64_t>());
      break;
    case DType::kInt32:
      append_lists(text, tensor.shape(), tensor.data<int32_t>());
      break;
    case DType::kInt8:
      append_lists(text, tensor.shape(), tensor.data<int8_t>());
      break;
    case DType::kUint8:
      append_lists(text, tensor.shape(), tensor.data<uint8_t>());
      break;
    case DType::kBool:
      append_lists(text, tensor.shape(), tensor.data<bool>());
      break;
  }
  return text;
}

Result<Tensor> converted(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return convert_from<float>(tensor, dtype);
    case DType::kFloat64:
      return convert_from<double>(tensor, dtype);
    case DType::kInt64:
      return convert_from<int64_t>(tensor, dtype);
    default:
      return invalid_input(fmt::format("a tensor of {} cannot be converted", dtype_name(tensor.dtype())));
  }
}

}  // namespace axiom
