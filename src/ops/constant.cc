// Constant, Cast and Shape: values that come from the model or from dtypes and shapes, not from arithmetic.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "ops/check.h"
#include "ops/family.h"

namespace axiom::ops {
namespace {

class Constant final : public Operator {
 public:
  std::string_view name() const override { return "Constant"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    if (auto ok = check_arity(context, 0, 0); !ok) return ok.error();
    if (auto ok = check_attributes(context.node, {{"value", Kind::kTensor},
                                                  {"value_float", Kind::kFloat},
                                                  {"value_floats", Kind::kFloats},
                                                  {"value_int", Kind::kInt},
                                                  {"value_ints", Kind::kInts}});
        !ok)
      return ok.error();
    if (context.node.attributes.size() != 1)
      return rejected(context.node, fmt::format("has {} values, must have one of value, value_float, value_floats, "
                                                "value_int, value_ints",
                                                context.node.attributes.size()));
    const Tensor tensor = value_of(context.node);
    return std::vector<TensorType>{{tensor.dtype(), tensor.shape()}};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const>,
                                   std::span<const TensorType>) const override {
    return std::vector<Tensor>{value_of(node)};
  }

  Result<std::vector<Tensor>> gradient(const GradientContext&) const override { return std::vector<Tensor>{}; }

  Status lower(const Node& node, LoweringContext& context) const override {
    if (!has_attribute(node, "value")) return uncertified(node, "only the attribute 'value' is covered");
    return context.define_constant(node);
  }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return true; }

 private:
  static Tensor value_of(const Node& node) {
    const Attribute& value = node.attributes.begin()->second;
    if (const auto* tensor = std::get_if<Tensor>(&value)) return *tensor;
    if (const auto* number = std::get_if<float>(&value)) return Tensor::from<float>({}, {*number});
    if (const auto* number = std::get_if<int64_t>(&value)) return Tensor::from<int64_t>({}, {*number});
    if (const auto* numbers = std::get_if<std::vector<float>>(&value))
      return Tensor::from<float>({static_cast<int64_t>(numbers->size())}, *numbers);
    const auto& numbers = std::get<std::vector<int64_t>>(value);
    return Tensor::from<int64_t>({static_cast<int64_t>(numbers.size())}, numbers);
  }
};

// Calls `body` with a zero of the type of any dtype.
template <typename Body>
auto with_any(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::kUint8:
      return body(uint8_t{});
    case DType::kInt8:
      return body(int8_t{});
    case DType::kInt32:
      return body(int32_t{});
    case DType::kInt64:
      return body(int64_t{});
    case DType::kBool:
      return body(bool{});
    case DType::kFloat64:
      return body(double{});
    case DType::kFloat32:
      break;
  }
  return body(float{});
}

// Where a float lies outside an integer type ONNX leaves the result open: here the nearest end, and 0 for NaN.
template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(value)) return To{0};
    if (value <= static_cast<From>(Limits::min())) return Limits::min();
    if (value >= static_cast<From>(Limits::max())) return Limits::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

// Whether nothing is lost. The test by the way back is not enough at the upper end of int64, hence the comparison.
template <typename To, typename From>
bool is_exact(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return true;
  } else if constexpr (std::is_floating_point_v<To> && std::is_same_v<From, int64_t>) {
    const To there = static_cast<To>(value);
    return there < static_cast<To>(0x1p63) && static_cast<int64_t>(there) == value;
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return std::trunc(value) == value && std::fabs(value) < From{0x1p24} && convert<From>(convert<To>(value)) == value;
  } else {
    return convert<From>(convert<To>(value)) == value;
  }
}

class Cast final : public Operator {
 public:
  std::string_view name() const override { return "Cast"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    const Node& node = context.node;
    if (auto ok = check_arity(context, 1, 1); !ok) return ok.error();
    if (auto ok = check_attributes(node, {{"to", Kind::kInt}, {"saturate", Kind::kInt}}); !ok) return ok.error();
    if (!has_attribute(node, "to")) return rejected(node, "attribute 'to' is missing");
    const auto to = attribute<int64_t>(node, "to", 0);
    for (const DType dtype :
         {DType::kFloat32, DType::kFloat64, DType::kUint8, DType::kInt8, DType::kInt32, DType::kInt64, DType::kBool})
      if (static_cast<int64_t>(dtype) == to) return std::vector<TensorType>{{dtype, context.types[0]->shape}};
    return rejected(node, fmt::format("attribute 'to' is {}, a dtype that is not supported", to));
  }

  Result<std::vector<Tensor>> eval(const Node&, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    if (types[0].dtype == inputs[0]->dtype()) return std::vector<Tensor>{*inputs[0]};
    return std::vector<Tensor>{cast(*inputs[0], types[0].dtype)};
  }

