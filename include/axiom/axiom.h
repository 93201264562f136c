// Axiom's public C++ interface: load a trained network, run it, prove or refute a property of it.
//
//   namespace ax = axiom::api;
//   ax::Result<ax::Model> model = ax::Model::load("net.onnx");
//   if (!model) return fail(model.failure().message);
//   ax::Result<ax::Report> report = ax::verify(*model, "property.vnnlib", {.timeout_seconds = 60});
//   if (report && report->verdict == ax::Verdict::kVerified) ...
//
// Failure: nothing here throws on account of its input. Whatever an argument or a file can cause comes back as a
// Failure whose message names the place, the numbers and the remedy. A mistake of the library itself ends the process.
// Ownership: every value is the caller's; nothing refers to an argument after the call.
// Threads: a const Model may be used by any number of threads at once; the functions have no shared state.
// Stability: this header is the contract of the library; versions 0.x may change it between minor versions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace axiom::api {

enum class FailureKind {
  kUsage,           ///< The call makes no sense.
  kInvalidInput,    ///< A file is malformed, or holds an operator that cannot be run.
  kNotCertifiable,  ///< The network can be run, but a part of it has no certified meaning.
  kCertificate,     ///< A certificate was rejected.
  kResource,        ///< A cap on memory, size or time was reached.
  kIo,              ///< The operating system refused a read or a write.
  kInternal,        ///< A bug of the library.
};

struct Failure {
  FailureKind kind = FailureKind::kInternal;
  std::string message;  ///< Place, numbers, remedy; one line.
};

/// A value or a Failure. Ask with `if (result)` before `*result`, `result->` or `failure()`.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}            // NOLINT: implicit on purpose
  Result(Failure failure) : state_(std::move(failure)) {}  // NOLINT: implicit on purpose

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

/// One input or output of a network.
struct TensorInfo {
  std::string name;
  std::vector<int64_t> shape;  ///< Outermost first; every extent is known.
};

/// A trained network, read from an ONNX file. Immutable; copies share the weights.
class Model {
 public:
  /// Reads and checks the file; external data must lie beneath its folder.
  static Result<Model> load(const std::filesystem::path& onnx);

  const std::string& digest() const;  ///< SHA-256 of the (decompressed) model bytes, lower-case hexadecimal.
  std::vector<TensorInfo> inputs() const;
  std::vector<TensorInfo> outputs() const;

  /// Evaluates the network in float32. `input` holds all inputs one after the other, row-major, which are the numbers
  /// X_0, X_1, ... of a property; the value holds all outputs in the same way: Y_0, Y_1, ...
  Result<std::vector<float>> run(std::span<const float> input) const;

  struct State;  ///< Internal.
  explicit Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// What arithmetic a claim speaks of; spec/operators.md defines both.
enum class Semantics {
  kFloat32,  ///< Every result that a conforming binary32 evaluation of the network may produce.
  kReal,     ///< Real numbers; the weights are the exact numbers that the floats are.
};

struct VerifyOptions {
  double timeout_seconds = 60;  ///< Time to search; then the verdict is kUnknown. Positive.
  int threads = 0;              ///< 0: as many as the machine has. Does not change an answer that is reached.
  Semantics semantics = Semantics::kFloat32;
  std::filesystem::path certificate{};  ///< Where the certificate of kVerified is kept; empty: checked, then deleted.
  std::filesystem::path checker{};      ///< The program axiom-check; empty: beside the running program, then on PATH.
};

enum class Verdict {
  kVerified,  ///< No input of the set is unsafe, and the independent checker has accepted the proof.
  kViolated,  ///< `input` is a point of the set whose `output` is unsafe.
  kUnknown,   ///< Neither was reached; `reason` says why.
};

struct Report {
  Verdict verdict = Verdict::kUnknown;
  std::string reason;              ///< kUnknown: what ended the search, and what was reached.
  std::vector<double> input;       ///< kViolated: X_0, X_1, ...; float32 numbers, except under kReal.
  std::vector<float> output;       ///< kViolated: Y_0, Y_1, ... as Model::run gives them for that input.
  std::string certificate_digest;  ///< kVerified: SHA-256 of the certificate, lower-case hexadecimal.
  uint64_t leaves = 0;             ///< Leaves of the proof tree.
  double seconds = 0;              ///< Wall-clock time of the call.
};

/// Decides a VNN-LIB property of the network: whether some input of its set is unsafe. Blocks until done.
Result<Report> verify(const Model& model, const std::filesystem::path& vnnlib, const VerifyOptions& options = {});

/// What axiom-check says about a certificate for this very model and property: its line when it accepts, otherwise a
/// Failure of kind kCertificate with the step that was rejected.
Result<std::string> check(const std::filesystem::path& onnx, const std::filesystem::path& vnnlib,
                          const std::filesystem::path& certificate, const std::filesystem::path& checker = {});

/// The library's version, e.g. "0.1.0".
std::string version();

}  // namespace axiom::api
