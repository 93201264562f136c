// The file: eight bytes that name the format, the identity, the figures, the proof tree in preorder with each open
// sub-problem at its node, and the SHA-256 (hex) of all that. Numbers are little-endian, as the machines are that write
// certificates. What is written is listed once (`members`) and serves both directions.
#include "verify/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "base/files.h"
#include "base/sha256.h"

namespace axiom {
namespace {

constexpr std::string_view kMagic = "AXSTATE1";
constexpr size_t kDigestSize = 64;
constexpr size_t kBuffer = size_t{1} << 20;
constexpr uint64_t kReadCap = uint64_t{64} << 30;

class Writer {
 public:
  explicit Writer(AtomicFile& file) : file_(file) {}

  template <typename T>
  void operator()(const T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    bytes(&value, sizeof value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    (*this)(uint64_t{values.size()});
    bytes(values.data(), values.size() * sizeof(T));
  }
  void operator()(const std::string& text) {
    (*this)(uint64_t{text.size()});
    bytes(text.data(), text.size());
  }
  void raw(std::string_view text) { bytes(text.data(), text.size()); }

  /// Everything so far is in the file, followed by its digest.
  Status finish() {
    flush();
    if (status_) status_ = file_.write(digest_.hex());
    return status_;
  }

 private:
  void bytes(const void* data, size_t size) {
    buffer_.append(static_cast<const char*>(data), size);
    if (buffer_.size() >= kBuffer) flush();
  }
  void flush() {
    digest_.update(buffer_);
    if (status_) status_ = file_.write(buffer_);
    buffer_.clear();
  }

  AtomicFile& file_;
  Sha256 digest_;
  std::string buffer_;
  Status status_;
};

/// Reads what a Writer wrote; once something is missing everything reads as zero and `ok` is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  void operator()(T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    copy(&value, sizeof value);
  }
  void operator()(bool& value) {
    uint8_t byte = 0;
    copy(&byte, 1);
    value = byte != 0;
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    const uint64_t count = length(sizeof(T));
    values.resize(count);
    copy(values.data(), count * sizeof(T));
  }
  void operator()(std::string& text) {
    text.resize(length(1));
    copy(text.data(), text.size());
  }

  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }

 private:
  uint64_t length(size_t element) {
    uint64_t count = 0;
    copy(&count, sizeof count);
    if (count > rest_.size() / element) ok_ = false;
    return ok_ ? count : 0;
  }
  void copy(void* to, size_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_ || size == 0) return;
    std::memcpy(to, rest_.data(), size);
    rest_.remove_prefix(size);
  }

  std::string_view rest_;
  bool ok_ = true;
};

// A member that is added to one of these types stops the program from compiling until it is written too.
template <typename Archive, typename T>
void sub_problem_members(Archive& archive, T& value) {
  auto& [bounds, disjunct, propagated, bound, depth, splits, rebound_depth, first_stale_op, slopes, multipliers,
         constraint, enough] = value;
  auto& [lo, hi] = bounds;
  archive(lo);
  archive(hi);
  archive(disjunct);
  archive(propagated);
  archive(bound);
  archive(depth);
  archive(splits);
  archive(rebound_depth);
  archive(first_stale_op);
  archive(slopes);
  archive(multipliers);
  archive(constraint);
  archive(enough);
}

template <typename Archive, typename T>
void figure_members(Archive& archive, T& value) {
  auto& [seconds, closed_share, gap_bound, nodes, leaves, attacked, gap] = value;
  archive(seconds);
  archive(closed_share);
  archive(gap_bound);
  archive(nodes);
  archive(leaves);
  archive(attacked);
  archive(gap);
}

template <typename Archive, typename T>
void node_members(Archive& archive, T& value) {
  auto& [code, children, state, split, split_at, bound] = value;
  (void)children;  // The order of the nodes says them.
  archive(code);
  archive(state);
  archive(split);
  archive(split_at);
  archive(bound);
}

template <typename Archive, typename T>
void identity_members(Archive& archive, T& value) {
  auto& [version, model_digest, property_digest, semantics] = value;
  archive(version);
  archive(model_digest);
  archive(property_digest);
  archive(semantics);
}

std::string start_of(const std::string& digest) { return digest.substr(0, 12); }

std::string semantics_text(Semantics semantics) { return semantics == Semantics::kReal ? "real" : "float32"; }

Status same_question(const std::string& path, const CheckpointIdentity& found, const CheckpointIdentity& wanted) {
  const auto differs = [&](const std::string& what, const std::string& there, const std::string& here) {
    return invalid_input(path + ": a checkpoint of another " + what + " (" + there + ", this is " + here +
                         "); resume with what it was written for, or name another file");
  };
  if (found.version != wanted.version) return differs("version of axiom", found.version, wanted.version);
  if (found.model_digest != wanted.model_digest)
    return differs("model", "sha256 " + start_of(found.model_digest) + "...", start_of(wanted.model_digest) + "...");
  if (found.property_digest != wanted.property_digest)
    return differs("property", "sha256 " + start_of(found.property_digest) + "...",
                   start_of(wanted.property_digest) + "...");
  if (found.semantics != wanted.semantics)
    return differs("semantics", semantics_text(found.semantics), semantics_text(wanted.semantics));
  return {};
}

