#include "qopt/Calibration/SampleSource.h"

#include "qopt/Support/Npy.h"

#include "llvm/Support/FileSystem.h"

#include <gtest/gtest.h>

#include <limits>

using namespace qopt;

namespace {

class SampleSourceTest : public ::testing::Test {
protected:
  void SetUp() override {
    llvm::sys::fs::createUniqueDirectory("qopt-samples", folder);
    specs.push_back({"x", DType::Float32, {-1, 2}, {}});
    specs.push_back({"n", DType::Int64, {-1}, {}});
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string file(const char *name) const { return (folder + "/" + name).str(); }
  std::string write(const char *name, std::vector<float> x, std::vector<int64_t> n) const {
    std::vector<NamedTensor> arrays;
    arrays.push_back({"x", *Tensor::of<float>(x, {static_cast<int64_t>(x.size() / 2), 2})});
    arrays.push_back({"n", *Tensor::of<int64_t>(n, {static_cast<int64_t>(n.size())})});
    EXPECT_FALSE(static_cast<bool>(writeNpz(llvm::StringRef(file(name)), arrays)));
    return file(name);
  }
  std::string openError(const std::string &path) const {
    auto source = SampleSource::open(path, specs);
    return source ? "" : llvm::toString(source.takeError());
  }

  llvm::SmallString<128> folder;
  llvm::SmallVector<ValueSpec> specs;
};

TEST_F(SampleSourceTest, ReadsBatchesOfAnArchive) {
  auto source = SampleSource::open(write("a.npz", {1, 2, 3, 4, 5, 6}, {7, 8, 9}), specs);
  ASSERT_TRUE(static_cast<bool>(source));
  EXPECT_EQ((*source)->size(), 3);
  auto batch = (*source)->read(1, 3);
  ASSERT_TRUE(static_cast<bool>(batch));
  EXPECT_EQ((*batch)[0].values<float>()[0], 3);
  EXPECT_EQ((*batch)[1].values<int64_t>()[1], 9);
}

TEST_F(SampleSourceTest, SaysWhatDoesNotFit) {
  EXPECT_NE(openError(write("a.npz", {1, 2, 3, 4}, {7})).find("holds 1 samples, the others 2"), std::string::npos);
  EXPECT_NE(openError(write("b.npz", {}, {})).find("no samples"), std::string::npos);
  specs[0].name = "y";
  EXPECT_NE(openError(write("c.npz", {1, 2}, {7})).find("no array named 'y'"), std::string::npos);
  specs[0] = {"x", DType::Float32, {-1, 3}, {}};
  EXPECT_NE(openError(file("c.npz")).find("2 elements along axis 1"), std::string::npos);
  specs[0] = {"x", DType::Int32, {-1, 2}, {}};
  EXPECT_NE(openError(file("c.npz")).find("holds float32, but the model takes int32"), std::string::npos);
  EXPECT_NE(openError(file("missing.npz")).find("missing.npz"), std::string::npos);
}

TEST_F(SampleSourceTest, NamesTheSampleThatIsNotFinite) {
  auto source = SampleSource::open(write("a.npz", {1, 2, 3, std::numeric_limits<float>::quiet_NaN()}, {7, 8}), specs);
  ASSERT_TRUE(static_cast<bool>(source));
  auto batch = (*source)->read(0, 2);
  ASSERT_FALSE(static_cast<bool>(batch));
  EXPECT_NE(llvm::toString(batch.takeError()).find("sample 1 holds a NaN"), std::string::npos);
}

TEST_F(SampleSourceTest, ReadsAFolderOneSampleAtATime) {
  write("s0.npz", {1, 2, 3, 4}, {7, 8});
  write("s1.npz", {5, 6}, {9});
  auto source = SampleSource::open(folder.str(), specs);
  ASSERT_TRUE(static_cast<bool>(source));
  EXPECT_EQ((*source)->size(), 2);
  EXPECT_FALSE((*source)->canBatch());
  auto second = (*source)->read(1, 2);
  ASSERT_TRUE(static_cast<bool>(second));
  EXPECT_EQ((*second)[0].dim(0), 1);
}

TEST_F(SampleSourceTest, CutsSequences) {
  specs[0].shape = {-1, -1};
  auto source = SampleSource::open(write("a.npz", {1, 2, 3, 4, 5, 6}, {7, 8, 9}), specs);
  ASSERT_TRUE(static_cast<bool>(source));
  auto cut = cutSamples(std::move(*source), specs, 1);
  ASSERT_TRUE(static_cast<bool>(cut));
  EXPECT_EQ((*cut)->size(), 3);
  auto batch = (*cut)->read(1, 3);
  ASSERT_TRUE(static_cast<bool>(batch));
  EXPECT_EQ((*batch)[0].shape(), (llvm::ArrayRef<int64_t>{2, 1}));
  EXPECT_EQ((*batch)[0].values<float>(), (llvm::ArrayRef<float>{3, 5}));
  EXPECT_EQ((*batch)[1].values<int64_t>(), (llvm::ArrayRef<int64_t>{8, 9}));
}

TEST_F(SampleSourceTest, RefusesToCutWhatHasNoLength) {
  auto source = SampleSource::open(write("a.npz", {1, 2}, {7}), specs);
  ASSERT_TRUE(static_cast<bool>(source));
  auto cut = cutSamples(std::move(*source), specs, 1);
  ASSERT_FALSE(static_cast<bool>(cut));
  EXPECT_NE(llvm::toString(cut.takeError()).find("max_length"), std::string::npos);
}

TEST_F(SampleSourceTest, HashesAddUp) {
  DataHash whole, a, b;
  auto x = Tensor::of<float>(llvm::ArrayRef<float>{1, 2}, {1, 2}), y = Tensor::of<float>(llvm::ArrayRef<float>{3, 4}, {1, 2});
  whole.addSample(0, *x);
  whole.addSample(1, *y);
  a.addSample(0, *x);
  b.addSample(1, *y);
  b.combine(a);
  EXPECT_EQ(whole, b);
  EXPECT_EQ(DataHash::parse(whole.hex()), whole);
  DataHash swapped;
  swapped.addSample(1, *x);
  swapped.addSample(0, *y);
  EXPECT_NE(swapped, whole);
}

} // namespace
