// Sum nodes (spec section 3): each entry of the output is a row of products and
// addends. Rows are made in two passes over the same enumeration of products,
// one that counts and one that fills, so that weights that are zero take no room.
#include <algorithm>
#include <cmath>

#include "error.h"
#include "lowering.h"

namespace checker {
namespace {

// `each(visit)` calls visit(row, element, weight) for every product; those of one
// row come in the order of its terms.
template <class Each>
Rows make_rows(Lowering& lowering, const Call& call, uint64_t count, const Each& each) {
  Rows rows;
  rows.start.assign(count + 1, 0);
  uint64_t terms = 0;
  each([&](uint64_t row, uint32_t, double weight) {
    rows.start[row + 1] += weight != 0;
    terms += weight != 0;
  });
  lowering.check_terms(call, terms);
  for (uint64_t row = 0; row < count; ++row) rows.start[row + 1] += rows.start[row];
  rows.source.resize(terms);
  rows.weight.resize(terms);
  std::vector<uint64_t> at(rows.start.begin(), rows.start.end() - 1);
  each([&](uint64_t row, uint32_t element, double weight) {
    if (weight == 0) return;
    rows.source[at[row]] = element;
    rows.weight[at[row]++] = weight;
  });
  return rows;
}

// ---- Add and Sub

// The constants of an operand, added to the lists of the output.
void append_constants(Rows& out, const Call& call, size_t input, const Index& map, double sign) {
  const Tensor& tensor = call[input];
  if (tensor.is_constant()) {
    const Tensor& constant = call.float_constant(input);
    std::vector<double>& list = out.constants.emplace_back();
    for (const uint32_t from : map) list.push_back(sign * double(constant.float_at(from)));
  } else if (tensor.kind == Tensor::pending) {
    for (const std::vector<double>& pending : tensor.rows->constants) {
      std::vector<double>& list = out.constants.emplace_back();
      for (const uint32_t from : map) list.push_back(sign * pending[from]);
    }
  }
}

// The terms of entry `from` of an operand, added to the row that is being made.
void append_terms(Rows& out, const Tensor& tensor, uint32_t from, double sign) {
  if (tensor.kind == Tensor::view) {
    out.source.push_back((*tensor.index)[from]);
    out.weight.push_back(sign);
  } else if (tensor.kind == Tensor::pending) {
    for (uint64_t t = tensor.rows->start[from]; t < tensor.rows->start[from + 1]; ++t) {
      out.source.push_back(tensor.rows->source[t]);
      out.weight.push_back(sign * tensor.rows->weight[t]);
    }
  }
}

Tensor add(Lowering& lowering, const Call& call, double sign) {
  const Tensor &a = call[0], &b = call[1];
  if (a.is_constant() && b.is_constant()) call.fail("both operands are constant");
  const Shape shape = broadcast(call, a.shape, b.shape);
  const uint64_t count = lowering.allot(call, shape);
  const Index map_a = broadcast_map(a.shape, shape), map_b = broadcast_map(b.shape, shape);
  Rows rows;
  if (a.kind == Tensor::pending && b.is_constant() && a.shape == shape) {
    rows = std::move(*a.rows);  // the same rows; only the constant is new
  } else {
    for (uint64_t o = 0; o < count; ++o) {
      append_terms(rows, a, map_a[o], 1);
      append_terms(rows, b, map_b[o], sign);
      lowering.check_terms(call, rows.source.size());
      rows.start.push_back(rows.source.size());
    }
    append_constants(rows, call, 0, map_a, 1);
  }
  append_constants(rows, call, 1, map_b, sign);
  if (rows.constants.size() > 4) call.fail(text("a sum of ", rows.constants.size(), " constants, at most 4"));
  return lowering.sum(call, std::move(rows), shape);
}

Tensor lower_add(Lowering& lowering, const Call& call) { return add(lowering, call, 1); }
Tensor lower_sub(Lowering& lowering, const Call& call) { return add(lowering, call, -1); }

// ---- MatMul and Gemm

// Which operand is the view; the other one is a finite float32 constant.
size_t view_of_product(const Call& call) {
  if (call[0].is_constant() == call[1].is_constant()) call.fail("exactly one factor must be constant");
  const size_t view = call[0].is_constant() ? 1 : 0;
  call.float_constant(1 - view);
  return view;
}

Tensor lower_matmul(Lowering& lowering, const Call& call) {
  const bool both = !call[0].is_constant() && !call[1].is_constant();
  const size_t which = both ? 0 : view_of_product(call);
  Shape a = call[0].shape, b = call[1].shape;
  const bool vector_a = a.size() == 1, vector_b = b.size() == 1;
  if (a.empty() || b.empty()) call.fail("a factor of rank 0");
  if (vector_a) a.insert(a.begin(), 1);
  if (vector_b) b.push_back(1);
  const auto rows_a = uint64_t(a[a.size() - 2]), inner = uint64_t(a.back()), columns = uint64_t(b.back());
  if (uint64_t(b[b.size() - 2]) != inner) call.fail(text("inner extents ", inner, " and ", b[b.size() - 2]));

  const Shape batch_a(a.begin(), a.end() - 2), batch_b(b.begin(), b.end() - 2);
  const Shape batch = broadcast(call, batch_a, batch_b);
  lowering.allot(call, batch);
  const Index map_a = broadcast_map(batch_a, batch), map_b = broadcast_map(batch_b, batch);
  Shape shape = batch;
  if (!vector_a) shape.push_back(int64_t(rows_a));
  if (!vector_b) shape.push_back(int64_t(columns));
  const uint64_t count = lowering.allot(call, shape);
  lowering.work(call, inner == 0 ? 0 : count * inner);

  const auto index = lowering.view(call, which);
  if (both) {
    lowering.check_terms(call, 2 * count * inner);
    const auto index_b = lowering.view(call, 1);
    Index left, right;
    for (uint64_t p = 0; p < map_a.size(); ++p) {
      for (uint64_t i = 0; i < rows_a; ++i) {
        for (uint64_t j = 0; j < columns; ++j) {
          for (uint64_t k = 0; k < inner; ++k) {
            left.push_back((*index)[(map_a[p] * rows_a + i) * inner + k]);
            right.push_back((*index_b)[(map_b[p] * inner + k) * columns + j]);
          }
        }
      }
    }
    Rows sums;
    sums.source = product(lowering, call, left, right);
    sums.weight.assign(sums.source.size(), 1);
    for (uint64_t row = 1; row <= count; ++row) sums.start.push_back(row * inner);
    return lowering.sum(call, std::move(sums), shape);
  }
  const Tensor& weight = call[1 - which];
  Rows rows = make_rows(lowering, call, count, [&](const auto& visit) {
    for (uint64_t p = 0; p < map_a.size(); ++p) {
      for (uint64_t i = 0; i < rows_a; ++i) {
        for (uint64_t k = 0; k < inner; ++k) {
          const uint64_t at_a = (map_a[p] * rows_a + i) * inner + k, at_b = (map_b[p] * inner + k) * columns;
          for (uint64_t j = 0; j < columns; ++j) {
            const uint64_t row = (p * rows_a + i) * columns + j;
            visit(row, (*index)[which == 0 ? at_a : at_b + j], weight.float_at(which == 0 ? at_b + j : at_a));
          }
        }
      }
    }
  });
  return lowering.sum(call, std::move(rows), shape);
}

// alpha, beta and their factor F, for a Gemm that is not plain.
struct Scale {
  double alpha, beta, factor;
  bool scaled;
};

Scale scale_of(const Call& call) {
  const double alpha = call.real("alpha", 1), beta = call.has(2) ? call.real("beta", 1) : 1;
  if (!std::isfinite(alpha) || alpha == 0 || !std::isfinite(beta) || beta == 0) {
    call.fail(text("alpha ", alpha, ", beta ", beta));
  }
  const double a = std::fabs(alpha), b = std::fabs(beta);
  const double factor = std::max(1.0, std::max(a, b)) / std::min(1.0, std::min(a, b));
  return {.alpha = alpha, .beta = beta, .factor = factor, .scaled = alpha != 1 || beta != 1};
}

// A scaled weight must be a float32 number in size too: backends may scale the
// constant before they multiply.
double scaled_constant(const Call& call, double scale, double value) {
  if (scale != 1 && !(std::fabs(scale * value) < 0x1p127)) call.fail(text("a scaled constant ", number(scale * value)));
  return scale * value;
}

Tensor lower_gemm(Lowering& lowering, const Call& call) {
  const size_t which = view_of_product(call);
  const Tensor &a = call[0], &b = call[1];
  if (a.shape.size() != 2 || b.shape.size() != 2) call.fail("a factor that is not a matrix");
  const bool trans_a = call.integer("transA", 0) != 0, trans_b = call.integer("transB", 0) != 0;
  const auto m = uint64_t(a.shape[trans_a]), inner = uint64_t(a.shape[!trans_a]), n = uint64_t(b.shape[!trans_b]);
  if (uint64_t(b.shape[trans_b]) != inner) call.fail(text("inner extents ", inner, " and ", b.shape[trans_b]));
  const Scale scale = scale_of(call);
  const Shape shape{int64_t(m), int64_t(n)};
  const uint64_t count = lowering.allot(call, shape);
  lowering.work(call, inner == 0 ? 0 : count * inner);

  Index map_c;
  std::shared_ptr<const Index> view_c;
  if (call.has(2)) {
    if (broadcast(call, call[2].shape, shape) != shape) call.fail("c does not broadcast to the output");
    map_c = broadcast_map(call[2].shape, shape);
  }
  const auto index = lowering.view(call, which);
  if (call.has(2) && !call[2].is_constant()) view_c = lowering.view(call, 2);
  const Tensor& weight = call[1 - which];
  Rows rows = make_rows(lowering, call, count, [&](const auto& visit) {
    for (uint64_t i = 0; i < m; ++i) {
      for (uint64_t j = 0; j < n; ++j) {
        for (uint64_t k = 0; k < inner; ++k) {
          const uint64_t at_a = trans_a ? k * m + i : i * inner + k, at_b = trans_b ? j * inner + k : k * n + j;
          const double w = weight.float_at(which == 0 ? at_b : at_a);
          visit(i * n + j, (*index)[which == 0 ? at_a : at_b], scaled_constant(call, scale.alpha, w));
        }
        if (view_c) visit(i * n + j, (*view_c)[map_c[i * n + j]], scale.beta);
      }
    }
  });
  rows.scaled = scale.scaled;
  rows.factor = scale.scaled ? scale.factor : 1;
  if (call.has(2) && !view_c) {
    const Tensor& c = call.float_constant(2);
    std::vector<double>& list = rows.constants.emplace_back();
    for (const uint32_t from : map_c) list.push_back(scaled_constant(call, scale.beta, double(c.float_at(from))));
  }
  return lowering.sum(call, std::move(rows), shape);
}

// ---- Conv and ConvTranspose

// x a view of rank 4, w a constant of rank 4, b a constant with one entry per
// output channel. Returns the extents of x and w.
void check_convolution(const Call& call, int64_t (&x)[4], int64_t (&w)[4]) {
  if (call[0].is_constant()) call.fail("input 0 is constant");
  const Tensor& weight = call.float_constant(1);
  if (call[0].shape.size() != 4 || weight.shape.size() != 4) call.fail("only two spatial axes");
  std::copy(call[0].shape.begin(), call[0].shape.end(), x);
  std::copy(weight.shape.begin(), weight.shape.end(), w);
  const std::vector<int64_t> kernel = call.integers("kernel_shape", {w[2], w[3]});
  if (kernel != std::vector<int64_t>{w[2], w[3]}) call.fail("kernel_shape differs from the shape of the weight");
}

// The constants of a bias with one entry per channel, for outputs n, c, h, w.
void add_bias(const Call& call, Rows& rows, const Shape& shape) {
  if (!call.has(2)) return;
  const Tensor& bias = call.float_constant(2);
  if (bias.shape != Shape{shape[1]}) call.fail(text("a bias of another shape than [", shape[1], "]"));
  const auto plane = uint64_t(shape[2] * shape[3]), channels = uint64_t(shape[1]);
  std::vector<double>& list = rows.constants.emplace_back(rows.size());
  for (uint64_t row = 0; row < list.size(); ++row) list[row] = bias.float_at(row / plane % channels);
}

Tensor lower_conv(Lowering& lowering, const Call& call) {
  int64_t x[4], w[4];
  check_convolution(call, x, w);
  const int64_t group = call.integer("group", 1);
  if (group < 1 || x[1] % group != 0 || w[0] % group != 0 || x[1] / group != w[1]) {
    call.fail(text(x[1], " channels, ", group, " groups, a weight for ", w[1], " channels"));
  }
  const Windows windows(call, w[2], w[3]);
  const Shape shape{x[0], w[0], windows.extent(call, 0, x[2], false), windows.extent(call, 1, x[3], false)};
  const uint64_t count = lowering.allot(call, shape);
  lowering.work(call, count * std::max<uint64_t>(1, entry_count({w[1], w[2], w[3]}, call.node.place)));
  const auto index = lowering.view(call, 0);
  const Tensor& weight = call[1];

  Rows rows = make_rows(lowering, call, count, [&](const auto& visit) {
    for (uint64_t row = 0; row < count; ++row) {
      const int64_t ow = int64_t(row) % shape[3], oh = int64_t(row) / shape[3] % shape[2];
      const int64_t oc = int64_t(row) / (shape[3] * shape[2]) % shape[1];
      const int64_t image = int64_t(row) / (shape[3] * shape[2] * shape[1]), first = oc / (w[0] / group) * w[1];
      for (int64_t ic = 0; ic < w[1]; ++ic) {
        for (int64_t kh = 0; kh < w[2]; ++kh) {
          const int64_t ih = oh * windows.stride[0] - windows.pad_begin[0] + kh * windows.dilation[0];
          for (int64_t kw = 0; kw < w[3]; ++kw) {
            const int64_t iw = ow * windows.stride[1] - windows.pad_begin[1] + kw * windows.dilation[1];
            if (ih < 0 || ih >= x[2] || iw < 0 || iw >= x[3]) continue;
            const int64_t from = ((image * x[1] + first + ic) * x[2] + ih) * x[3] + iw;
            const int64_t at = ((oc * w[1] + ic) * w[2] + kh) * w[3] + kw;
            visit(row, (*index)[size_t(from)], weight.float_at(size_t(at)));
          }
        }
      }
    }
  });
  add_bias(call, rows, shape);
  return lowering.sum(call, std::move(rows), shape);
}

// Where kernel position k of output o reads the input along an axis; -1 if nowhere.
int64_t transposed_position(const Windows& windows, int axis, int64_t o, int64_t k, int64_t in) {
  const int64_t scaled = o + windows.pad_begin[axis] - k * windows.dilation[axis];
  if (scaled < 0 || scaled % windows.stride[axis] != 0) return -1;
  const int64_t i = scaled / windows.stride[axis];
  return i < in ? i : -1;
}

Tensor lower_conv_transpose(Lowering& lowering, const Call& call) {
  int64_t x[4], w[4];  // w: input channel, output channel, kernel row, kernel column
  check_convolution(call, x, w);
  if (call.integer("group", 1) != 1) call.fail("more than one group");
  if (x[1] != w[0]) call.fail(text(x[1], " channels, a weight for ", w[0]));
  const Windows windows(call, w[2], w[3]);
  const std::vector<int64_t> extra = call.integers("output_padding", {0, 0});
  if (extra.size() != 2) call.fail("output_padding is not one number per axis");
  Shape shape{x[0], w[1], 0, 0};
  for (int axis = 0; axis < 2; ++axis) {
    if (extra[axis] < 0 || extra[axis] >= std::max(windows.stride[axis], windows.dilation[axis])) {
      call.fail(text("output_padding ", extra[axis]));
    }
    shape[axis + 2] = (x[axis + 2] - 1) * windows.stride[axis] + extra[axis] + windows.span(axis) -
                      windows.pad_begin[axis] - windows.pad_end[axis];
    if (shape[axis + 2] < 1) call.fail("an empty output");
  }
  const uint64_t count = lowering.allot(call, shape);
  lowering.work(call, count * std::max<uint64_t>(1, entry_count({w[0], w[2], w[3]}, call.node.place)));
  const auto index = lowering.view(call, 0);
  const Tensor& weight = call[1];

  Rows rows = make_rows(lowering, call, count, [&](const auto& visit) {
    for (uint64_t row = 0; row < count; ++row) {
      const int64_t ow = int64_t(row) % shape[3], oh = int64_t(row) / shape[3] % shape[2];
      const int64_t oc = int64_t(row) / (shape[3] * shape[2]) % shape[1];
      const int64_t image = int64_t(row) / (shape[3] * shape[2] * shape[1]);
      for (int64_t ic = 0; ic < w[0]; ++ic) {
        for (int64_t kh = 0; kh < w[2]; ++kh) {
          const int64_t ih = transposed_position(windows, 0, oh, kh, x[2]);
          for (int64_t kw = 0; ih >= 0 && kw < w[3]; ++kw) {
            const int64_t iw = transposed_position(windows, 1, ow, kw, x[3]);
            if (iw < 0) continue;
            const int64_t from = ((image * x[1] + ic) * x[2] + ih) * x[3] + iw;
            const int64_t at = ((ic * w[1] + oc) * w[2] + kh) * w[3] + kw;
            visit(row, (*index)[size_t(from)], weight.float_at(size_t(at)));
          }
        }
      }
    }
  });
  add_bias(call, rows, shape);
  return lowering.sum(call, std::move(rows), shape);
}

constexpr Rule kRules[] = {
    {"Add", lower_add, 2, 2, ""},
    {"Sub", lower_sub, 2, 2, ""},
    {"MatMul", lower_matmul, 2, 2, ""},
    {"Gemm", lower_gemm, 2, 3, "alpha beta transA transB"},
    {"Conv", lower_conv, 2, 3, "auto_pad dilations group kernel_shape pads strides"},
    {"ConvTranspose", lower_conv_transpose, 2, 3, "auto_pad dilations group kernel_shape output_padding pads strides"},
};

}  // namespace

std::span<const Rule> sum_rules() { return kRules; }

}  // namespace checker
