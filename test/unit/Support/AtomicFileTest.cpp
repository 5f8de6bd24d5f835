#include "qopt/Support/AtomicFile.h"
#include "TestFolder.h"
#include "gtest/gtest.h"
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace qopt;

namespace {

TEST(AtomicFile, AppearsOnCommit) {
  TestFolder folder;
  folder.write("out", "old");
  auto file = cantFail(AtomicFile::create(folder.path("out")));
  file->os() << "new";
  EXPECT_EQ(folder.read("out"), "old");
  cantFail(file->commit());
  file.reset();
  EXPECT_EQ(folder.read("out"), "new");
  EXPECT_EQ(folder.countFiles(), 1u);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  TestFolder folder;
  folder.write("out", "old");
  cantFail(AtomicFile::create(folder.path("out")))->os() << "half";
  EXPECT_EQ(folder.read("out"), "old");
  EXPECT_EQ(folder.countFiles(), 1u);
}

TEST(AtomicFile, WritesThroughLinksAndModes) {
  TestFolder folder;
  folder.write("real", "old");
  ASSERT_EQ(symlink("real", folder.path("link").c_str()), 0);
  auto file = cantFail(AtomicFile::create(folder.path("link"), {}, 0777));
  file->os() << "new";
  cantFail(file->commit());
  EXPECT_EQ(folder.read("real"), "new");
  struct stat status;
  ASSERT_EQ(stat(folder.path("real").c_str(), &status), 0);
  EXPECT_TRUE(status.st_mode & S_IXUSR);
}

TEST(AtomicFile, RefusesTheInput) {
  TestFolder folder;
  folder.write("model.onnx", "m");
  ASSERT_EQ(symlink("model.onnx", folder.path("alias").c_str()), 0);
  std::string input = folder.path("model.onnx"), output = folder.path("alias");
  EXPECT_EQ(toString(AtomicFile::create(output, {input}).takeError()),
            "the output " + output + " is the input " + input + "; write to another name");
}

TEST(AtomicFile, SaysWhyItCannotWrite) {
  TestFolder folder;
  folder.makeFolder("sub");
  std::string sub = folder.path("sub"), deep = folder.path("none/out");
  EXPECT_EQ(toString(AtomicFile::create(sub).takeError()), "cannot write " + sub + ": it is a folder");
  EXPECT_EQ(toString(AtomicFile::create(deep).takeError()),
            "cannot write " + deep + ": the folder " + folder.path("none") + " does not exist");
  EXPECT_EQ(toString(AtomicFile::create("").takeError()), "the output's name is empty or holds a NUL");
}

TEST(AtomicFile, ReportsAFullDisk) {
  auto file = cantFail(AtomicFile::create("/dev/full"));
  file->os() << "anything";
  EXPECT_EQ(toString(file->commit()), "cannot write /dev/full: No space left on device; nothing was changed");
}

TEST(AtomicFolder, AppearsOnCommit) {
  TestFolder folder;
  {
    auto dropped = cantFail(AtomicFolder::create(folder.path("out")));
    std::error_code error;
    raw_fd_ostream(dropped->path() + "/a", error) << "x";
  }
  EXPECT_EQ(folder.countFiles(), 0u);
  auto kept = cantFail(AtomicFolder::create(folder.path("out/")));
  std::error_code error;
  raw_fd_ostream(kept->path() + "/a", error) << "x";
  cantFail(kept->commit());
  EXPECT_EQ(folder.read("out/a"), "x");
  EXPECT_EQ(toString(AtomicFolder::create(folder.path("out")).takeError()),
            "the output " + folder.path("out") + " exists already; remove it or write to another name");
}

} // namespace
