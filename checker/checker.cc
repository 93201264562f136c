// From bytes to a verdict: header, digests, model, property, counts, tree.
#include "checker.h"

#include <chrono>
#include <cstring>
#include <exception>
#include <future>
#include <new>

#include "bytes.h"
#include "error.h"
#include "sha256.h"
#include "tree.h"

namespace checker {
namespace {

// Spec section 9.
struct Header {
  Semantics semantics;
  Digest model, property;
  uint64_t inputs, outputs, operators, elements, disjuncts;
  std::span<const uint8_t> tree;
  uint64_t tree_at;
};

Digest read_digest(ByteReader& in) {
  Digest digest;
  std::memcpy(digest.data(), in.take(digest.size()).data(), digest.size());
  return digest;
}

Header read_header(std::span<const uint8_t> certificate) {
  ByteReader in(certificate);
  if (std::memcmp(in.take(8).data(), "AXCERT01", 8) != 0) throw Rejected("does not begin with AXCERT01");
  const uint8_t semantics = in.byte();
  if (semantics > 1) throw Rejected(text("semantics ", int(semantics)));
  Header header{};
  header.semantics = Semantics(semantics);
  header.model = read_digest(in);
  header.property = read_digest(in);
  for (uint64_t* count : {&header.inputs, &header.outputs, &header.operators, &header.elements, &header.disjuncts}) {
    *count = in.varint();
  }
  const uint64_t length = in.varint();
  header.tree_at = in.at();
  header.tree = in.take(length);
  if (in.left() != 0) throw Rejected(text(in.left(), " bytes follow the end"));
  return header;
}

Header read_certificate(std::span<const uint8_t> certificate) {
  try {
    return read_header(certificate);
  } catch (const Rejected& rejected) {
    throw Rejected(text("header: ", rejected.what()));
  }
}

void require_digest(const char* what, const Digest& claimed, const Digest& actual) {
  if (claimed != actual)
    throw Rejected(text("header: sha256 of the ", what, " is ", hex(claimed), ", not ", hex(actual)));
}

void require_count(const char* what, uint64_t claimed, uint64_t actual) {
  if (claimed != actual) throw Rejected(text("header: ", claimed, " ", what, " instead of ", actual));
}

void require_match(const Program& program, const Property& property) {
  if (property.inputs != program.inputs() || property.outputs != program.outputs.size()) {
    throw Malformed(text("property: declares ", property.inputs, " X and ", property.outputs, " Y, the model has ",
                         program.inputs(), " inputs and ", program.outputs.size(), " outputs"));
  }
}

// Everything but the digests.
Counts check_claim(const Header& header, std::span<const uint8_t> model, std::span<const uint8_t> text_bytes,
                   const Limits& limits, std::vector<Extent>* extents, const Division& division) {
  const Program program = lower(read_onnx(model), limits);
  const Property property = read_property(text_bytes, header.semantics, program);
  require_match(program, property);
  require_count("inputs", header.inputs, program.inputs());
  require_count("outputs", header.outputs, program.outputs.size());
  require_count("core operators", header.operators, program.operators.size());
  require_count("elements", header.elements, program.elements());
  require_count("disjuncts", header.disjuncts, property.disjuncts.size());
  if (!property.disjuncts.empty()) {
    return check_tree(program, property, header.semantics, header.tree, header.tree_at, extents, division);
  }
  if (!header.tree.empty()) throw Rejected("a tree, although nothing is unsafe");
  return {};
}

void check_all(std::span<const uint8_t> certificate, std::span<const uint8_t> model,
               std::span<const uint8_t> text_bytes, const Limits& limits, std::vector<Extent>* extents,
               const Division& division, Outcome& outcome) {
  const Header header = read_certificate(certificate);
  outcome.semantics = name(header.semantics);
  // A large model is hashed while its claim is checked, a small one afterwards. Whatever the check says, it counts only
  // if model and property are the ones that are claimed.
  constexpr size_t kLargeModel = 1 << 18;  // about a millisecond
  const std::launch meanwhile = std::launch::async | std::launch::deferred;
  std::future<Digest> model_hash =
      std::async(model.size() < kLargeModel ? std::launch::deferred : meanwhile, [model] { return sha256(model); });
  std::exception_ptr fault;
  Counts counts;
  try {
    counts = check_claim(header, model, text_bytes, limits, extents, division);
  } catch (...) {
    fault = std::current_exception();
  }
  const Digest model_digest = model_hash.get(), property_digest = sha256(text_bytes);
  outcome.model_sha256 = hex(model_digest);
  outcome.property_sha256 = hex(property_digest);
  require_digest("model", header.model, model_digest);
  require_digest("property", header.property, property_digest);
  if (fault) std::rethrow_exception(fault);
  outcome.nodes = counts.nodes;
  outcome.leaves = counts.leaves;
}

}  // namespace

Outcome check(std::span<const uint8_t> certificate, std::span<const uint8_t> model, std::span<const uint8_t> property,
              const Limits& limits, std::vector<Extent>* extents, const Division& division) {
  const auto start = std::chrono::steady_clock::now();
  Outcome outcome;
  try {
    check_all(certificate, model, property, limits, extents, division, outcome);
    outcome.result = Outcome::accepted;
  } catch (const Rejected& rejected) {
    outcome.result = Outcome::rejected;
    outcome.reason = rejected.what();
  } catch (const Malformed& malformed) {
    outcome.reason = malformed.what();
  } catch (const std::bad_alloc&) {
    outcome.reason = "memory: exhausted";
  } catch (const std::length_error&) {
    outcome.reason = "memory: exhausted";
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

std::string describe_claim(std::span<const uint8_t> certificate) {
  const Header header = read_certificate(certificate);
  return text("semantics ", name(header.semantics), "\nmodel sha256 ", hex(header.model), "\nproperty sha256 ",
              hex(header.property), "\ninputs ", header.inputs, "\noutputs ", header.outputs, "\ncore operators ",
              header.operators, "\nelements ", header.elements, "\ndisjuncts ", header.disjuncts, "\ntree bytes ",
              header.tree.size(), "\n");
}

std::string inspect(std::span<const uint8_t> model, std::span<const uint8_t> property_bytes, Semantics semantics) {
  const Program program = lower(read_onnx(model), {});
  const Property property = read_property(property_bytes, semantics, program);
  require_match(program, property);
  uint64_t terms = 0;
  for (const Operator& op : program.operators) terms += op.terms();
  std::string out = text(program.inputs(), " inputs, ", program.outputs.size(), " outputs, ", program.operators.size(),
                         " operators, ", program.elements(), " elements, ", terms, " terms, ",
                         property.disjuncts.size(), " disjuncts, ", property.constraints.size(), " constraints\n");
  for (size_t o = 0; o < program.operators.size(); ++o) {
    const Operator& op = program.operators[o];
    out += text(o, " ", name(op.kind), ": elements ", op.first, " + ", op.count, ", ", op.terms(), " terms\n");
  }
  return out;
}

}  // namespace checker
