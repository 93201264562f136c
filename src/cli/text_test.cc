// The pure functions of the command line: distances between words, CSV, certificate headers, summaries, names.
#include <gtest/gtest.h>

#include <limits>

#include "cli/certificate_header.h"
#include "cli/csv.h"
#include "cli/output.h"
#include "cli/suggest.h"
#include "cli/sweep_report.h"
#include "cli/verdict.h"

namespace axiom::cli {
namespace {

TEST(Suggest, DistanceCountsASwapOfNeighboursOnce) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("verify", "verify"), 0u);
  EXPECT_EQ(edit_distance("vreify", "verify"), 1u);
  EXPECT_EQ(edit_distance("verfy", "verify"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggest, OnlyWhatIsNearIsSuggested) {
  EXPECT_EQ(nearest("chek", {"verify", "check"}), "check");
  EXPECT_EQ(nearest("frobnicate", {"verify", "check"}), "");
  EXPECT_EQ(suggestion("x", {"verify"}, "otherwise"), "otherwise");
}

TEST(Csv, WhatIsWrittenReadsBackTheSame) {
  const CsvRow row = {"", "plain", "a,b", "say \"no\"", "two\nlines", ""};
  const std::vector<CsvRow> rows = parse_csv(csv_line(row) + csv_line({"next"}));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], row);
  EXPECT_EQ(rows[1], CsvRow{"next"});
}

TEST(Csv, LineEndsOfAnyKindAndEmptyLinesAreAccepted) {
  const std::vector<CsvRow> rows = parse_csv("a,b\r\n\r\n\nc,d");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1], (CsvRow{"c", "d"}));
}

std::string header_bytes(const std::string& counts) {
  return "AXCERT01" + std::string(1, '\1') + std::string(32, '\xab') + std::string(32, '\xcd') + counts;
}

TEST(CertificateHeader, FieldsAreThoseOfTheSpecification) {
  const Result<CertificateHeader> header =
      parse_certificate_header(header_bytes("\x02\x01\x08\x80\x01\x01\x03"
                                            "abc"));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->semantics, "float32");
  EXPECT_EQ(header->model_digest.substr(0, 4), "abab");
  EXPECT_EQ(header->property_digest.substr(0, 4), "cdcd");
  EXPECT_EQ(header->inputs, 2u);
  EXPECT_EQ(header->operators, 8u);
  EXPECT_EQ(header->elements, 128u);
  EXPECT_EQ(header->tree_bytes, 3u);
  EXPECT_EQ(header->header_bytes, 80u);
}

TEST(CertificateHeader, EveryCutAndEveryRedundantVarintIsRejected) {
  const std::string whole = header_bytes(
      "\x02\x01\x08\x10\x01\x03"
      "abc");
  ASSERT_TRUE(parse_certificate_header(whole));
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_certificate_header(whole.substr(0, size)));
  EXPECT_FALSE(parse_certificate_header(whole + "d"));
  const std::string redundant("\x82\x00\x01\x08\x10\x01\x00", 7);
  EXPECT_FALSE(parse_certificate_header(header_bytes(redundant)));
  EXPECT_FALSE(parse_certificate_header(header_bytes(std::string(10, '\xff'))));
}

SweepRow row(std::string family, std::string verdict, std::string expected) {
  SweepRow result;
  result.family = std::move(family);
  result.semantics = "real";
  result.verdict = std::move(verdict);
  result.expected = std::move(expected);
  result.seconds = 2;
  return result;
}

TEST(SweepReport, ExitCodeIsTheGravestOfAllRows) {
  const SweepRow good = row("f", "verified", "verified"), open = row("f", "unknown", "violated"),
                 wrong = row("f", "verified", "violated"), error = row("f", "error", "open");
  EXPECT_EQ(sweep_exit_code({good}, true, true), kExitSuccess);
  EXPECT_EQ(sweep_exit_code({good, open}, true, false), kExitSuccess);
  EXPECT_EQ(sweep_exit_code({good, open}, true, true), kExitUnknown);
  EXPECT_EQ(sweep_exit_code({good}, false, false), kExitUnknown);
  EXPECT_EQ(sweep_exit_code({error, good}, false, true), kExitInput);
  EXPECT_EQ(sweep_exit_code({good, error, wrong}, true, false), kExitViolated);
  SweepRow rejected = open;
  rejected.reason = "certificate-rejected: step 3";
  EXPECT_EQ(sweep_exit_code({rejected, error}, true, false), kExitCertificate);
}

TEST(SweepReport, SummariesCountAndTakeTheMedian) {
  std::vector<SweepRow> rows;
  for (const uint64_t bytes : {100, 300, 900}) {
    SweepRow proved = row("a", "verified", "open");
    proved.leaves = 10;
    proved.certificate_bytes = bytes;
    proved.check_seconds = 0.5;
    rows.push_back(proved);
  }
  rows.push_back(row("b", "violated", "verified"));
  const std::vector<FamilySummary> summaries = summarize(rows);
  ASSERT_EQ(summaries.size(), 3u);
  EXPECT_EQ(summaries[0].bytes_per_leaf, 30);
  EXPECT_EQ(summaries[0].largest_certificate, 900u);
  EXPECT_NEAR(summaries[0].check_per_solve, 0.5 / 1.5, 1e-12);
  EXPECT_EQ(summaries[1].wrong, 1u);
  EXPECT_EQ(summaries[2].family, "all");
  EXPECT_EQ(summaries[2].seconds, 8);
}

TEST(SweepReport, JunitEscapesWhatXmlReserves) {
  SweepRow bad = row("a<b", "error", "open");
  bad.reason = "\"x\" & y";
  const std::string xml = junit_xml({bad});
  EXPECT_NE(xml.find("name=\"a&lt;b\""), std::string::npos);
  EXPECT_NE(xml.find("&quot;x&quot; &amp; y"), std::string::npos);
}

TEST(Verdict, ViolatedBeatsUnknownBeatsVerified) {
  DecisionReport report;
  EXPECT_EQ(overall(report), Verdict::kUnknown);
  report.decisions.resize(2);
  report.decisions[0].verdict = report.decisions[1].verdict = Verdict::kVerified;
  EXPECT_EQ(overall(report), Verdict::kVerified);
  report.decisions[0].verdict = Verdict::kUnknown;
  EXPECT_EQ(overall(report), Verdict::kUnknown);
  report.decisions[1].verdict = Verdict::kViolated;
  EXPECT_EQ(overall(report), Verdict::kViolated);
}

TEST(Verdict, VnncompNumbersReadBackTheSame) {
  const Witness witness{.input = {0.1f, -1e-30, 0.1}, .output = {2.0f}, .origin = "pgd"};
  EXPECT_EQ(vnncomp_witness(witness), "sat\n((X_0 0.1)\n(X_1 -1e-30)\n(X_2 0.1)\n(Y_0 2))\n");
}

TEST(Output, NumbersThatJsonLacksAreStrings) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(number_json(infinity), "Infinity");
  EXPECT_EQ(number_json(-infinity), "-Infinity");
  EXPECT_EQ(number_json(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(number_json(0.5), 0.5);
}

TEST(Output, NamesLoseFolderAndSuffixes) {
  EXPECT_EQ(short_name("a/b/net.onnx.gz"), "net");
  EXPECT_EQ(short_name("prop_1.5.vnnlib"), "prop_1.5");
  EXPECT_EQ(short_name("plain"), "plain");
}

}  // namespace
}  // namespace axiom::cli
