// A shape that differs in more than extents of 1 is refused: reinterpreting it would run the network on other data.
#include "cli/tensor_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "formats/tensors/json.h"

namespace axiom::cli {
namespace {

const Value& value_of(const Graph& graph, ValueId id) { return graph.values[static_cast<size_t>(id)]; }

std::string names_of(const Graph& graph, const std::vector<ValueId>& values) {
  std::string names;
  for (const ValueId id : values) names += (names.empty() ? "" : ", ") + value_of(graph, id).name;
  return names;
}

Shape without_ones(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

/// `tensor` in the type of the value that it is for.
Result<Tensor> fitted(const Tensor& tensor, const Value& value, const std::string& place) {
  Result<Tensor> result = tensor.dtype() == value.type->dtype ? tensor : converted(tensor, value.type->dtype);
  if (!result) return invalid_input(place + ": " + result.error().message);
  const Shape& wanted = value.type->shape;
  const Shape& given = tensor.shape();
  const bool same = without_ones(given) == without_ones(wanted);
  const bool flat = given.size() == 1 && tensor.size() == element_count(wanted).value();
  if (same || flat) return result->reshaped(wanted);
  return invalid_input(
      fmt::format("{}: shape {}, but '{}' has {}; reshape it", place, to_string(given), value.name, to_string(wanted)));
}

/// The tensor for one value out of a file that may hold several.
Result<Tensor> read_one(const std::string& file, const Value& value, bool by_name) {
  const Result<NamedTensors> tensors = read_tensors(file, value.type->dtype);
  if (!tensors) return tensors.error();
  auto found = tensors->find(value.name);
  if (found == tensors->end() && !by_name) found = tensors->find("");
  if (found != tensors->end()) return fitted(found->second, value, file);
  return invalid_input(fmt::format("{}: holds no tensor for '{}'; write {}=FILE, or an object with that key", file,
                                   value.name, value.name));
}

template <typename T>
std::vector<double> entries_as(const Tensor& tensor) {
  const auto data = tensor.data<T>();
  return std::vector<double>(data.begin(), data.end());
}

}  // namespace

std::pair<std::string, std::string> split_argument(const Graph& graph, const std::vector<ValueId>& values,
                                                   const std::string& argument) {
  for (const ValueId id : values) {
    const std::string start = value_of(graph, id).name + "=";
    if (argument.starts_with(start)) return {value_of(graph, id).name, argument.substr(start.size())};
  }
  return {"", argument};
}

Result<TensorMap> read_tensor_arguments(const Graph& graph, const std::vector<ValueId>& values,
                                        const std::vector<std::string>& arguments, std::string_view what) {
  TensorMap tensors;
  for (const std::string& argument : arguments) {
    const auto [name, file] = split_argument(graph, values, argument);
    bool used = false;
    for (const ValueId id : values) {
      const Value& value = value_of(graph, id);
      if (!name.empty() && name != value.name) continue;
      Result<Tensor> tensor = read_one(file, value, name.empty() && values.size() > 1);
      if (!tensor) return tensor.error();
      if (!tensors.emplace(value.name, *std::move(tensor)).second) {
        return usage_error(fmt::format("{} '{}' is given twice; the second time by {}", what, value.name, argument));
      }
      used = true;
    }
    if (!used)
      return usage_error(fmt::format("{}: no {} of that name; there are {}", argument, what, names_of(graph, values)));
  }
  return tensors;
}

Tensor random_tensor(const TensorType& type, uint64_t seed) {
  std::mt19937_64 generator(seed);
  Tensor tensor(type.dtype, type.shape);
  const auto unit = [&] { return static_cast<double>(generator() >> 40) * 0x1p-23 - 1; };
  if (type.dtype == DType::kFloat32) {
    for (float& x : tensor.mutable_data<float>()) x = static_cast<float>(unit());
  } else if (type.dtype == DType::kFloat64) {
    for (double& x : tensor.mutable_data<double>()) x = unit();
  } else {
    const size_t step = dtype_size(type.dtype);
    for (size_t at = 0; at < tensor.byte_size(); at += step) tensor.mutable_bytes()[at] = std::byte(generator() & 1);
  }
  return tensor;
}

std::vector<double> entries(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return entries_as<float>(tensor);
    case DType::kFloat64:
      return entries_as<double>(tensor);
    case DType::kInt64:
      return entries_as<int64_t>(tensor);
    case DType::kInt32:
      return entries_as<int32_t>(tensor);
    case DType::kInt8:
      return entries_as<int8_t>(tensor);
    case DType::kUint8:
      return entries_as<uint8_t>(tensor);
    case DType::kBool:
      return entries_as<bool>(tensor);
  }
  return {};
}

}  // namespace axiom::cli