bool finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

size_t count_hinges(const Program& program) {
  size_t count = 0;
  for (const CoreOp& op : program.ops) {
    const bool hinge =
        op.kind == CoreKind::kUnary && (op.unary == UnaryKind::kRelu || op.unary == UnaryKind::kLeakyRelu);
    count += hinge ? op.count : 0;
  }
  return count;
}

// The strategies rely on these.
bool plausible(const SubProblem& p, const Problem& problem, size_t stored) {
  const uint32_t elements = problem.program->program.element_count;
  if (p.bounds.lo.size() != stored || p.bounds.hi.size() != stored || p.disjunct >= problem.disjuncts.size())
    return false;
  const size_t constraints = problem.disjuncts[p.disjunct].constraints.size();
  return (p.constraint == 0 || p.constraint < constraints) && std::is_sorted(p.splits.begin(), p.splits.end()) &&
         (p.splits.empty() || p.splits.back() < elements) && p.multipliers.size() == p.splits.size() &&
         (p.slopes.empty() || p.slopes.size() == count_hinges(problem.program->program)) && finite(p.slopes) &&
         finite(p.multipliers);
}

// The tree in preorder: of every node its own members and how many children follow.
bool read_tree(Reader& reader, const Problem& problem, SavedSearch& saved) {
  const size_t stored = BoundContext(*problem.program, problem.semantics).stored_elements().size();
  struct Waiting {
    ProofNode* parent;
    uint64_t count;
  };
  std::vector<Waiting> waiting{{nullptr, 1}};
  while (!waiting.empty()) {
    if (waiting.back().count == 0) {
      waiting.pop_back();
      continue;
    }
    --waiting.back().count;
    ProofNode* const parent = waiting.back().parent;
    ProofNode& node = saved.nodes.emplace_back();
    uint64_t children = 0;
    node_members(reader, node);
    reader(children);
    if (!reader.ok() || node.state >= NodeState::kViolated || (node.state == NodeState::kSplit) != (children > 0))
      return false;
    if (parent != nullptr) parent->children.push_back(&node);
    if (node.state == NodeState::kOpen) {
      OpenNode& open = saved.open.emplace_back();
      open.proof = &node;
      sub_problem_members(reader, open.problem);
      if (!reader.ok() || parent == nullptr || !plausible(open.problem, problem, stored)) return false;
    }
    waiting.push_back({&node, children});
  }
  return reader.at_end();
}

}  // namespace

Status write_checkpoint(const std::string& path, const CheckpointIdentity& identity, const SearchSnapshot& snapshot) {
  Result<AtomicFile> file = AtomicFile::create(path);
  if (!file) return file.error();
  Writer writer(*file);
  writer.raw(kMagic);
  identity_members(writer, identity);
  figure_members(writer, snapshot.progress);
  preorder(*snapshot.root, [&](const ProofNode& node) {
    node_members(writer, node);
    writer(uint64_t{node.children.size()});
    if (node.state != NodeState::kOpen) return;
    const auto open = snapshot.open.find(&node);
    AXIOM_CHECK(open != snapshot.open.end());
    sub_problem_members(writer, *open->second);
  });
  if (Status finished = writer.finish(); !finished) return finished;
  return file->commit();
}

Result<SavedSearch> read_checkpoint(const std::string& path, const CheckpointIdentity& identity,
                                    const Problem& problem) {
  const Result<std::string> bytes = read_file(path, kReadCap);
  if (!bytes) return bytes.error();
  if (!std::string_view(*bytes).starts_with(kMagic) || bytes->size() < kMagic.size() + kDigestSize)
    return invalid_input(path + ": not a checkpoint of axiom verify; name the file that --checkpoint wrote");
  const std::string_view content = std::string_view(*bytes).substr(0, bytes->size() - kDigestSize);
  const Error damaged = invalid_input(path + ": the checkpoint is damaged or cut off (" +
                                      std::to_string(bytes->size()) + " bytes); remove it and start again");
  if (sha256_hex(content) != std::string_view(*bytes).substr(content.size())) return damaged;
  Reader reader(content.substr(kMagic.size()));
  CheckpointIdentity found;
  identity_members(reader, found);
  if (!reader.ok()) return damaged;
  if (Status same = same_question(path, found, identity); !same) return same.error();
  SavedSearch saved;
  figure_members(reader, saved.progress);
  if (!read_tree(reader, problem, saved)) return damaged;
  return Result<SavedSearch>(std::move(saved));
}

}  // namespace axiom
