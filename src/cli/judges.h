// The judges of a certificate. Each decides by itself, from the bytes; none hears what another said.
//
//   checker        the program axiom-check
//   coq-extracted  the program axiom-check-coq, extracted from the Coq development: other readers, the proved checker
//   coq-kernel     Coq's kernel, on the certificate, network and property as literals (axiom theorem)
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bounds/arithmetic.h"
#include "cli/output.h"
#include "cli/theorem.h"

namespace axiom::cli {

/// What is asked: a certificate with its model and property, and the limits of Coq.
struct JudgeRequest : TheoremRequest {
  std::optional<Semantics> semantics;  ///< A claim about the other arithmetic is rejected.
  int threads = 1;                     ///< Of checker, the one judge that has several.
};

enum class Answer { kAccepted, kRejected, kNotCovered, kNotAvailable, kError };

struct Judgement {
  std::string judge;
  Answer answer = Answer::kError;
  std::string message;  ///< One line: what the judge said.
  double seconds = 0;
  int exit_code = kExitInternal;        ///< As the judge alone would end the command.
  std::optional<Error> failure;         ///< When there is no judge, or it could not be asked.
  std::optional<TheoremReport> report;  ///< Of coq-kernel, when it has accepted.
};

/// All names, in the order of trust: the quickest first.
std::span<const std::string_view> judge_names();

/// Asks one judge; `name` is one of judge_names().
Judgement ask_judge(std::string_view name, const JudgeRequest& request);

std::string_view answer_name(Answer answer);  ///< "accepted", "rejected", "not-covered", "not-available", "error"
Json judgement_json(const Judgement& judgement);

}  // namespace axiom::cli
