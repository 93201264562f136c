// Mutations, each a small edit of the bytes of a tree whose places are known.
#include "mutation.h"

#include <cstring>
#include <limits>

namespace axiom::soundness {
namespace {

template <typename Float>
Float read(const std::string& bytes, size_t at) {
  Float value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <typename Float>
std::string raw(Float value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <typename T>
const T& any(const std::vector<T>& list, Draw& draw) {
  return list[static_cast<size_t>(draw.integer(0, static_cast<int>(list.size()) - 1))];
}

// Another of the rules 0, 1, 2; the upper bits stay.
std::string other_rule(char old, Draw& draw) {
  const int rule = old & 3;
  return std::string(1, static_cast<char>((old & ~3) | (rule + draw.integer(1, 2)) % 3));
}

std::string other_slope(char old, Draw& draw) {
  const int slope = draw.chance(0.3) ? old + draw.integer(-2, 2) : draw.integer(0, 128);
  return std::string(1, static_cast<char>(std::clamp(slope, 0, 128)));
}

float other_multiplier(float old, Draw& draw) {
  using Range = std::numeric_limits<float>;
  const float ends[] = {Range::max(), -Range::max(), Range::denorm_min(), -Range::denorm_min()};
  switch (draw.integer(0, 5)) {
    case 0:
      return -old;
    case 1:
      return ends[draw.integer(0, 3)];
    case 2:
      return static_cast<float>(draw.uniform(-2, 2));
    default:
      return old * static_cast<float>(draw.uniform(0.1, 2));
  }
}

double other_factor(double old, Draw& draw) {
  if (draw.chance(0.1)) return draw.chance(0.5) ? 0x1p400 : 0x1p-400;
  return draw.chance(0.5) ? old * draw.uniform(0.7, 1.4) : old * std::exp2(draw.uniform(-4, 4));
}

double any_split_point(Draw& draw) {
  using Range = std::numeric_limits<double>;
  const double ends[] = {Range::max(), -Range::max(), Range::denorm_min(), 0.0, -0.0, 1.0, -1.0};
  return draw.chance(0.2) ? ends[draw.integer(0, 6)] : draw.uniform(-1.2, 1.2);
}

std::string other_split_point(const std::string& tree, const Place& place, Draw& draw) {
  double point = any_split_point(draw);
  if (place.size == 9 && draw.chance(0.5)) point = read<double>(tree, place.at + 1) + 0.1 * draw.uniform(-1, 1);
  return std::string(1, '\1') + raw(point);
}

// A CLIP or REFUTE with one constraint and an implicit rule.
void write_form(TreeWriter& out, int code, const Vocabulary& words, Draw& draw) {
  out.byte(code).varint(static_cast<uint64_t>(draw.integer(0, words.constraints - 1))).byte(draw.integer(0, 2));
}

// A REFUTE that takes a multiple of one row's bound off.
void write_multiplied(TreeWriter& out, uint64_t element, const Vocabulary& words, Draw& draw) {
  write_form(out, 6, words, draw);
  out.bytes.back() = static_cast<char>(out.bytes.back() | 0x80);
  out.varint(1).varint(element).f32(static_cast<float>(draw.uniform(-1.5, 1.5)));
}

// Something to stand at a leaf: closed by a wish, or by an honest attempt of a few instructions.
std::string attempt(const Vocabulary& words, Draw& draw) {
  TreeWriter out;
  switch (draw.integer(0, 6)) {
    case 0:
      return out.byte(7).bytes;
    case 1:
      write_form(out, 6, words, draw);
      break;
    case 2:
      write_form(out, 2, words, draw);
      out.byte(7);
      break;
    case 3:
      write_form(out, 2, words, draw);
      out.propagate(1, draw.integer(0, 2));
      write_form(out, 6, words, draw);
      break;
    case 4: {
      const uint64_t element = any(words.sums, draw);
      out.byte(5).varint(element).byte(1).f64(draw.chance(0.5) ? 0 : any_split_point(draw));
      write_multiplied(out, element, words, draw);
      write_multiplied(out, element, words, draw);
      break;
    }
    case 5:
      out.byte(4).varint(static_cast<uint64_t>(draw.integer(0, words.inputs - 1))).byte(1).f64(any_split_point(draw));
      for (int side = 0; side < 2; ++side) {
        out.propagate(1, draw.integer(0, 2));
        write_form(out, 6, words, draw);
      }
      break;
    default:
      out.byte(4).varint(0).byte(1).f64(any_split_point(draw));
      write_form(out, 6, words, draw);
      out.byte(7);
  }
  return out.bytes;
}

// A subtree; mostly a leaf that does not hold or something around it, so that what a mutation changes matters.
size_t aimed_subtree(const ExactReplay& map, Draw& draw) {
  std::vector<size_t> open;
  for (size_t i = 0; i < map.subtrees.size(); ++i) {
    if (!map.subtrees[i].holds) open.push_back(i);
  }
  size_t chosen = static_cast<size_t>(draw.integer(0, static_cast<int>(map.subtrees.size()) - 1));
  if (!open.empty() && draw.chance(0.7)) chosen = any(open, draw);
  while (chosen != map.subtrees[chosen].parent && draw.chance(0.25)) chosen = map.subtrees[chosen].parent;
  return chosen;
}

}  // namespace

std::string with(const std::string& bytes, size_t begin, size_t end, const std::string& replacement) {
  return bytes.substr(0, begin) + replacement + bytes.substr(end);
}

TreeWriter& TreeWriter::byte(int value) {
  bytes.push_back(static_cast<char>(value));
  return *this;
}

TreeWriter& TreeWriter::varint(uint64_t value) {
  for (; value >= 128; value >>= 7) byte(static_cast<int>(value & 127) | 128);
  return byte(static_cast<int>(value));
}

TreeWriter& TreeWriter::f64(double value) {
  bytes += raw(value);
  return *this;
}

TreeWriter& TreeWriter::f32(float value) {
  bytes += raw(value);
  return *this;
}

Vocabulary::Vocabulary(const Meaning& meaning, const Question& question) : inputs(meaning.input_count) {
  for (const UnsafeCase& unsafe : question.cases)
    constraints = std::max(constraints, static_cast<int>(unsafe.inequalities.size()));
  for (size_t e = 0; e < meaning.scalars.size(); ++e) {
    if (meaning.scalars[e].kind == ScalarKind::kSum) sums.push_back(e);
  }
}

std::string change_number(const std::string& tree, const Place& place, Draw& draw) {
  std::string replacement;
  switch (place.kind) {
    case Place::kSweepRule:
    case Place::kFormRule:
      replacement = other_rule(tree[place.at], draw);
      break;
    case Place::kSlope:
      replacement = other_slope(tree[place.at], draw);
      break;
    case Place::kMultiplier:
      replacement = raw(other_multiplier(read<float>(tree, place.at), draw));
      break;
    case Place::kFactor:
      replacement = raw(other_factor(read<double>(tree, place.at), draw));
      break;
    case Place::kSplitPoint:
      replacement = other_split_point(tree, place, draw);
      break;
  }
  return with(tree, place.at, place.at + place.size, replacement);
}

std::string add_slopes(const std::string& tree, const Place& place, Draw& draw) {
  std::string spec(1, static_cast<char>(tree[place.at] | 3));
  const bool steep = draw.chance(0.5);
  for (size_t n = 0; n < place.hinges; ++n)
    spec.push_back(static_cast<char>(steep ? 128 * draw.integer(0, 1) : draw.integer(0, 128)));
  return with(tree, place.at, place.at + 1, spec);
}

std::string add_multiplier(const std::string& tree, const Place& place, const Vocabulary& words, Draw& draw) {
  if ((tree[place.at] & 0x80) != 0) return tree;
  TreeWriter spec;
  spec.byte(tree[place.at] | 0x80).varint(1).varint(any(words.sums, draw));
  spec.f32(static_cast<float>(draw.uniform(-0.5, 0.5)));
  return with(tree, place.at, place.at + 1, spec.bytes);
}

std::string change_structure(const std::string& tree, const ExactReplay& map, const Vocabulary& words, Draw& draw) {
  const Subtree& target = map.subtrees[aimed_subtree(map, draw)];
  const Subtree& other = any(map.subtrees, draw);
  const auto code = [&](const Subtree& s) { return tree.substr(s.begin, s.end - s.begin); };
  switch (draw.integer(0, 5)) {
    case 0:
      return with(tree, target.begin, target.end, code(other));
    case 1: {
      if (target.begin >= other.end) {
        const std::string swapped = with(tree, target.begin, target.end, code(other));
        return with(swapped, other.begin, other.end, code(target));
      }
      if (other.begin >= target.end) {
        const std::string swapped = with(tree, other.begin, other.end, code(target));
        return with(swapped, target.begin, target.end, code(other));
      }
      return with(tree, target.begin, target.end, "\7");
    }
    case 2:
      return with(tree, target.begin, target.end, "");
    default:
      return with(tree, target.begin, target.end, attempt(words, draw));
  }
}

}  // namespace axiom::soundness
