// The executor on every backend, and on a device that is late, out of order and faulty.
#include "runtime/executor.h"

#include <gtest/gtest.h>

#include "ops/random_graph.h"
#include "ops/samples.h"
#include "runtime/backends/fake/fake.h"
#include "runtime/backends/list.h"
#include "runtime/backends/reference/reference.h"

namespace axiom {
namespace {

using namespace testing;  // NOLINT: the builders

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::equal(a.bytes(), a.bytes() + a.byte_size(), b.bytes());
}

std::vector<NamedTensor> reference(const Graph& graph, const std::vector<Tensor>& inputs) {
  const auto backend = make_reference_backend();
  auto outputs = run(graph, inputs, *backend);
  EXPECT_TRUE(outputs) << (outputs ? "" : outputs.error().message);
  return outputs ? *outputs : std::vector<NamedTensor>{};
}

TEST(Backends, AreListedOnceAndFound) {
  for (const BackendEntry& entry : backends()) {
    auto backend = make_backend(entry.name);
    ASSERT_TRUE(backend);
    EXPECT_EQ((*backend)->name(), entry.name);
    EXPECT_TRUE((*backend)->arithmetic().covered);
    EXPECT_GT((*backend)->capabilities().memory_bytes, 0U);
  }
  auto missing = make_backend("abacus");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("reference, fake"), std::string::npos) << missing.error().message;
}

TEST(Backends, AllGiveTheReferenceBitsOnEverySample) {
  for (const BackendEntry& entry : backends()) {
    for (const Sample& sample : all_samples()) {
      if (!sample.refusal.empty()) continue;
      Graph graph = graph_of(sample);
      ASSERT_TRUE(infer_shapes(graph));
      const auto expected = reference(graph, inputs_of(sample));
      auto outputs = run(graph, inputs_of(sample), **make_backend(entry.name));
      ASSERT_TRUE(outputs) << testing::describe(sample) << outputs.error().message;
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_TRUE(same_bits((*outputs)[i].tensor, expected[i].tensor))
            << entry.name << " " << testing::describe(sample);
    }
  }
}

TEST(FakeDevice, ItsMemoryIsPoisonedAndCommandsAreLate) {
  const auto device = make_fake_device({.delay = 3});
  auto buffer = device->allocate({DType::kFloat32, {1}});
  ASSERT_TRUE(buffer);
  auto upload = device->upload(Tensor::from<float>({1}, {7}), **buffer, {});
  ASSERT_TRUE(upload);
  EXPECT_FALSE((*upload)->done());
  EXPECT_EQ(device->pending_commands(), 1);
  EXPECT_TRUE((*upload)->wait());
  Tensor back;
  auto download = device->download(**buffer, back, {*upload});
  ASSERT_TRUE(download);
  EXPECT_EQ(back.bytes(), nullptr);
  EXPECT_TRUE((*download)->wait());
  EXPECT_EQ(back.data<float>()[0], 7);
  EXPECT_TRUE(device->misuses().empty());
}

TEST(FakeDevice, NoticesReadsBeforeWritesAndBuffersFreedInUse) {
  const auto device = make_fake_device({});
  auto a = device->allocate({DType::kFloat32, {1}}), b = device->allocate({DType::kFloat32, {1}});
  auto copy = device->copy(**a, **b, {});
  EXPECT_TRUE((*copy)->wait());
  ASSERT_EQ(device->misuses().size(), 1U);
  EXPECT_NE(device->misuses()[0].find("before it was written"), std::string::npos);
  auto late = device->upload(Tensor::from<float>({1}, {1}), **a, {});
  a->reset();
  EXPECT_EQ(device->misuses().size(), 2U);
  EXPECT_FALSE((*late)->wait());
}

TEST(FakeDevice, AFailureReachesEveryCommandThatDependsOnIt) {
  const auto device = make_fake_device({.fail_upload = 0});
  auto a = device->allocate({DType::kFloat32, {1}}), b = device->allocate({DType::kFloat32, {1}});
  auto upload = device->upload(Tensor::from<float>({1}, {1}), **a, {});
  ASSERT_TRUE(upload);
  auto copy = device->copy(**a, **b, {*upload});
  ASSERT_TRUE(copy);
  const Status done = (*copy)->wait();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("injected fault in upload 0"), std::string::npos);
  EXPECT_TRUE(device->misuses().empty());
}

TEST(Executor, AgreesWithTheReferenceOnALateDeviceInAnyOrder) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const Graph graph = RandomNetwork(seed).make();
    const auto inputs = random_inputs(graph, seed + 1);
    const auto expected = reference(graph, inputs);
    const auto device = make_fake_device({.seed = seed, .delay = static_cast<int>(seed % 7)});
    auto outputs = run(graph, inputs, *device);
    ASSERT_TRUE(outputs) << outputs.error().message;
    EXPECT_TRUE(same_bits((*outputs)[0].tensor, expected[0].tensor));
    EXPECT_EQ(device->live_buffers(), 0);
    EXPECT_EQ(device->pending_commands(), 0);
    EXPECT_TRUE(device->misuses().empty()) << device->misuses()[0];
  }
}

