#include "qopt/Support/MappedFile.h"
#include "TestFolder.h"
#include "gtest/gtest.h"
#include "llvm/Support/MemoryBuffer.h"
#include <fcntl.h>
#include <numeric>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace qopt;

namespace {

class MappedFileTest : public testing::Test {
protected:
  void SetUp() override {
    folder.makeFolder("model/sub");
    folder.write("model/weights.bin", "0123456789");
    folder.write("model/sub/more.bin", "abc");
    folder.write("model/empty.bin", "");
    folder.write("secret", "secret");
    top = folder.path("model");
  }

  std::string errorOf(StringRef location) {
    auto file = MappedFile::openBeneath(top, location);
    return file ? "opened " + (*file)->text().str() : toString(file.takeError());
  }

  TestFolder folder;
  std::string top;
};

TEST_F(MappedFileTest, OpensFilesBeneath) {
  EXPECT_EQ(errorOf("weights.bin"), "opened 0123456789");
  EXPECT_EQ(errorOf("sub/more.bin"), "opened abc");
  EXPECT_EQ(errorOf("./sub//more.bin"), "opened abc");
  EXPECT_EQ(errorOf("empty.bin"), "opened ");
}

TEST_F(MappedFileTest, RefusesWhatLeavesTheFolder) {
  std::string tail = "; data must lie in the model's folder, " + top + ", under a relative name";
  EXPECT_EQ(errorOf(""), "external file '' is empty" + tail);
  EXPECT_EQ(errorOf("../secret"), "external file '../secret' leaves the folder by '..'" + tail);
  EXPECT_EQ(errorOf("a/../../b"), "external file 'a/../../b' leaves the folder by '..'" + tail);
  EXPECT_EQ(errorOf("sub/.."), "external file 'sub/..' leaves the folder by '..'" + tail);
  EXPECT_EQ(errorOf(folder.path("secret")), "external file '" + folder.path("secret") + "' is absolute" + tail);
  EXPECT_EQ(errorOf(StringRef("weights.bin\0x", 13)), "external file 'weights.bin' holds a NUL" + tail);
}

TEST_F(MappedFileTest, RefusesLinks) {
  ASSERT_EQ(symlink("../secret", folder.path("model/link").c_str()), 0);
  ASSERT_EQ(symlink("weights.bin", folder.path("model/inside").c_str()), 0);
  ASSERT_EQ(symlink("..", folder.path("model/up").c_str()), 0);
  ASSERT_EQ(link(folder.path("secret").c_str(), folder.path("model/hard").c_str()), 0);
  for (StringRef location : {"link", "inside", "up/secret"})
    EXPECT_EQ(errorOf(location),
              "external file '" + location.str() +
                  "' is or passes through a symbolic link; put the file itself there (looked for in " + top + ")");
  EXPECT_NE(errorOf("hard").find("has further hard links"), std::string::npos);
}

TEST_F(MappedFileTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(mkfifo(folder.path("model/fifo").c_str(), 0600), 0);
  EXPECT_EQ(errorOf("fifo"), top + "/fifo is not a regular file");
  EXPECT_EQ(errorOf("sub"), top + "/sub is not a regular file");
  EXPECT_EQ(errorOf("none"),
            "external file 'none' cannot be opened: No such file or directory (looked for in " + top + ")");
  EXPECT_EQ(errorOf("weights.bin/x"),
            "external file 'weights.bin/x' cannot be opened: Not a directory (looked for in " + top + ")");
}

TEST_F(MappedFileTest, ComponentWalkAgrees) {
  ASSERT_EQ(symlink("..", folder.path("model/up").c_str()), 0);
  ASSERT_EQ(symlink("../secret", folder.path("model/link").c_str()), 0);
  auto opens = [&](StringRef location) {
    int file = qopt::detail::openBeneathByComponent(top.c_str(), location);
    if (file >= 0)
      close(file);
    return file >= 0;
  };
  EXPECT_TRUE(opens("weights.bin"));
  EXPECT_TRUE(opens("sub/more.bin"));
  EXPECT_FALSE(opens("up/secret"));
  EXPECT_EQ(errno, ELOOP);
  EXPECT_FALSE(opens("link"));
  EXPECT_EQ(errno, ELOOP);
  EXPECT_FALSE(opens("none/x"));
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(MappedFileTest, RangesAreChecked) {
  auto file = cantFail(MappedFile::open(folder.path("model/weights.bin")));
  EXPECT_EQ(cantFail(file->range(3, 2))[0], '3');
  EXPECT_EQ(cantFail(file->range(10, 0)).size(), 0u);
  EXPECT_EQ(toString(file->range(8, 3).takeError()), "bytes 8 to 8+3 lie outside " + file->path() + ", which has 10");
  EXPECT_TRUE(errorToBool(file->range(UINT64_MAX, 2).takeError()));
  EXPECT_TRUE(errorToBool(file->range(2, UINT64_MAX).takeError()));
}

/// Resident pages of files, of this process alone.
long residentFilePages() {
  auto text = llvm::MemoryBuffer::getFileAsStream("/proc/self/statm");
  llvm::SmallVector<llvm::StringRef> fields;
  (*text)->getBuffer().split(fields, ' ');
  long pages = 0;
  fields[2].getAsInteger(10, pages);
  return pages;
}

TEST_F(MappedFileTest, ReleasedPagesLeaveAndComeBack) {
  constexpr size_t size = 4 << 20;
  folder.write("model/large.bin", std::string(size, 'x'));
  auto file = cantFail(MappedFile::open(folder.path("model/large.bin")));
  auto sum = [&] { return std::accumulate(file->bytes().begin(), file->bytes().end(), size_t(0)); };
  size_t before = sum();
  long touched = residentFilePages();
  releasePages(file->bytes().drop_front(100));
  EXPECT_LT(residentFilePages(), touched - 900);
  EXPECT_EQ(sum(), before);
}

TEST_F(MappedFileTest, ReleaseLeavesOtherMemoryAlone) {
  std::vector<uint8_t> heap(1 << 20, 7);
  releasePages(heap);
  EXPECT_EQ(std::count(heap.begin(), heap.end(), 7), 1 << 20);
}

} // namespace
