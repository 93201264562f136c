#include "axiom/axiom.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <thread>

namespace axiom::api {
namespace {

const std::string kHello = AXIOM_SOURCE_DIR "/examples/hello/";

TEST(Api, RunsTheModelThatItLoads) {
  const Result<Model> model = Model::load(kHello + "distance.onnx");
  ASSERT_TRUE(model) << model.failure().message;
  EXPECT_EQ(model->digest().size(), 64U);
  ASSERT_EQ(model->outputs().size(), 1U);
  const Result<std::vector<float>> output = model->run(std::vector<float>{0.25F, 1.0F});
  ASSERT_TRUE(output) << output.failure().message;
  EXPECT_EQ(*output, std::vector<float>{0.75F});
}

TEST(Api, VerifiesKeepsTheCertificateAndChecksIt) {
  const Result<Model> model = Model::load(kHello + "distance.onnx");
  ASSERT_TRUE(model) << model.failure().message;
  const std::string property = kHello + "less_than_1_5.vnnlib";
  VerifyOptions options;
  options.certificate = testing::TempDir() + "axiom_api_test.cert";
  const Result<Report> report = verify(*model, property, options);
  ASSERT_TRUE(report) << report.failure().message;
  EXPECT_EQ(report->verdict, Verdict::kVerified) << report->reason;
  EXPECT_EQ(report->certificate_digest.size(), 64U);
  const Result<std::string> accepted = check(kHello + "distance.onnx", property, options.certificate);
  EXPECT_TRUE(accepted) << accepted.failure().message;
  const Result<std::string> other =
      check(kHello + "distance.onnx", kHello + "less_than_0_9.vnnlib", options.certificate);
  ASSERT_FALSE(other) << "a certificate must not serve another property";
  EXPECT_EQ(other.failure().kind, FailureKind::kCertificate);
  std::filesystem::remove(options.certificate);
}

TEST(Api, ReportsTheWitnessOfAViolation) {
  const Result<Model> model = Model::load(kHello + "distance.onnx");
  ASSERT_TRUE(model) << model.failure().message;
  const Result<Report> report = verify(*model, kHello + "less_than_0_9.vnnlib");
  ASSERT_TRUE(report) << report.failure().message;
  ASSERT_EQ(report->verdict, Verdict::kViolated) << report->reason;
  const Result<std::vector<float>> replayed =
      model->run(std::vector<float>(report->input.begin(), report->input.end()));
  ASSERT_TRUE(replayed) << replayed.failure().message;
  EXPECT_EQ(*replayed, report->output);
  EXPECT_GE(std::fabs(report->input[0] - report->input[1]), 0.9);
}

TEST(Api, OneModelServesSeveralThreads) {
  const Result<Model> model = Model::load(kHello + "distance.onnx");
  ASSERT_TRUE(model) << model.failure().message;
  std::vector<std::thread> threads;
  std::vector<Verdict> verdicts(4, Verdict::kUnknown);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    threads.emplace_back([&, i] {
      const Result<Report> report =
          verify(*model, kHello + (i % 2 == 0 ? "less_than_1_5.vnnlib" : "less_than_0_9.vnnlib"));
      if (report) verdicts[i] = report->verdict;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < verdicts.size(); ++i)
    EXPECT_EQ(verdicts[i], i % 2 == 0 ? Verdict::kVerified : Verdict::kViolated) << i;
}

TEST(Api, FailuresAreValuesThatSayWhatToDo) {
  const Result<Model> missing = Model::load("no-such-file.onnx");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.failure().kind, FailureKind::kIo);
  EXPECT_NE(missing.failure().message.find("no-such-file.onnx"), std::string::npos);

  const Result<Model> model = Model::load(kHello + "distance.onnx");
  ASSERT_TRUE(model) << model.failure().message;
  const Result<std::vector<float>> short_input = model->run(std::vector<float>{1.0F});
  ASSERT_FALSE(short_input);
  EXPECT_EQ(short_input.failure().message, "run: the model takes 2 numbers, given are 1");
  const Result<Report> no_time = verify(*model, kHello + "less_than_1_5.vnnlib", {.timeout_seconds = 0});
  ASSERT_FALSE(no_time);
  EXPECT_EQ(no_time.failure().kind, FailureKind::kUsage);
}

TEST(Api, AModelFileThatChangedAfterLoadingIsNotVerified) {
  const std::string copy = testing::TempDir() + "axiom_api_test.onnx";
  std::filesystem::copy_file(kHello + "distance.onnx", copy, std::filesystem::copy_options::overwrite_existing);
  const Result<Model> model = Model::load(copy);
  ASSERT_TRUE(model) << model.failure().message;
  std::filesystem::copy_file(AXIOM_SOURCE_DIR "/examples/collision_avoidance/advisory.onnx", copy,
                             std::filesystem::copy_options::overwrite_existing);
  const Result<Report> report =
      verify(*model, AXIOM_SOURCE_DIR "/examples/collision_avoidance/never_climb_into_intruder.vnnlib");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.failure().kind, FailureKind::kInvalidInput);
  std::filesystem::remove(copy);
}

}  // namespace
}  // namespace axiom::api