// Runs with one fault and expects a clean end: either the right answer, or an error that says what happened.
void expect_clean_end(const Graph& graph, const std::vector<Tensor>& inputs, const FakeOptions& options,
                      const std::string& fault) {
  const auto expected = reference(graph, inputs);
  const auto device = make_fake_device(options);
  auto outputs = run(graph, inputs, *device);
  if (outputs) {
    EXPECT_TRUE(same_bits((*outputs)[0].tensor, expected[0].tensor)) << fault;
  } else {
    EXPECT_NE(outputs.error().message.find("injected fault in " + fault), std::string::npos) << outputs.error().message;
    EXPECT_NE(outputs.error().message.find("on backend 'fake'"), std::string::npos) << outputs.error().message;
  }
  EXPECT_EQ(device->live_buffers(), 0) << fault;
  EXPECT_EQ(device->pending_commands(), 0) << fault;
  EXPECT_TRUE(device->misuses().empty()) << fault << ": " << device->misuses()[0];
}

TEST(Executor, EveryFaultEndsCleanly) {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    const Graph graph = RandomNetwork(seed).make();
    const auto inputs = random_inputs(graph, seed);
    for (int n = 0; n < 30; ++n) {
      const std::string number = " " + std::to_string(n);
      expect_clean_end(graph, inputs, {.seed = seed, .fail_allocation = n}, "allocation" + number);
      expect_clean_end(graph, inputs, {.seed = seed, .fail_upload = n}, "upload" + number);
      expect_clean_end(graph, inputs, {.seed = seed, .fail_download = n}, "download" + number);
      expect_clean_end(graph, inputs, {.seed = seed, .fail_kernel = n}, "kernel" + number);
    }
  }
}

TEST(Executor, AFailedKernelIsNamedNotItsVictims) {
  GraphBuilder b;
  const ValueId x = b.input({3});
  b.output(b.node("Tanh", {b.node("Sigmoid", {b.node("Relu", {x})})}));
  const Graph graph = b.finish();
  const auto device = make_fake_device({.fail_kernel = 1});
  auto outputs = run(graph, random_inputs(graph, 1), *device);
  ASSERT_FALSE(outputs);
  EXPECT_NE(outputs.error().message.find("node 1 'Sigmoid_1' (Sigmoid) on backend 'fake'"), std::string::npos)
      << outputs.error().message;
}

TEST(Executor, WaitsForMemoryBeforeGivingUp) {
  GraphBuilder b;
  ValueId value = b.input({1000});
  for (int i = 0; i < 20; ++i) value = b.node("Relu", {value});
  b.output(value);
  const Graph graph = b.finish();
  const auto inputs = random_inputs(graph, 1);
  // Room for an input and an output of one node, not for the whole chain.
  const auto device = make_fake_device({.memory_bytes = 2 * 4000});
  auto outputs = run(graph, inputs, *device);
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_LE(device->peak_bytes(), 8000U);
  const auto small = make_fake_device({.memory_bytes = 4000});
  auto failed = run(graph, inputs, *small);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kResource);
  EXPECT_EQ(small->live_buffers(), 0);
}

TEST(Executor, ShowsEveryNodeItsInputsAndOutputs) {
  const Graph graph = RandomNetwork(3).make();
  const auto inputs = random_inputs(graph, 1);
  std::vector<std::string> seen;
  RunOptions options;
  options.on_node = [&](const Node& node, std::span<const Tensor* const> operands, std::span<const Tensor> results) {
    seen.push_back(node.name);
    EXPECT_EQ(operands.size(), node.inputs.size());
    EXPECT_EQ(results[0].shape(), graph.values[node.outputs[0]].type->shape);
    return Status();
  };
  ASSERT_TRUE(run(graph, inputs, *make_fake_device({}), options));
  size_t running = 0;
  for (const Node& node : graph.nodes) running += !graph.values[node.outputs[0]].constant.has_value();
  EXPECT_EQ(seen.size(), running);

  options.on_node = [](const Node&, auto, auto) { return Status(usage_error("enough")); };
  const auto device = make_fake_device({});
  auto stopped = run(graph, inputs, *device, options);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().message, "enough");
  EXPECT_EQ(device->live_buffers(), 0);
}

TEST(Executor, RefusesInputsOfAnotherShape) {
  GraphBuilder b;
  b.output(b.node("Relu", {b.input({2, 3})}));
  const Graph graph = b.finish();
  const auto backend = make_reference_backend();
  auto wrong = run(graph, std::vector{Tensor(DType::kFloat32, {3, 2})}, *backend);
  ASSERT_FALSE(wrong);
  EXPECT_NE(
      wrong.error().message.find("input 'x0' has dtype float32 and shape [3, 2], the model wants float32 and [2, 3]"),
      std::string::npos)
      << wrong.error().message;
  EXPECT_FALSE(run(graph, std::vector<Tensor>{}, *backend));
}

TEST(Executor, AnOutputMayBeAnInputOrAConstant) {
  GraphBuilder b;
  const ValueId x = b.input({2}), c = b.floats({1}, {5});
  b.output(x);
  b.output(c);
  b.output(x);
  const Graph graph = b.finish();
  const auto device = make_fake_device({});
  auto outputs = run(graph, std::vector{Tensor::from<float>({2}, {1, 2})}, *device);
  ASSERT_TRUE(outputs) << outputs.error().message;
  ASSERT_EQ(outputs->size(), 3U);
  EXPECT_EQ((*outputs)[1].tensor.data<float>()[0], 5);
  EXPECT_EQ((*outputs)[2].tensor.data<float>()[1], 2);
}

TEST(ReferenceBackend, RefusesMoreMemoryThanItHas) {
  const auto backend = make_reference_backend(100);
  auto buffer = backend->allocate({DType::kFloat32, {20}});
  ASSERT_TRUE(buffer);
  auto more = backend->allocate({DType::kFloat32, {20}});
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().kind, ErrorKind::kResource);
}

}  // namespace
}  // namespace axiom
