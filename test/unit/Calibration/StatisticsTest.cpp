#include "qopt/Calibration/Statistics.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <gtest/gtest.h>

#include <random>

using namespace qopt;

namespace {

std::string temporary(const char *name) {
  llvm::SmallString<128> path;
  llvm::sys::fs::createUniquePath(std::string("qopt-%%%%%%-") + name, path, /*MakeAbsolute=*/true);
  return std::string(path);
}

std::string contents(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

Statistics statisticsOf(llvm::ArrayRef<std::pair<int64_t, std::vector<float>>> samples) {
  Statistics statistics;
  statistics.modelHash = "m";
  statistics.sites.emplace_back(SiteInfo{"a", 1});
  statistics.sites.emplace_back(SiteInfo{"never", -1});
  for (const auto &[index, values] : samples) {
    statistics.sites[0].add(values, {1, 4, static_cast<int64_t>(values.size()) / 4}, index, 1);
    statistics.samples += 1;
    auto tensor = Tensor::of<float>(values, {1, 4, static_cast<int64_t>(values.size()) / 4});
    statistics.dataHash.addSample(index, *tensor);
  }
  return statistics;
}

std::vector<std::pair<int64_t, std::vector<float>>> randomSamples(int count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.5f, 3.0f);
  std::vector<std::pair<int64_t, std::vector<float>>> samples;
  for (int i = 0; i < count; ++i) {
    std::vector<float> values(40);
    for (float &v : values)
      v = normal(random) * static_cast<float>(1 + i);
    samples.emplace_back(i, values);
  }
  return samples;
}

TEST(Statistics, ShardsMergeToTheBytesOfOneRun) {
  auto samples = randomSamples(7);
  Statistics whole = statisticsOf(samples);
  Statistics first = statisticsOf(llvm::ArrayRef(samples).take_front(3));
  Statistics second = statisticsOf(llvm::ArrayRef(samples).drop_front(3));
  ASSERT_FALSE(static_cast<bool>(second.merge(first)));
  std::string a = temporary("whole"), b = temporary("merged");
  ASSERT_FALSE(static_cast<bool>(writeStatistics(a, whole)));
  ASSERT_FALSE(static_cast<bool>(writeStatistics(b, second)));
  EXPECT_EQ(contents(a), contents(b));
  llvm::sys::fs::remove(a);
  llvm::sys::fs::remove(b);
}

TEST(Statistics, FileRoundTrips) {
  Statistics whole = statisticsOf(randomSamples(3));
  std::string path = temporary("stats");
  ASSERT_FALSE(static_cast<bool>(writeStatistics(path, whole)));
  auto read = readStatistics(path);
  ASSERT_TRUE(static_cast<bool>(read));
  EXPECT_EQ(read->samples, 3);
  EXPECT_EQ(read->dataHash, whole.dataHash);
  ASSERT_NE(read->find("a"), nullptr);
  EXPECT_EQ(read->find("a")->histogram, whole.sites[0].histogram);
  EXPECT_EQ(read->find("a")->moments, whole.sites[0].moments);
  EXPECT_FALSE(read->find("never")->reached());
  EXPECT_EQ(read->find("b"), nullptr);
  llvm::sys::fs::remove(path);
}

TEST(Statistics, DamagedFilesAreRefusedAtEveryLength) {
  std::string path = temporary("cut"), cut = temporary("cut2");
  ASSERT_FALSE(static_cast<bool>(writeStatistics(path, statisticsOf(randomSamples(2)))));
  std::string bytes = contents(path);
  for (size_t length : {size_t(0), size_t(5), size_t(12), size_t(20), size_t(60), bytes.size() / 2, bytes.size() - 1}) {
    std::error_code code;
    llvm::raw_fd_ostream(cut, code) << llvm::StringRef(bytes).take_front(length);
    auto read = readStatistics(cut);
    EXPECT_FALSE(static_cast<bool>(read)) << length;
    llvm::consumeError(read.takeError());
  }
  llvm::sys::fs::remove(path);
  llvm::sys::fs::remove(cut);
}

TEST(Statistics, ArraysAreNotShared) {
  std::string path = temporary("shared");
  ASSERT_FALSE(static_cast<bool>(writeStatistics(path, statisticsOf(randomSamples(1)))));
  std::string bytes = contents(path);
  // Points at the first array, in as many characters as before.
  size_t at = bytes.find("\"ranges\":[");
  ASSERT_NE(at, std::string::npos);
  size_t first = at + 10, digits = bytes.find(',', first) - first;
  bytes.replace(first, digits, std::string(digits - 1, ' ') + "0");
  std::error_code code;
  llvm::raw_fd_ostream(path, code) << bytes;
  auto read = readStatistics(path);
  ASSERT_FALSE(static_cast<bool>(read));
  EXPECT_NE(llvm::toString(read.takeError()).find("'ranges' does not begin where"), std::string::npos);
  llvm::sys::fs::remove(path);
}

TEST(Statistics, AnotherModelIsRefused) {
  Statistics a = statisticsOf(randomSamples(1)), b = statisticsOf(randomSamples(1));
  b.modelHash = "other";
  llvm::Error error = a.merge(b);
  ASSERT_TRUE(static_cast<bool>(error));
  EXPECT_NE(llvm::toString(std::move(error)).find("different models"), std::string::npos);
}

TEST(Statistics, RangesByMethod) {
  Statistics s = statisticsOf(randomSamples(5));
  RangeChoice choice;
  ::qopt::ValueRange all = chooseRange(s.sites[0], choice);
  for (RangeMethod method : {RangeMethod::MovingAverage, RangeMethod::Percentile, RangeMethod::MSE, RangeMethod::Entropy}) {
    choice.method = method;
    choice.percent = 90;
    ::qopt::ValueRange range = chooseRange(s.sites[0], choice);
    EXPECT_GE(range.min, all.min);
    EXPECT_LE(range.max, all.max);
    EXPECT_LT(range.min, range.max);
    EXPECT_EQ(parseRangeMethod(rangeMethodName(method)), method);
  }
  EXPECT_FALSE(parseRangeMethod("maxmin"));
}

} // namespace
