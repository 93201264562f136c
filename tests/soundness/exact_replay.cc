// The walk through a proof tree in rationals. Contexts are copied where a node splits, which is slow and plain; open
// nodes are on a stack of our own. A leaf that does not hold is noted and the walk goes on, so that the places of all
// numbers are known even for trees that prove nothing.
#include "exact_replay.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace axiom::soundness {
namespace {

constexpr long kBits = 256;
constexpr size_t kMostDepth = 100'000;

// Thrown by the reader of a tree, caught in replay_exactly.
struct Unreadable {
  std::string reason;
};

// ---- Numbers

// The greatest number of kBits bits that is <= value. Numbers that are short already stay as they are.
Rational rounded_down(const Rational& value) {
  const mpz_class &top = value.get_num(), &bottom = value.get_den();
  const bool dyadic = mpz_popcount(bottom.get_mpz_t()) == 1;
  const long top_bits = static_cast<long>(mpz_sizeinbase(top.get_mpz_t(), 2));
  const long bottom_bits = static_cast<long>(mpz_sizeinbase(bottom.get_mpz_t(), 2));
  if (dyadic && top_bits <= kBits) return value;
  const long shift = kBits - (top_bits - bottom_bits);
  const auto scaled = [](const mpz_class& z, long by) {
    return by > 0 ? mpz_class(z << static_cast<mp_bitcnt_t>(by)) : z;
  };
  mpz_class quotient;
  mpz_fdiv_q(quotient.get_mpz_t(), scaled(top, shift).get_mpz_t(), scaled(bottom, -shift).get_mpz_t());
  Rational out(scaled(quotient, -shift), scaled(1, shift));
  out.canonicalize();
  return out;
}

Rational rounded_up(const Rational& value) { return -rounded_down(-value); }

// ---- Bytes

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }
  bool at_end() const { return at_ == bytes_.size(); }

  std::string take(uint64_t count) {
    if (count > bytes_.size() - at_) throw Unreadable{"ends too early"};
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  uint8_t byte() { return static_cast<uint8_t>(take(1)[0]); }

  uint64_t varint() {
    uint64_t value = 0;
    for (int part = 0; part < 9; ++part) {
      const uint8_t seven = byte();
      value |= uint64_t{seven & 127u} << (7 * part);
      if (seven < 128) {
        if (seven == 0 && part > 0) throw Unreadable{"a redundant byte"};
        return value;
      }
    }
    throw Unreadable{"an integer of more than 9 bytes"};
  }
  size_t index(uint64_t limit) {
    const uint64_t value = varint();
    if (value >= limit) throw Unreadable{"an index that refers to nothing"};
    return value;
  }

  template <typename Float>
  Rational number() {
    Float value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    if (!std::isfinite(value)) throw Unreadable{"a number that is not finite"};
    return Rational(static_cast<double>(value));
  }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

static_assert(std::endian::native == std::endian::little, "numbers of a certificate are copied as they are");

void put_varint(std::string& bytes, uint64_t value) {
  for (; value >= 128; value >>= 7) bytes.push_back(static_cast<char>(value | 128));
  bytes.push_back(static_cast<char>(value));
}

// ---- The network as core operators

struct Row {
  std::vector<std::pair<size_t, Rational>> terms;
  Rational bias;
};

struct Model {
  std::vector<size_t> first;        ///< Of every operator; one more entry: the number of elements.
  std::vector<ScalarKind> kind;     ///< Of every operator.
  std::vector<size_t> operator_of;  ///< Of every element.
  std::vector<Row> rows;            ///< Of sum elements.
  std::vector<size_t> source;       ///< Of hinges.
  std::vector<Rational> value;      ///< Of constants; slope of leaky relus.
  std::vector<bool> relevant, hinges_only;
  std::vector<size_t> outputs;
  size_t inputs = 0;

  explicit Model(const Meaning& meaning);
  size_t operators() const { return kind.size(); }
  size_t elements() const { return rows.size(); }
  bool is_affine(size_t e) const { return kind[operator_of[e]] == ScalarKind::kSum; }
  bool is_hinge(size_t op) const { return kind[op] == ScalarKind::kRelu || kind[op] == ScalarKind::kLeakyRelu; }
};

Model::Model(const Meaning& meaning)
    : first(meaning.operators.begin(), meaning.operators.end()),
      operator_of(meaning.scalars.size()),
      rows(meaning.scalars.size()),
      source(meaning.scalars.size()),
      value(meaning.scalars.size()),
      relevant(meaning.scalars.size()),
      hinges_only(meaning.scalars.size(), true),
      outputs(meaning.outputs.begin(), meaning.outputs.end()),
      inputs(static_cast<size_t>(meaning.input_count)) {
  first.push_back(meaning.scalars.size());
  for (size_t op = 0; op + 1 < first.size(); ++op) {
    kind.push_back(meaning.scalars[first[op]].kind);
    for (size_t e = first[op]; e < first[op + 1]; ++e) operator_of[e] = op;
  }
  for (size_t e = 0; e < meaning.scalars.size(); ++e) {
    const Scalar& scalar = meaning.scalars[e];
    switch (scalar.kind) {
      case ScalarKind::kInput:
        break;
      case ScalarKind::kConstant:
        value[e] = scalar.value;
        break;
      case ScalarKind::kSum:
        for (const Leaf& leaf : scalar.leaves) {
          const auto read = static_cast<size_t>(leaf.source);
          rows[e].terms.emplace_back(read, Rational(leaf.weight) * (leaf.product ? scalar.alpha : scalar.beta));
          hinges_only[read] = false;
        }
        for (const float c : scalar.constants) rows[e].bias += Rational(scalar.beta) * c;
        break;
      case ScalarKind::kRelu:
      case ScalarKind::kLeakyRelu:
        source[e] = static_cast<size_t>(scalar.sources[0]);
        relevant[source[e]] = true;
        if (scalar.kind == ScalarKind::kLeakyRelu) value[e] = scalar.value;
        break;
      default:
        std::abort();  // Not a network of this replay.
    }
  }
}

struct Form {
  std::vector<std::pair<size_t, Rational>> terms;  ///< Element and coefficient.
  Rational bound;                                  ///< Unsafe where the sum is at most this.
};

struct Disjunct {
  ExactBox box;
  std::vector<Form> forms;
};

Form form_of(const Model& model, const Inequality& inequality) {
  Form form{{}, parse_decimal(inequality.bound)};
  for (const Inequality::Term& term : inequality.terms) {
    const auto index = static_cast<size_t>(term.index);
    form.terms.emplace_back(term.output ? model.outputs[index] : index, term.exact());
  }
  return form;
}

// ---- Bounds and sweeps

struct Hints {
  int rule = 0;  ///< 0 adaptive, 1 zero, 2 one, 3 explicit.
  std::vector<uint8_t> slopes;
  std::vector<std::pair<size_t, Rational>> multipliers;
};

struct Line {
  Rational s_lo, s_hi, k_hi;  ///< The lower line passes through the origin.
};

struct Context {
  std::vector<Rational> lo, hi;

  bool open(size_t e) const { return lo[e] < 0 && hi[e] > 0; }
  void meet_lower(size_t e, const Rational& end) { lo[e] = std::max(lo[e], rounded_down(end)); }
  void meet_upper(size_t e, const Rational& end) { hi[e] = std::min(hi[e], rounded_up(end)); }
};

// Bounds of all elements below operator `end` that are functions of others.
void refresh(const Model& model, size_t end, Context& context) {
  for (size_t e = model.inputs; e < model.first[end]; ++e) {
    const size_t op = model.operator_of[e];
    if (model.kind[op] == ScalarKind::kConstant) context.lo[e] = context.hi[e] = model.value[e];
    if (!model.is_hinge(op)) continue;
    const auto phi = [&](const Rational& x) { return x < 0 ? Rational(model.value[e] * x) : x; };
    context.lo[e] = phi(context.lo[model.source[e]]);
    context.hi[e] = phi(context.hi[model.source[e]]);
  }
}

Line line_of(const Model& model, const Context& context, const Hints& hints, size_t e) {
  const Rational &l = context.lo[model.source[e]], &h = context.hi[model.source[e]], &alpha = model.value[e];
  if (h <= 0) return {alpha, alpha, 0};
  if (l >= 0) return {1, 1, 0};
  const Rational s_hi = rounded_up((h - alpha * l) / (h - l));
  const Rational gap = std::max(Rational((alpha - s_hi) * l), Rational((1 - s_hi) * h));
  Rational s_lo = hints.rule == 0 ? (h > -l ? Rational(1) : alpha) : hints.rule == 1 ? alpha : Rational(1);
  if (hints.rule == 3) s_lo = std::max(alpha, Rational(hints.slopes[e], 128));
  s_lo.canonicalize();
  return {s_lo, s_hi, std::max(gap, Rational(0))};
}

// Bounds c + sum a[e] * y_e from below; afterwards `a` is left at the inputs only.
Rational sweep(const Model& model, const Context& context, const Hints& hints, size_t end, Rational c,
               std::vector<Rational>& a) {
  for (size_t op = end; op-- > 1;) {
    for (const auto& [e, beta] : hints.multipliers) {
      if (model.operator_of[e] != op) continue;
      c += beta * (beta > 0 ? context.lo[e] : context.hi[e]);
      a[e] -= beta;
    }
    for (size_t e = model.first[op]; e < model.first[op + 1]; ++e) {
      const Rational factor = a[e];
      a[e] = 0;
      if (factor == 0) continue;
      if (model.kind[op] == ScalarKind::kConstant) c += factor * model.value[e];
      if (model.kind[op] == ScalarKind::kSum) {
        c += factor * model.rows[e].bias;
        for (const auto& [read, weight] : model.rows[e].terms) a[read] += factor * weight;
      }
      if (!model.is_hinge(op)) continue;
      const Line line = line_of(model, context, hints, e);
      a[model.source[e]] += factor * (factor > 0 ? line.s_lo : line.s_hi);
      if (factor < 0) c += factor * line.k_hi;
    }
  }
  for (size_t j = 0; j < model.inputs; ++j) {
    if (a[j] != 0) c += a[j] * (a[j] > 0 ? context.lo[j] : context.hi[j]);
  }
  return c;
}

// ---- The walk

class Walk {
 public:
  Walk(const Meaning& meaning, const Question& question, const std::string& tree)
      : model_(meaning), in_(tree), context_{std::vector<Rational>(model_.elements()), {}} {
    context_.hi = context_.lo;
    for (const UnsafeCase& unsafe : question.cases) {
      disjuncts_.push_back({exact_box(unsafe.box), {}});
      for (const Inequality& inequality : unsafe.inequalities)
        disjuncts_.back().forms.push_back(form_of(model_, inequality));
    }
    for (size_t j = 0; j < model_.inputs; ++j) {
      context_.lo[j] = disjuncts_[0].box.lower[j];
      context_.hi[j] = disjuncts_[0].box.upper[j];
      for (const Disjunct& disjunct : disjuncts_) {
        context_.lo[j] = rounded_down(std::min(context_.lo[j], disjunct.box.lower[j]));
        context_.hi[j] = rounded_up(std::max(context_.hi[j], disjunct.box.upper[j]));
      }
    }
    if (disjuncts_.size() == 1) active_ = 0;
  }

  ExactReplay run() {
    try {
      node(0);
      while (!stack_.empty()) descend();
      if (!in_.at_end()) throw Unreadable{"bytes follow the tree"};
      out_.readable = true;
      out_.closes = out_.reason.empty();
    } catch (const Unreadable& unreadable) {
      out_.reason = unreadable.reason;
    }
    return std::move(out_);
  }

 private:
  // A node whose children are being visited.
  struct Open {
    enum Kind { kCase, kSplit } kind;
    size_t children, next, subtree;
    size_t element;
    Rational value;
    Context context;
    std::optional<size_t> active;
  };

  void node(size_t parent) {
    if (stack_.size() >= kMostDepth) throw Unreadable{"too deep"};
    subtree_ = out_.subtrees.size();
    out_.subtrees.push_back({.begin = in_.at(), .parent = parent});
    while (step()) continue;
  }

  bool step() {
    const uint8_t code = in_.byte();
    if (first_ && code != 1) throw Unreadable{"the first instruction is not PROPAGATE"};
    switch (code) {
      case 1:
        propagate();
        return true;
      case 2:
        clip();
        return true;
      case 3:
        ++out_.cases;
        stack_.push_back({Open::kCase, active_ ? 1 : disjuncts_.size(), 0, subtree_, 0, 0, context_, active_});
        return false;
      case 4:
        ++out_.input_splits;
        split(in_.index(model_.inputs));
        return false;
      case 5: {
        ++out_.element_splits;
        const size_t e = in_.index(model_.elements());
        if (!model_.is_affine(e)) throw Unreadable{"a split of an element that is not affine"};
        split(e);
        return false;
      }
      case 6:
        refute();
        return false;
      case 7:
        ++out_.empties;
        leaf(is_empty(), "EMPTY in a context with points");
        return false;
      case 9:
        tighten();
        return true;
      default:
        throw Unreadable{"an unknown instruction"};
    }
  }

  void leaf(bool holds, const char* otherwise) {
    if (!holds && out_.reason.empty()) out_.reason = otherwise;
    Subtree& subtree = out_.subtrees[subtree_];
    subtree.leaf = true;
    subtree.holds = holds;
    subtree.end = in_.at();
  }

  void descend() {
    Open& top = stack_.back();
    context_ = top.context;
    active_ = top.active;
    if (top.next == top.children) {
      out_.subtrees[top.subtree].end = in_.at();
      stack_.pop_back();
      return;
    }
    const size_t child = top.next++;
    if (top.kind == Open::kCase) {
      if (!active_) active_ = child;
      const ExactBox& box = disjuncts_[*active_].box;
      for (size_t j = 0; j < model_.inputs; ++j) {
        context_.meet_lower(j, box.lower[j]);
        context_.meet_upper(j, box.upper[j]);
      }
    } else if (child == 0) {
      context_.meet_upper(top.element, top.value);
    } else {
      context_.meet_lower(top.element, top.value);
    }
    node(top.subtree);
  }

  bool is_empty() const {
    for (size_t e = 0; e < model_.elements(); ++e) {
      if ((e < model_.inputs || model_.is_affine(e)) && context_.lo[e] > context_.hi[e]) return true;
    }
    return false;
  }

  void place(Place::Kind kind, size_t at) { out_.places.push_back({.kind = kind, .at = at, .size = in_.at() - at}); }

  void split(size_t e) {
    const size_t at = in_.at();
    const uint8_t form = in_.byte();
    if (form > 1) throw Unreadable{"an unknown split point"};
    Rational value = 0;
    if (form == 1)
      value = in_.number<double>();
    else if (e < model_.inputs)
      value = (context_.lo[e] + context_.hi[e]) / 2;
    place(Place::kSplitPoint, at);
    stack_.push_back({Open::kSplit, 2, 0, subtree_, e, value, context_, active_});
  }

  void propagate() {
    const uint8_t mode = in_.byte();
    const size_t at = in_.at();
    const uint8_t rule = in_.byte();
    if (mode > 2 || rule > 2) throw Unreadable{"an unknown mode or slope rule"};
    place(Place::kSweepRule, at);
    std::vector<bool> swept(model_.operators(), mode == 1);
    if (mode == 2) {
      const uint64_t count = in_.varint();
      size_t above = 0;
      for (uint64_t n = 0; n < count; ++n) {
        const size_t op = in_.index(model_.operators());
        if (op < above || model_.kind[op] != ScalarKind::kSum) throw Unreadable{"operators out of order or not affine"};
        swept[op] = true;
        above = op + 1;
      }
    }
    for (size_t op = 1; op < model_.operators(); ++op) {
      if (model_.kind[op] != ScalarKind::kSum) continue;
      interval_step(op);
      if (swept[op]) sweep_rows(op, rule);
    }
    first_ = false;
  }

  void interval_step(size_t op) {
    refresh(model_, op, context_);
    for (size_t e = model_.first[op]; e < model_.first[op + 1]; ++e) {
      Rational lo = model_.rows[e].bias, hi = lo;
      for (const auto& [read, weight] : model_.rows[e].terms) {
        lo += weight * (weight > 0 ? context_.lo : context_.hi)[read];
        hi += weight * (weight > 0 ? context_.hi : context_.lo)[read];
      }
      if (first_) {  // There were no bounds so far.
        context_.lo[e] = rounded_down(lo);
        context_.hi[e] = rounded_up(hi);
      }
      context_.meet_lower(e, lo);
      context_.meet_upper(e, hi);
    }
  }

  void sweep_rows(size_t op, int rule) {
    const Context before = context_;
    for (size_t e = model_.first[op]; e < model_.first[op + 1]; ++e) {
      const bool is_swept =
          model_.relevant[e] && before.lo[e] < before.hi[e] && (!model_.hinges_only[e] || before.open(e));
      for (const int sign : {1, -1}) {
        if (!is_swept) continue;
        std::vector<Rational> a(model_.elements());
        a[e] = sign;
        const Rational bound = sweep(model_, before, {.rule = rule}, op + 1, 0, a);
        if (sign > 0)
          context_.meet_lower(e, bound);
        else
          context_.meet_upper(e, -bound);
      }
    }
  }

  void tighten() {
    const size_t op = in_.index(model_.operators());
    if (model_.kind[op] != ScalarKind::kSum) throw Unreadable{"TIGHTEN of an operator that is not affine"};
    const uint64_t count = in_.varint();
    if (count == 0) throw Unreadable{"TIGHTEN without a bound"};
    refresh(model_, op, context_);
    const Context before = context_;
    size_t target = 0;
    Context after = before;
    for (uint64_t n = 0; n < count; ++n) {
      const size_t step = in_.index(2 * (model_.first[op + 1] - model_.first[op]) - target);
      if (n > 0 && step == 0) throw Unreadable{"bounds out of order"};
      target += step;
      const size_t e = model_.first[op] + target / 2;
      const bool upper = target % 2 == 1;
      std::vector<Rational> a(model_.elements());
      a[e] = upper ? -1 : 1;
      const Rational bound = sweep(model_, before, read_hints(op + 1), op + 1, 0, a);
      if (upper)
        after.meet_upper(e, -bound);
      else
        after.meet_lower(e, bound);
      ++out_.tightenings;
    }
    context_ = after;
  }

  // Selector and slope specification, and the sweep they ask for.
  Refutation sweep_form(std::vector<Rational>& a) {
    if (!active_) throw Unreadable{"more than one disjunct is active"};
    const std::vector<Form>& forms = disjuncts_[*active_].forms;
    Refutation out;
    const size_t selector = in_.index(forms.size() + 1);
    if (selector < forms.size()) {
      out.selected.emplace_back(selector, 1);
    } else {
      const uint64_t count = in_.varint();
      if (count == 0) throw Unreadable{"an empty combination"};
      for (uint64_t n = 0; n < count; ++n) {
        const size_t index = in_.index(forms.size());
        const size_t at = in_.at();
        const Rational mu = in_.number<double>();
        if (mu < Rational(0x1p-400) || mu > Rational(0x1p400)) throw Unreadable{"a factor out of range"};
        place(Place::kFactor, at);
        out.selected.emplace_back(index, mu);
      }
    }
    Rational c;
    for (const auto& [index, mu] : out.selected) {
      c -= mu * forms[index].bound;
      for (const auto& [e, t] : forms[index].terms) a[e] += mu * t;
    }
    refresh(model_, model_.operators(), context_);
    out.bound = sweep(model_, context_, read_hints(model_.operators()), model_.operators(), c, a);
    return out;
  }

  bool is_open_hinge(size_t e) const {
    return model_.is_hinge(model_.operator_of[e]) && context_.open(model_.source[e]);
  }

  // For a sweep of the operators below `end`.
  Hints read_hints(size_t end) {
    const size_t at = in_.at();
    const uint8_t spec = in_.byte();
    if ((spec & 0x7c) != 0) throw Unreadable{"an unknown slope specification"};
    Hints hints{.rule = spec & 3};
    if (hints.rule != 3) {
      place(Place::kFormRule, at);
      for (size_t e = model_.inputs; e < model_.first[end]; ++e) out_.places.back().hinges += is_open_hinge(e);
    }
    hints.slopes.resize(model_.elements());
    for (size_t e = model_.inputs; hints.rule == 3 && e < model_.first[end]; ++e) {
      if (!is_open_hinge(e)) continue;
      const size_t slope_at = in_.at();
      hints.slopes[e] = in_.byte();
      if (hints.slopes[e] > 128) throw Unreadable{"a slope above 1"};
      place(Place::kSlope, slope_at);
    }
    if ((spec & 0x80) != 0) read_multipliers(end, hints);
    return hints;
  }

  void read_multipliers(size_t end, Hints& hints) {
    const uint64_t count = in_.varint();
    if (count == 0) throw Unreadable{"no multipliers"};
    size_t e = 0;
    for (uint64_t n = 0; n < count; ++n) {
      const size_t step = in_.index(model_.first[end] - e);
      if (n > 0 && step == 0) throw Unreadable{"multipliers out of order"};
      e += step;
      const size_t at = in_.at();
      const Rational beta = in_.number<float>();
      if (beta == 0 || !model_.is_affine(e)) throw Unreadable{"a multiplier of 0 or of an element that is not affine"};
      place(Place::kMultiplier, at);
      hints.multipliers.emplace_back(e, beta);
    }
  }

  void clip() {
    ++out_.clips;
    std::vector<Rational> a(model_.elements());
    const Rational bound = sweep_form(a).bound;
    const Context before = context_;
    for (size_t j = 0; j < model_.inputs; ++j) {
      if (a[j] == 0) continue;
      const Rational x = (a[j] > 0 ? before.lo : before.hi)[j] - bound / a[j];
      if (a[j] > 0)
        context_.meet_upper(j, x);
      else
        context_.meet_lower(j, x);
    }
  }

  void refute() {
    std::vector<Rational> a(model_.elements());
    out_.refutations.push_back(sweep_form(a));
    leaf(out_.refutations.back().bound > 0, "REFUTE with a bound that is not above 0");
  }

  const Model model_;
  std::vector<Disjunct> disjuncts_;
  Reader in_;
  Context context_;
  std::optional<size_t> active_;
  bool first_ = true;
  size_t subtree_ = 0;
  std::vector<Open> stack_;
  ExactReplay out_;
};

}  // namespace

std::optional<CertificateFile> CertificateFile::parse(const std::string& bytes) {
  Reader in(bytes);
  try {
    CertificateFile file;
    if (in.take(8) != "AXCERT01") return std::nullopt;
    file.semantics = in.byte();
    file.model_digest = in.take(32);
    file.property_digest = in.take(32);
    for (uint64_t& count : file.counts) count = in.varint();
    file.tree = in.take(in.varint());
    if (file.semantics > 1 || !in.at_end()) return std::nullopt;
    return file;
  } catch (const Unreadable&) {
    return std::nullopt;
  }
}

std::string CertificateFile::bytes() const {
  std::string out = "AXCERT01";
  out.push_back(static_cast<char>(semantics));
  out += model_digest + property_digest;
  for (const uint64_t count : counts) put_varint(out, count);
  put_varint(out, tree.size());
  return out + tree;
}

int ExactReplay::count(Place::Kind kind) const {
  return static_cast<int>(std::count_if(places.begin(), places.end(), [&](const Place& p) { return p.kind == kind; }));
}

ExactReplay replay_exactly(const Meaning& meaning, const Question& question, const std::string& tree) {
  return Walk(meaning, question, tree).run();
}

}  // namespace axiom::soundness