  Result<std::vector<Tensor>> gradient(const GradientContext& context) const override {
    const auto is_float = [](DType dtype) { return dtype == DType::kFloat32 || dtype == DType::kFloat64; };
    const Tensor& dy = context.output_gradients[0];
    if (!is_float(context.inputs[0]->dtype()) || !is_float(dy.dtype())) return std::vector<Tensor>(1);
    return std::vector<Tensor>{cast(dy, context.inputs[0]->dtype())};
  }

  Status lower(const Node& node, LoweringContext& context) const override {
    const DType from = context.type(node.inputs[0]).dtype, to = context.type(node.outputs[0]).dtype;
    if (to != DType::kFloat32)
      return uncertified(node, fmt::format("casts to {}; only float32 is covered", dtype_name(to)));
    if (const Tensor* tensor = context.constant(node.inputs[0])) {
      const bool covered = from == DType::kFloat32 || from == DType::kUint8 || from == DType::kInt8 ||
                           from == DType::kInt32 || from == DType::kInt64;
      if (!covered || !all_exact(*tensor, to))
        return uncertified(
            node, fmt::format("a constant of dtype {} whose values are not all float32 numbers", dtype_name(from)));
      return context.define_constant(node);
    }
    if (from != DType::kFloat32)
      return uncertified(node, fmt::format("casts a value of dtype {} that depends on the inputs", dtype_name(from)));
    auto elements = context.elements(node, node.inputs[0]);
    if (!elements) return elements.error();
    context.define_view(node, std::move(*elements));
    return {};
  }

  bool folds_exactly(const Node& node, std::span<const Tensor* const> inputs) const override {
    return inputs[0] && all_exact(*inputs[0], static_cast<DType>(attribute<int64_t>(node, "to", 0)));
  }

 private:
  static Tensor cast(const Tensor& tensor, DType to) {
    Tensor result(to, tensor.shape());
    with_any(tensor.dtype(), [&](auto from_zero) {
      with_any(to, [&](auto to_zero) {
        using From = decltype(from_zero);
        using To = decltype(to_zero);
        const auto in = tensor.data<From>();
        const auto out = result.mutable_data<To>();
        for (size_t i = 0; i < in.size(); ++i) out[i] = convert<To>(in[i]);
      });
    });
    return result;
  }

  static bool all_exact(const Tensor& tensor, DType to) {
    return with_any(tensor.dtype(), [&](auto from_zero) {
      return with_any(to, [&](auto to_zero) {
        for (const auto value : tensor.data<decltype(from_zero)>())
          if (!is_exact<decltype(to_zero)>(value)) return false;
        return true;
      });
    });
  }
};

class ShapeOperator final : public Operator {
 public:
  std::string_view name() const override { return "Shape"; }

  Result<std::vector<TensorType>> infer(const InferContext& context) const override {
    if (auto ok = check_arity(context, 1, 1); !ok) return ok.error();
    if (auto ok = check_attributes(context.node, {{"start", Kind::kInt}, {"end", Kind::kInt}}); !ok) return ok.error();
    const auto extents = selected(context.node, context.types[0]->shape);
    return std::vector<TensorType>{{DType::kInt64, {static_cast<int64_t>(extents.size())}}};
  }

  Result<std::vector<Tensor>> eval(const Node& node, std::span<const Tensor* const> inputs,
                                   std::span<const TensorType> types) const override {
    return std::vector<Tensor>{Tensor::from<int64_t>(types[0].shape, selected(node, inputs[0]->shape()))};
  }

  Result<std::vector<Tensor>> gradient(const GradientContext&) const override { return std::vector<Tensor>(1); }

  bool folds_exactly(const Node&, std::span<const Tensor* const>) const override { return true; }

 private:
  // Extents start .. end (exclusive), both clamped, negative ones counted from the end.
  static std::vector<int64_t> selected(const Node& node, const Shape& shape) {
    const auto rank = static_cast<int64_t>(shape.size());
    const auto clamp = [&](int64_t axis) {
      return std::min(std::max<int64_t>(axis < 0 ? axis + rank : axis, 0), rank);
    };
    const int64_t start = clamp(attribute<int64_t>(node, "start", 0));
    const int64_t end = clamp(attribute<int64_t>(node, "end", rank));
    return {shape.begin() + start, shape.begin() + std::max(start, end)};
  }
};

}  // namespace

Family constant_family() {
  Family family;
  family.push_back(std::make_unique<Constant>());
  family.push_back(std::make_unique<Cast>());
  family.push_back(std::make_unique<ShapeOperator>());
  return family;
}

}  // namespace axiom::ops
