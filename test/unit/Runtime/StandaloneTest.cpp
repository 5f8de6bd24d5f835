// A .so that is linked from C code and the runtime's archive only: it loads, runs, and exports nothing but its
// descriptor.
#include "qopt/Runtime/Artifact.h"
#include "gtest/gtest.h"
#include <dlfcn.h>
#include <vector>

namespace {

TEST(Standalone, LoadsAndRuns) {
  void *library = dlopen(QOPT_STANDALONE, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  auto *desc = static_cast<const qopt_artifact_desc *>(dlsym(library, QOPT_DESCRIPTOR_SYMBOL));
  ASSERT_NE(desc, nullptr);
  char error[200];
  qopt_artifact *artifact = desc->api->load(desc, 2, error, sizeof error);
  ASSERT_NE(artifact, nullptr) << error;
  std::vector<float> values(1000, 1.5f);
  values[999] = 1.0f + 0x1p-12f; // float16 does not hold it
  qopt_tensor input = {values.data(), QOPT_FLOAT32, 1, {1000}}, output;
  ASSERT_EQ(desc->api->run(artifact, &input, &output), 0) << desc->api->error(artifact);
  EXPECT_EQ(static_cast<float *>(output.data)[0], 3.0f);
  EXPECT_EQ(static_cast<float *>(output.data)[999], 2.0f);
  desc->api->release(output.data);
  desc->api->free(artifact);
  EXPECT_EQ(dlsym(library, "qopt_rt_run"), nullptr);
  dlclose(library);
}

} // namespace
