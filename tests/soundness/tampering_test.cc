// Certificates changed by hand: a number that is changed is accepted only if exact arithmetic says that the tree still
// closes, and nothing makes a claim pass that has a known counterexample.
#include <gtest/gtest.h>

#include <map>

#include "base/sha256.h"
#include "mutation.h"
#include "workbench.h"

namespace axiom::soundness {
namespace {

constexpr int kChangesPerClaim = 14;
const char* const kHoldsEverywhere = "1e30";  // A bound of an inequality that refutes nothing.

struct Claim {
  Meaning meaning;
  std::string model;
  Question question;
};

struct ProvedClaim {
  Claim claim;
  CertificateFile certificate;
};

std::string digest_of(const std::string& bytes) {
  const std::string hex = sha256_hex(bytes);
  std::string raw;
  for (size_t i = 0; i < hex.size(); i += 2) raw.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return raw;
}

// The certificate that a tree would make for a claim: nothing but the tree is at stake.
CertificateFile certificate_for(const Claim& claim, Semantics semantics, const std::string& tree) {
  const Meaning& m = claim.meaning;
  return {semantics == Semantics::kFloat32,
          digest_of(claim.model),
          digest_of(claim.question.text()),
          {static_cast<uint64_t>(m.input_count), m.outputs.size(), m.operators.size(), m.scalars.size(),
           claim.question.cases.size()},
          tree};
}

// ---- Claims

Weights mostly_floats(Draw& draw) { return draw.chance(0.9) ? Weights::kFloats : Weights::kScattered; }

// Dense layers with weights that make no exact ties; relus or leaky relus between them.
Network perceptron(int inputs, const std::vector<int>& widths, Weights kind, Draw& draw) {
  Network net;
  int x = net.input({1, inputs});
  const bool leaky = draw.chance(0.3);
  for (size_t layer = 0; layer < widths.size(); ++layer) {
    const int64_t from = net.shape(x)[1], to = widths[layer];
    const int w = net.constant({from, to}, draw.weights(from * to, kind)),
              b = net.constant({to}, draw.weights(to, kind));
    x = draw.chance(0.5) ? net.node("Gemm", {x, w, b}) : net.node("Add", {net.node("MatMul", {x, w}), b});
    if (layer + 1 == widths.size()) break;
    x = leaky ? net.node("LeakyRelu", {x}, {{"alpha", 0.1f}}) : net.node("Relu", {x});
    if (draw.chance(0.1))
      x = net.node("Concat", {x, net.constant({1, 1}, draw.weights(1, kind))}, {{"axis", int64_t{1}}});
  }
  net.outputs = {x};
  return net;
}

std::vector<Side> plain_box(int inputs, double radius, Draw& draw) {
  std::vector<Side> box;
  for (int j = 0; j < inputs; ++j) {
    const double centre = draw.uniform(-0.3, 0.3);
    box.push_back({short_decimal(centre - radius, 4), short_decimal(centre + radius, 4)});
  }
  return box;
}

Inequality output_form(int outputs, Draw& draw) {
  Inequality form;
  for (int k = 0; k < outputs; ++k) form.terms.push_back({true, k, short_decimal(draw.uniform(-1, 1), 5)});
  return form;
}

// A decimal that is at least the value.
std::string decimal_above(const Rational& value) {
  double bound = value.get_d();
  while (parse_decimal(decimal_of(bound)) < value) bound = std::nextafter(bound, INFINITY);
  return decimal_of(bound);
}

Rational value_at(const Inequality& form, const std::vector<Rational>& x, const std::vector<Rational>& y) {
  Inequality at_zero = form;
  at_zero.bound = "0";
  return -at_zero.slack(x, y);
}

Rational value_at(const Meaning& meaning, const Inequality& form, const std::vector<Rational>& x) {
  return value_at(form, x, outputs_of(meaning, evaluate_exactly(meaning, x)));
}

// A point where the form is small: the best of some corners, each improved one coordinate at a time.
std::vector<Rational> low_point(const Meaning& meaning, const ExactBox& box, const Inequality& form, Draw& draw) {
  std::vector<Rational> best;
  long double least = INFINITY;
  const auto wide_value = [&](const std::vector<bool>& upper) {
    std::vector<long double> x;
    for (size_t j = 0; j < upper.size(); ++j) x.push_back((upper[j] ? box.upper : box.lower)[j].get_d());
    const std::vector<long double> y = outputs_of(meaning, evaluate_widely(meaning, x));
    long double sum = 0;
    for (const auto& term : form.terms) sum += term.exact().get_d() * y[static_cast<size_t>(term.index)];
    return sum;
  };
  for (int start = 0; start < 8; ++start) {
    std::vector<bool> upper(box.lower.size());
    for (size_t j = 0; j < upper.size(); ++j) upper[j] = draw.chance(0.5);
    long double value = wide_value(upper);
    for (size_t j = 0, unchanged = 0; unchanged < upper.size(); j = (j + 1) % upper.size()) {
      upper[j] = !upper[j];
      const long double flipped = wide_value(upper);
      unchanged = flipped < value ? 0 : unchanged + 1;
      if (flipped < value)
        value = flipped;
      else
        upper[j] = !upper[j];
    }
    if (value >= least) continue;
    least = value;
    best.clear();
    for (size_t j = 0; j < upper.size(); ++j) best.push_back((upper[j] ? box.upper : box.lower)[j]);
  }
  return best;
}

// A little below the least value that is known, so that a proof has to work for it.
std::string near_bound(const Rational& least, double spread, Draw& draw) {
  return decimal_of(least.get_d() - spread * std::pow(10.0, draw.uniform(-5, -0.7)));
}

// Few inputs, two cases now and then, and an inequality that holds everywhere beside the one that matters.
Claim small_claim(Random& random) {
  Draw draw{random};
  const int inputs = draw.integer(2, 3);
  const Weights kind = mostly_floats(draw);
  const Network net = perceptron(inputs, {draw.integer(4, 7), draw.integer(2, 4), 2}, kind, draw);
  Claim claim{meaning_of(net), net.onnx_bytes(), {inputs, 2, {}}};
  const int cases = draw.integer(1, 2);
  for (int c = 0; c < cases; ++c) {
    UnsafeCase unsafe{plain_box(inputs, draw.uniform(0.3, 1), draw), {output_form(2, draw)}};
    Inequality& form = unsafe.inequalities[0];
    const ExactBox box = exact_box(unsafe.box);
    const std::optional<Rational> least = exact_minimum(claim.meaning, box, form, 3000);
    const double low =
        least ? least->get_d() : value_at(claim.meaning, form, low_point(claim.meaning, box, form, draw)).get_d();
    form.bound = near_bound(low, std::fabs(low) + 0.1, draw);
    if (draw.chance(0.5)) {
      Inequality idle = output_form(2, draw);
      idle.bound = kHoldsEverywhere;
      unsafe.inequalities.insert(unsafe.inequalities.begin() + draw.integer(0, 1), idle);
    }
    claim.question.cases.push_back(unsafe);
  }
  return claim;
}

// So many free inputs that relus are split instead, a handful of them.
Claim wide_claim(Random& random) {
  Draw draw{random};
  const int inputs = draw.integer(21, 24);
  std::vector<int> widths{draw.integer(5, 8), 1};
  if (draw.chance(0.5)) widths.insert(widths.begin() + 1, draw.integer(2, 4));
  const Network net = perceptron(inputs, widths, mostly_floats(draw), draw);
  Claim claim{meaning_of(net), net.onnx_bytes(), {inputs, 1, {}}};
  UnsafeCase unsafe{plain_box(inputs, draw.uniform(0.1, 0.4), draw), {output_form(1, draw)}};
  Inequality& form = unsafe.inequalities[0];
  const ExactBox box = exact_box(unsafe.box);
  const Rational low = value_at(claim.meaning, form, low_point(claim.meaning, box, form, draw));
  form.bound = near_bound(low, 3 * std::fabs(low.get_d()) + 0.3, draw);
  claim.question.cases = {unsafe};
  return claim;
}

// What the engine proves of the claims of the suite.
const std::vector<ProvedClaim>& proved_claims(Semantics semantics) {
  static std::map<Semantics, std::vector<ProvedClaim>> made;
  if (made.contains(semantics)) return made[semantics];
  std::vector<ProvedClaim>& proved = made[semantics];
  const int claims = case_count(75);
  for (int seed = 0; seed < claims; ++seed) {
    Random random(static_cast<uint64_t>(seed) + 7'000'000);
    Claim claim = seed % 3 == 0 ? small_claim(random) : wide_claim(random);
    const Workbench::Answer answer = Workbench(claim.model, claim.question.text()).decide(semantics, 0.2);
    if (answer.decision.verdict != Verdict::kVerified) continue;
    const std::optional<CertificateFile> file = CertificateFile::parse(answer.certificate);
    if (!file) {
      ADD_FAILURE() << "the certificate cannot be read";
      continue;
    }
    if (file->tree.size() < 20'000) proved.push_back({std::move(claim), *file});
  }
  std::printf("%s: %d of %d claims proved\n", std::string(semantics_name(semantics)).c_str(),
              static_cast<int>(proved.size()), claims);
  EXPECT_GT(static_cast<int>(proved.size()), claims / 2);
  return proved;
}

// ---- Changed numbers

struct Tally {
  int both = 0, neither = 0, only_exact = 0, bounds = 0, near_bounds = 0;
  std::map<Place::Kind, int> accepted, rejected;

  int total() const { return both + neither + only_exact; }

  // One changed tree: the checker may not accept what the exact replay does not.
  void compare(const Claim& claim, const Workbench& bench, const std::string& tree, Place::Kind kind) {
    const CheckOutcome outcome = bench.check(certificate_for(claim, Semantics::kReal, tree).bytes());
    const ExactReplay replay = replay_exactly(claim.meaning, claim.question, tree);
    EXPECT_TRUE(replay.closes || !outcome.accepted) << "accepted, although: " << replay.reason;
    ++(outcome.accepted ? both : replay.closes ? only_exact : neither);
    ++(outcome.accepted ? accepted : rejected)[kind];
    compare_bounds(outcome.line, replay, size_of(claim));
  }

  // The bound at which the checker stopped is one that the exact replay has too. It is the lower one of the two but
  // for a hair: in a context that is smaller by a charge, the lines are others, and a sweep over them may end lower.
  void compare_bounds(const std::string& line, const ExactReplay& replay, double size) {
    const std::string before = "the bound is ";
    const size_t at = line.find(before);
    if (at == std::string::npos || replay.closes) return;
    const Rational bound(std::stod(line.substr(at + before.size())));
    for (const Refutation& refutation : replay.refutations) {
      if (refutation.bound > 0) continue;
      const Rational hair = Rational(1e-9) * (size + abs(bound));
      EXPECT_LE(bound, refutation.bound + hair);
      ++bounds;
      near_bounds += refutation.bound - bound <= hair;
      return;
    }
  }

  // The size of the numbers that the inequalities speak of.
  static double size_of(const Claim& claim) {
    double size = 1;
    for (const UnsafeCase& unsafe : claim.question.cases) {
      for (const Inequality& form : unsafe.inequalities) {
        if (form.bound != kHoldsEverywhere) size = std::max(size, std::fabs(parse_decimal(form.bound).get_d()));
      }
    }
    return size;
  }

  void print(const char* what) const {
    std::printf("%s: %d changes, %d accepted by both, %d by neither, %d by the exact replay only\n", what, total(),
                both, neither, only_exact);
    std::printf("  %d bounds compared, %d of them near\n", bounds, near_bounds);
    const char* names[] = {
        "slope rule of a propagation", "slope rule of a form", "slope", "multiplier", "factor", "split point"};
    for (int kind = Place::kSweepRule; kind <= Place::kSplitPoint; ++kind) {
      const auto k = static_cast<Place::Kind>(kind);
      const auto of = [&](const auto& counts) { return counts.contains(k) ? counts.at(k) : 0; };
      std::printf("  %s: %d accepted, %d rejected\n", names[kind], of(accepted), of(rejected));
    }
  }
};

// Kinds first, then a place of the kind: a few split points do not drown in slopes.
const Place& any_place(const ExactReplay& map, Draw& draw) {
  while (true) {
    const auto kind = static_cast<Place::Kind>(draw.integer(Place::kSweepRule, Place::kSplitPoint));
    const int count = map.count(kind);
    if (count == 0) continue;
    int chosen = draw.integer(0, count - 1);
    for (const Place& place : map.places) {
      if (place.kind == kind && chosen-- == 0) return place;
    }
  }
}

// ---- False claims

// The claim with the bound of its first case that matters moved up to a point that is known to be unsafe.
Claim with_counterexample(const ProvedClaim& proved, Semantics semantics, Draw& draw) {
  Claim claim = proved.claim;
  UnsafeCase& unsafe = claim.question.cases[0];
  for (Inequality& form : unsafe.inequalities) {
    if (form.bound == kHoldsEverywhere) continue;
    const bool floats = semantics == Semantics::kFloat32;
    const ExactBox box = floats ? float_box(unsafe.box) : exact_box(unsafe.box);
    std::vector<Rational> x = low_point(claim.meaning, box, form, draw);
    if (claim.meaning.input_count <= 3) {  // The exact minimum, where there is one.
      const std::optional<Rational> least = exact_minimum(claim.meaning, box, form, 3000);
      if (least) form.bound = decimal_above(*least);
      const std::optional<Truth> truth =
          decide_exactly(claim.meaning, {claim.question.inputs, claim.question.outputs, {unsafe}}, floats);
      if (least && truth && !truth->safe) x = truth->unsafe_point;
    }
    std::vector<Rational> y;
    if (floats) {
      std::vector<float> fed;
      for (size_t j = 0; j < x.size(); ++j) fed.push_back(nearest_float(x[j]));
      x = as_rationals(fed);
      y = as_rationals(Executor(claim.model)(fed));
    } else {
      y = outputs_of(claim.meaning, evaluate_exactly(claim.meaning, x));
    }
    form.bound = decimal_above(value_at(form, x, y));
    EXPECT_TRUE(is_unsafe(claim.question, x, y, floats)) << "not a counterexample";
  }
  return claim;
}

// How mutants of false claims fell.
struct Rejections {
  int total = 0, by_bound = 0, by_emptiness = 0, unreadable = 0;

  void expect(const Workbench& bench, const CertificateFile& certificate) {
    const CheckOutcome outcome = bench.check(certificate.bytes());
    EXPECT_FALSE(outcome.accepted) << "a claim with a known counterexample was accepted";
    EXPECT_EQ(outcome.exit_code, 5) << outcome.line;
    ++total;
    const auto says = [&](const char* text) { return outcome.line.find(text) != std::string::npos; };
    ++(says("REFUTE: the") ? by_bound : says("EMPTY: the") ? by_emptiness : unreadable);
  }

  void print(const char* what) const {
    std::printf("%s: %d rejected, %d by a bound, %d by a context that is not empty, %d unreadable\n", what, total,
                by_bound, by_emptiness, unreadable);
  }
};

std::string mutant_of(const std::string& tree, const ExactReplay& map, const Vocabulary& words, Draw& draw) {
  const Place& place = any_place(map, draw);
  if (draw.chance(0.5)) return change_structure(tree, map, words, draw);
  if (place.kind != Place::kFormRule || draw.chance(0.3)) return change_number(tree, place, draw);
  return draw.chance(0.5) ? add_slopes(tree, place, draw) : add_multiplier(tree, place, words, draw);
}

// ---- Trees made by hand

// Closes one leaf of a tree by a combination that contains the first inequality, with factors that vary.
void write_combination(TreeWriter& out, const Vocabulary& words, std::optional<uint64_t> element, Draw& draw) {
  const int count = draw.integer(2, 3);
  out.byte(6).varint(static_cast<uint64_t>(words.constraints)).varint(static_cast<uint64_t>(count));
  for (int n = 0; n < count; ++n) {
    out.varint(n == 0 ? 0 : static_cast<uint64_t>(draw.integer(1, words.constraints - 1)));
    out.f64(draw.uniform(0.2, 2));
  }
  out.byte(draw.integer(0, 2) | (element ? 0x80 : 0));
  if (element) out.varint(1).varint(*element).f32(static_cast<float>(draw.uniform(-0.6, 0.6)));
}

void write_tree(TreeWriter& out, int depth, const Vocabulary& words, std::optional<uint64_t> element, Draw& draw) {
  out.byte(1).byte(draw.integer(element ? 0 : 1, 1)).byte(draw.integer(0, 2));
  if (depth == 0) return write_combination(out, words, element, draw);
  const bool input = draw.chance(0.5);
  const uint64_t index =
      input ? static_cast<uint64_t>(draw.integer(0, words.inputs - 1))
            : words.sums[static_cast<size_t>(draw.integer(0, static_cast<int>(words.sums.size()) - 1))];
  out.byte(input ? 4 : 5).varint(index).byte(1).f64(draw.uniform(-0.3, 0.3));
  for (int side = 0; side < 2; ++side) write_tree(out, depth - 1, words, input ? element : std::optional(index), draw);
}

// The tree with explicit slopes at some of its leaves; from the last to the first, so that places stay true.
std::string with_some_slopes(std::string tree, const ExactReplay& map, Draw& draw) {
  for (size_t i = map.places.size(); i-- > 0;) {
    if (map.places[i].kind == Place::kFormRule && draw.chance(0.5)) tree = add_slopes(tree, map.places[i], draw);
  }
  return tree;
}

// A network, several inequalities and a tree of combinations, with the bound of the first inequality chosen so that the
// tree closes with a small margin.
std::optional<ProvedClaim> hand_made(Random& random) {
  Draw draw{random};
  const int inputs = draw.integer(2, 3);
  const Network net = perceptron(inputs, {draw.integer(3, 6), draw.integer(2, 3), 3}, Weights::kFloats, draw);
  Claim claim{meaning_of(net), net.onnx_bytes(), {inputs, 3, {}}};
  UnsafeCase unsafe{plain_box(inputs, draw.uniform(0.3, 0.8), draw), {}};
  const int count = draw.integer(2, 3);
  for (int i = 0; i < count; ++i) {
    unsafe.inequalities.push_back(output_form(3, draw));
    if (draw.chance(0.3)) unsafe.inequalities.back().terms.push_back({false, 0, "0.25"});
    unsafe.inequalities.back().bound = short_decimal(draw.uniform(-1, 1), 5);
  }
  claim.question.cases = {unsafe};
  TreeWriter out;
  write_tree(out, draw.integer(1, 2), Vocabulary(claim.meaning, claim.question), std::nullopt, draw);
  const std::string tree = with_some_slopes(out.bytes, replay_exactly(claim.meaning, claim.question, out.bytes), draw);

  const ExactReplay replay = replay_exactly(claim.meaning, claim.question, tree);
  EXPECT_TRUE(replay.readable) << replay.reason;
  std::optional<Rational> room;
  for (const Refutation& refutation : replay.refutations) {
    const Rational share = refutation.bound / refutation.selected[0].second;
    if (!room || share < *room) room = share;
  }
  if (!room) return std::nullopt;
  std::string& bound = claim.question.cases[0].inequalities[0].bound;
  bound = decimal_of(Rational(parse_decimal(bound) + *room).get_d() - std::pow(10.0, draw.uniform(-4, -1)));
  return ProvedClaim{claim, certificate_for(claim, Semantics::kReal, tree)};
}

// ---- Tests

TEST(Tampering, CertificatesOfTheEngineAreAcceptedByTheCheckerAndByTheExactReplay) {
  ExactReplay sum;
  for (const ProvedClaim& proved : proved_claims(Semantics::kReal)) {
    const Claim& claim = proved.claim;
    SCOPED_TRACE(claim.question.text());
    EXPECT_EQ(proved.certificate.bytes(), certificate_for(claim, Semantics::kReal, proved.certificate.tree).bytes());
    EXPECT_TRUE(Workbench(claim.model, claim.question.text()).accepts(proved.certificate.bytes()));
    const ExactReplay replay = replay_exactly(claim.meaning, claim.question, proved.certificate.tree);
    EXPECT_TRUE(replay.closes) << replay.reason;
    sum.places.insert(sum.places.end(), replay.places.begin(), replay.places.end());
    sum.refutations.insert(sum.refutations.end(), replay.refutations.begin(), replay.refutations.end());
    sum.clips += replay.clips;
    sum.cases += replay.cases;
    sum.input_splits += replay.input_splits;
    sum.element_splits += replay.element_splits;
    sum.empties += replay.empties;
    sum.tightenings += replay.tightenings;
  }
  std::printf(
      "%d refutations, %d empty leaves, %d clips, %d input splits, %d element splits, %d tightenings, %d slopes, "
      "%d multipliers\n",
      static_cast<int>(sum.refutations.size()), sum.empties, sum.clips, sum.input_splits, sum.element_splits,
      sum.tightenings, sum.count(Place::kSlope), sum.count(Place::kMultiplier));
  EXPECT_GT(sum.clips, 20);
  EXPECT_GT(sum.cases, 20);
  EXPECT_GT(sum.input_splits, 20);
  EXPECT_GT(sum.element_splits, 20);
  EXPECT_GT(sum.tightenings, 20);
  EXPECT_GT(sum.count(Place::kSlope), 100);
  EXPECT_GT(sum.count(Place::kMultiplier), 20);
}

TEST(Tampering, AChangedNumberIsAcceptedOnlyIfTheExactReplayAccepts) {
  Tally tally;
  Random random(1);
  Draw draw{random};
  for (const ProvedClaim& proved : proved_claims(Semantics::kReal)) {
    const Claim& claim = proved.claim;
    SCOPED_TRACE(claim.question.text());
    const std::string& tree = proved.certificate.tree;
    const Workbench bench(claim.model, claim.question.text());
    const Vocabulary words(claim.meaning, claim.question);
    const ExactReplay map = replay_exactly(claim.meaning, claim.question, tree);
    for (int change = 0; change < kChangesPerClaim; ++change) {
      const Place& place = any_place(map, draw);
      const bool add = place.kind == Place::kFormRule && draw.chance(0.7);
      tally.compare(claim, bench,
                    !add               ? change_number(tree, place, draw)
                    : draw.chance(0.5) ? add_slopes(tree, place, draw)
                                       : add_multiplier(tree, place, words, draw),
                    place.kind);
    }
  }
  tally.print("trees of the engine");
  EXPECT_GE(tally.total(), 250);
  EXPECT_GT(tally.both, tally.total() / 10);
  EXPECT_GT(tally.neither, tally.total() / 10);
  EXPECT_LT(tally.only_exact, tally.total() / 10);
  EXPECT_GT(tally.near_bounds, tally.bounds * 3 / 4);
}

TEST(Tampering, AChangedNumberOfACombinationIsAcceptedOnlyIfTheExactReplayAccepts) {
  Tally tally;
  const int cases = case_count(50);
  for (int seed = 0; seed < cases; ++seed) {
    Random random(static_cast<uint64_t>(seed) + 8'000'000);
    Draw draw{random};
    const std::optional<ProvedClaim> made = hand_made(random);
    if (!made) continue;
    const Claim& claim = made->claim;
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + claim.question.text());
    const std::string& tree = made->certificate.tree;
    const Workbench bench(claim.model, claim.question.text());
    EXPECT_TRUE(bench.accepts(made->certificate.bytes()));
    const ExactReplay map = replay_exactly(claim.meaning, claim.question, tree);
    EXPECT_TRUE(map.closes) << map.reason;
    for (int change = 0; change < kChangesPerClaim; ++change) {
      const Place& place = any_place(map, draw);
      tally.compare(claim, bench, change_number(tree, place, draw), place.kind);
    }
  }
  tally.print("trees of combinations");
  EXPECT_GE(tally.total(), 250);
  EXPECT_GT(tally.both, tally.total() / 10);
  EXPECT_GT(tally.neither, tally.total() / 10);
  EXPECT_LT(tally.only_exact, tally.total() / 10);
  EXPECT_GT(tally.near_bounds, tally.bounds * 3 / 4);
  for (const auto kind : {Place::kSlope, Place::kMultiplier, Place::kFactor, Place::kSplitPoint}) {
    EXPECT_GT(tally.accepted[kind], 0);
    EXPECT_GT(tally.rejected[kind], 0);
  }
}

TEST(Tampering, NothingProvesAClaimWithAKnownCounterexample) {
  for (const Semantics semantics : {Semantics::kReal, Semantics::kFloat32}) {
    Rejections rejections;
    Random random(2);
    Draw draw{random};
    for (const ProvedClaim& proved : proved_claims(semantics)) {
      const Claim claim = with_counterexample(proved, semantics, draw);
      SCOPED_TRACE(claim.question.text());
      const Workbench bench(claim.model, claim.question.text());
      const Vocabulary words(claim.meaning, claim.question);
      const std::string& tree = proved.certificate.tree;
      rejections.expect(bench, certificate_for(claim, semantics, tree));  // The tree of the true claim beside it.
      // The digits of the bound do not matter to the places of a tree, but explicit slopes may.
      const ExactReplay map = replay_exactly(claim.meaning, claim.question, tree);
      if (!map.readable) continue;
      for (int change = 0; change < kChangesPerClaim; ++change) {
        std::string mutant = mutant_of(tree, map, words, draw);
        const ExactReplay again = replay_exactly(claim.meaning, claim.question, mutant);
        EXPECT_TRUE(semantics == Semantics::kFloat32 || !again.closes) << "the exact replay proves what is false";
        if (draw.chance(0.3) && again.readable) mutant = mutant_of(mutant, again, words, draw);
        rejections.expect(bench, certificate_for(claim, semantics, mutant));
      }
    }
    rejections.print(std::string(semantics_name(semantics)).c_str());
    EXPECT_GE(rejections.total, 250);
    EXPECT_GT(rejections.by_bound, rejections.total / 3);
    EXPECT_GT(rejections.by_emptiness, 20);
  }
}

TEST(Tampering, ALeafThatIsMissingOrMovedIsRejectedUnlessTheTreeStillCloses) {
  int missing = 0, moved = 0, moved_accepted = 0;
  for (const ProvedClaim& proved : proved_claims(Semantics::kReal)) {
    const Claim& claim = proved.claim;
    SCOPED_TRACE(claim.question.text());
    const std::string& tree = proved.certificate.tree;
    const Workbench bench(claim.model, claim.question.text());
    const ExactReplay map = replay_exactly(claim.meaning, claim.question, tree);
    std::vector<Subtree> leaves;
    for (const Subtree& subtree : map.subtrees) {
      if (subtree.leaf) leaves.push_back(subtree);
    }
    const auto code = [&](const Subtree& s) { return tree.substr(s.begin, s.end - s.begin); };
    for (size_t i = 0; i < leaves.size() && i < 6; ++i) {
      const std::string without = with(tree, leaves[i].begin, leaves[i].end, "");
      EXPECT_FALSE(bench.accepts(certificate_for(claim, Semantics::kReal, without).bytes()));
      ++missing;
      if (i == 0 || code(leaves[i]) == code(leaves[i - 1])) continue;
      std::string swapped = with(tree, leaves[i].begin, leaves[i].end, code(leaves[i - 1]));
      swapped = with(swapped, leaves[i - 1].begin, leaves[i - 1].end, code(leaves[i]));
      const bool accepted = bench.accepts(certificate_for(claim, Semantics::kReal, swapped).bytes());
      EXPECT_TRUE(!accepted || replay_exactly(claim.meaning, claim.question, swapped).closes);
      ++moved;
      moved_accepted += accepted;
    }
  }
  std::printf("%d missing leaves, %d swapped leaves of which %d still close\n", missing, moved, moved_accepted);
  EXPECT_GT(missing, 100);
  EXPECT_GT(moved, 30);
  EXPECT_GT(moved - moved_accepted, 10);
}

TEST(Tampering, AHeaderOfAnotherClaimIsRejected) {
  int rejected = 0;
  Random random(3);
  Draw draw{random};
  const std::vector<ProvedClaim>& claims = proved_claims(Semantics::kReal);
  for (size_t i = 0; i < claims.size(); ++i) {
    const Claim& claim = claims[i].claim;
    SCOPED_TRACE(claim.question.text());
    const Workbench bench(claim.model, claim.question.text());
    const auto expect_rejected = [&](const CertificateFile& certificate) {
      EXPECT_EQ(bench.check(certificate.bytes()).exit_code, 5);
      ++rejected;
    };
    for (const auto digest : {&CertificateFile::model_digest, &CertificateFile::property_digest}) {
      CertificateFile changed = claims[i].certificate;
      char& byte = (changed.*digest)[static_cast<size_t>(draw.integer(0, 31))];
      byte = static_cast<char>(byte ^ (1 << draw.integer(0, 7)));
      expect_rejected(changed);
    }
    for (size_t count = 0; count < 5; ++count) {
      for (const int step : {1, -1}) {
        CertificateFile changed = claims[i].certificate;
        changed.counts[count] += static_cast<uint64_t>(step);
        if (changed.counts[count] < uint64_t{1} << 62) expect_rejected(changed);
      }
    }
    CertificateFile changed = claims[i].certificate;
    changed.semantics = static_cast<uint8_t>(draw.integer(2, 255));
    expect_rejected(changed);
    // The certificates of the other claims, and of the same network with a bound in another spelling.
    expect_rejected(claims[(i + 1) % claims.size()].certificate);
    Claim respelled = claim;
    respelled.question.cases[0].inequalities[0].bound += "0";
    EXPECT_EQ(Workbench(claim.model, respelled.question.text()).check(claims[i].certificate.bytes()).exit_code, 5);
  }
  std::printf("%d headers rejected\n", rejected);
  EXPECT_GE(rejected, 250);
}

// A covered binary32 evaluation goes below the exact minimum of a network: the bound between the two is a claim that
// holds for real numbers only.
TEST(Tampering, ACertificateForRealNumbersDoesNotPassForFloats) {
  const int cases = case_count(24);
  int passed = 0, known = 0;
  for (int seed = 0; seed < cases; ++seed) {
    Random random(static_cast<uint64_t>(seed) + 9'000'000);
    Draw draw{random};
    const Network net = perceptron(2, {draw.integer(3, 5), 3, 1}, Weights::kFloats, draw);
    Claim claim{
        meaning_of(net), net.onnx_bytes(), {2, 1, {{{{"-0.5", "0.5"}, {"-0.25", "0.75"}}, {output_form(1, draw)}}}}};
    Inequality& form = claim.question.cases[0].inequalities[0];
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ExactBox box = exact_box(claim.question.cases[0].box);
    const std::optional<Rational> least = exact_minimum(claim.meaning, box, form, 3000);
    if (!least) continue;
    form.bound = decimal_above(*least);
    const std::optional<Truth> truth = decide_exactly(claim.meaning, claim.question, false);
    ASSERT_TRUE(truth && !truth->safe);
    std::vector<float> x;
    for (const Rational& end : truth->unsafe_point) x.push_back(nearest_float(end));
    Rational lowest = *least;
    for (int s = 0; s < 300; ++s) {
      const Rational value = value_at(
          form, as_rationals(x), as_rationals(outputs_of(claim.meaning, evaluate_somehow(claim.meaning, x, random))));
      lowest = std::min(lowest, value);
    }
    form.bound = decimal_of(Rational((*least + lowest) / 2).get_d());
    if (!(lowest < parse_decimal(form.bound) && parse_decimal(form.bound) < *least)) continue;
    ++known;
    const Workbench bench(claim.model, claim.question.text());
    const Workbench::Answer answer = bench.decide(Semantics::kReal, 0.2);
    if (answer.decision.verdict != Verdict::kVerified) continue;
    std::string certificate = answer.certificate;
    certificate[8] = 1;
    EXPECT_EQ(bench.check(certificate).exit_code, 5);
    ++passed;
  }
  std::printf("%d claims that hold for real numbers and fail for floats, %d of them proved\n", known, passed);
  EXPECT_GT(passed, cases / 8);
}

}  // namespace
}  // namespace axiom::soundness
