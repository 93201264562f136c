// The program under test, run on the suite's networks and questions: files in a folder of its own, verdicts,
// certificates, replays.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "certificate/certify.h"
#include "formats/onnx/onnx.h"
#include "graph/graph.h"
#include "meaning.h"
#include "question.h"
#include "runtime/backend.h"

namespace axiom::soundness {

/// Number of cases: `in_ci`, or the environment variable AXIOM_SOUNDNESS_CASES.
int case_count(int in_ci);

/// The reference executor on a network, from flat inputs to flat outputs.
class Executor {
 public:
  explicit Executor(const std::string& model_bytes);
  std::vector<float> operator()(const std::vector<float>& input) const;

 private:
  Graph graph_;
  std::unique_ptr<Backend> backend_;
};

/// A model and a property as files, removed with this object.
class Workbench {
 public:
  Workbench(const std::string& model_bytes, const std::string& property_text);
  ~Workbench();
  Workbench(const Workbench&) = delete;

  struct Answer {
    Decision decision;
    std::string certificate;  ///< The accepted bytes, when verified.
  };
  Answer decide(Semantics semantics, double seconds = 2, int threads = 1) const;

  /// Whether the answer is `verified`; a question that is refused is not.
  bool verifies(Semantics semantics) const;

  /// Whether axiom-check accepts these bytes for this model and property.
  bool accepts(const std::string& certificate) const { return check(certificate).accepted; }
  CheckOutcome check(const std::string& certificate) const;

  const std::string& model_path() const { return model_path_; }
  const std::string& property_path() const { return property_path_; }

 private:
  std::string folder_, model_path_, property_path_;
};

/// Whether a case of the question holds exactly at this input and output, its box included.
bool is_unsafe(const Question& question, const std::vector<Rational>& x, const std::vector<Rational>& y,
               bool fed_as_floats);

template <typename T>
std::vector<Rational> as_rationals(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

}  // namespace axiom::soundness
