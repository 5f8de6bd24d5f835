#include "qopt/Runtime/Artifact.h"
#include "gtest/gtest.h"
#include <cstring>
#include <string>
#include <vector>

namespace {

// A program of two inputs a[N,3] and b[N], float32: c = row sums of a, plus b.
void entry(qopt_rt_context *ctx, const qopt_tensor *inputs, qopt_tensor *outputs) {
  int64_t rows = inputs[0].shape[0];
  auto *a = static_cast<const float *>(inputs[0].data), *b = static_cast<const float *>(inputs[1].data);
  auto *c = static_cast<float *>(qopt_rt_alloc_output(ctx, rows * 4));
  for (int64_t i = 0; i < rows; ++i)
    c[i] = a[3 * i] + a[3 * i + 1] + a[3 * i + 2] + b[i];
  outputs[0] = {c, QOPT_FLOAT32, 1, {rows}};
}

const int64_t shapeA[] = {-1, 3}, shapeB[] = {-1};
const char *const dimsA[] = {"batch", nullptr}, *const dimsB[] = {"batch"};
const qopt_value_desc inputs[] = {{"a", QOPT_FLOAT32, 2, shapeA, dimsA}, {"b", QOPT_FLOAT32, 1, shapeB, dimsB}};
const qopt_value_desc outputs[] = {{"c", QOPT_FLOAT32, 1, shapeB, dimsB}};

qopt_artifact_desc description() {
  return {QOPT_ABI_VERSION,     2, 1, 0, 0, "toy", "x86-64", nullptr, inputs, outputs, nullptr, entry,
          &qopt_rt_artifact_api};
}

struct Call {
  qopt_artifact_desc desc = description();
  qopt_artifact *artifact = qopt_artifact_load(&desc, 1, nullptr, 0);
  std::vector<float> a{1, 2, 3, 4, 5, 6}, b{10, 20};
  qopt_tensor in[2] = {{a.data(), QOPT_FLOAT32, 2, {2, 3}}, {b.data(), QOPT_FLOAT32, 1, {2}}};
  qopt_tensor out = {};

  ~Call() { qopt_artifact_free(artifact); }
  std::string error() {
    EXPECT_EQ(qopt_artifact_run(artifact, in, &out), 1);
    EXPECT_EQ(out.data, nullptr);
    return qopt_artifact_error(artifact);
  }
};

TEST(Artifact, Runs) {
  Call call;
  ASSERT_EQ(qopt_artifact_run(call.artifact, call.in, &call.out), 0);
  EXPECT_EQ(qopt_artifact_error(call.artifact), nullptr);
  EXPECT_EQ(static_cast<float *>(call.out.data)[1], 35);
  qopt_artifact_release(call.out.data);
}

TEST(Artifact, RefusesOtherInputs) {
  {
    Call call;
    call.in[0].dtype = QOPT_INT64;
    EXPECT_EQ(call.error(), "toy: input 'a' is int64, but float32 is needed");
  }
  {
    Call call;
    call.in[1].rank = 2;
    EXPECT_EQ(call.error(), "toy: input 'b' has rank 2, but 1 is needed");
  }
  {
    Call call;
    call.in[0].shape[1] = 4;
    EXPECT_EQ(call.error(), "toy: input 'a' has 4 elements along axis 1, but 3 are needed");
  }
  {
    Call call;
    call.in[1].shape[0] = 5;
    EXPECT_EQ(call.error(), "toy: dim 'batch' is 5 in input 'b', but 2 in input 'a'");
  }
  {
    Call call;
    call.in[1].data = nullptr;
    EXPECT_EQ(call.error(), "toy: input 'b' has no data");
  }
  {
    Call call;
    call.in[1].shape[0] = -2;
    EXPECT_EQ(call.error(), "toy: input 'b' has -2 elements along axis 0");
  }
  {
    Call call;
    call.in[0].shape[0] = INT64_MAX;
    EXPECT_EQ(call.error(), "toy: input 'a' has more elements than 64 bits can count");
  }
  {
    Call call;
    call.in[0].dtype = 99;
    EXPECT_EQ(call.error(), "toy: input 'a' is unknown, but float32 is needed");
  }
}

TEST(Artifact, EmptyInputsNeedNoData) {
  Call call;
  call.in[0] = {nullptr, QOPT_FLOAT32, 2, {0, 3}};
  call.in[1] = {nullptr, QOPT_FLOAT32, 1, {0}};
  ASSERT_EQ(qopt_artifact_run(call.artifact, call.in, &call.out), 0);
  EXPECT_EQ(call.out.shape[0], 0);
  qopt_artifact_release(call.out.data);
}

TEST(Artifact, RefusesOtherMachinesAndAbis) {
  char error[200];
  qopt_artifact_desc desc = description();
  desc.cpu_features = ~qopt_cpu_features() & (uint64_t(1) << 63 | QOPT_CPU_AMX_INT8);
  EXPECT_EQ(qopt_artifact_load(&desc, 1, error, sizeof error), nullptr);
  EXPECT_TRUE(std::strstr(error, "toy was compiled for x86-64, but this CPU lacks ")) << error;
  EXPECT_EQ(qopt_artifact_load(&desc, 1, error, 8), nullptr);
  EXPECT_STREQ(error, "toy was");
  desc = description();
  desc.abi_version = 77;
  EXPECT_EQ(qopt_artifact_load(&desc, 1, error, sizeof error), nullptr);
  EXPECT_TRUE(std::strstr(error, "runtime ABI 77")) << error;
}

TEST(Artifact, TellsShapes) {
  qopt_artifact_desc desc = description();
  int32_t dtype;
  int64_t shape[QOPT_MAX_RANK];
  EXPECT_EQ(qopt_artifact_shape(&desc, 0, 0, &dtype, shape), 2);
  EXPECT_EQ(dtype, QOPT_FLOAT32);
  EXPECT_EQ(shape[0], -1);
  EXPECT_EQ(shape[1], 3);
  EXPECT_EQ(qopt_artifact_shape(&desc, 1, 0, &dtype, shape), 1);
  EXPECT_EQ(qopt_artifact_shape(&desc, 1, 1, &dtype, shape), -1);
  EXPECT_EQ(qopt_artifact_shape(&desc, 0, -1, &dtype, shape), -1);
}

TEST(Cpu, FeaturesAgreeWithTheCompilers) {
  uint64_t features = qopt_cpu_features();
  EXPECT_EQ((features & QOPT_CPU_AVX2) != 0, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ((features & QOPT_CPU_FMA) != 0, __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ((features & QOPT_CPU_AVX512F) != 0, __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ((features & QOPT_CPU_AVX512VNNI) != 0, __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_STREQ(qopt_cpu_feature_name(QOPT_CPU_AVX512VNNI), "avx512vnni");
  EXPECT_EQ(qopt_cpu_feature_name(3), nullptr);
  EXPECT_EQ(qopt_cpu_feature_name(uint64_t(1) << 62), nullptr);
}

} // namespace
