// Files of numpy's own are in check_npz.py; here is what does not need numpy.
#include "qopt/Support/Npy.h"
#include "TestFolder.h"
#include "qopt/Support/Timer.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

Tensor counting(int64_t rows, int64_t columns) {
  Tensor tensor = cantFail(Tensor::allocate(DType::Int32, {rows, columns}));
  for (int64_t i = 0; i < rows * columns; ++i)
    tensor.mutableValues<int32_t>()[i] = static_cast<int32_t>(i);
  return tensor;
}

TEST(Npy, RoundTrips) {
  TestFolder folder;
  std::string path = folder.path("a.npy");
  cantFail(writeNpy(path, counting(3, 4)));
  Tensor back = cantFail(readNpy(path));
  EXPECT_EQ(back.values<int32_t>(), counting(3, 4).values<int32_t>());
  EXPECT_FALSE(back.isWritable()); // mapped
  auto rows = cantFail(openNpyRows(path));
  EXPECT_EQ(cantFail(rows->read(1, 3)).values<int32_t>()[0], 4);
  EXPECT_TRUE(errorToBool(rows->read(1, 4).takeError()));
}

TEST(Npy, NarrowFloats) {
  TestFolder folder;
  std::string path = folder.path("a.npy");
  Tensor bf16 = cantFail(Tensor::copy(DType::BFloat16, {2}, {1, 2, 3, 4}));
  cantFail(writeNpy(path, bf16));
  EXPECT_EQ(cantFail(readNpy(path)).dtype(), DType::BFloat16);
  EXPECT_EQ(cantFail(readNpy(path, DType::Float16)).dtype(), DType::Float16);
  cantFail(writeNpy(path, cantFail(Tensor::copy(DType::Float8E4M3FN, {2}, {1, 2}))));
  EXPECT_TRUE(errorToBool(readNpy(path).takeError()));
  EXPECT_EQ(cantFail(readNpy(path, DType::Float8E4M3FN)).values<uint8_t>()[1], 2);
}

TEST(Npy, CutShort) {
  TestFolder folder;
  std::string path = folder.path("a.npy");
  cantFail(writeNpy(path, counting(3, 4)));
  folder.write("a.npy", StringRef(folder.read("a.npy")).drop_back(5));
  EXPECT_EQ(toString(readNpy(path).takeError()), path + " is cut short: its array needs 48 bytes, but 43 are there");
}

TEST(Npz, RowsGoForthAndBack) {
  TestFolder folder;
  for (bool deflate : {false, true}) {
    std::string path = folder.path("a.npz");
    cantFail(writeNpz(path, {{"x", counting(100, 7)}, {"y", counting(2, 2)}}, deflate));
    auto reader = cantFail(NpzReader::open(path));
    EXPECT_EQ(reader->names(), ArrayRef<std::string>({"x", "y"}));
    auto rows = cantFail(reader->rows("x"));
    for (int64_t begin : {int64_t(0), int64_t(40), int64_t(99), int64_t(3)})
      EXPECT_EQ(cantFail(rows->read(begin, begin + 1)).values<int32_t>()[6], begin * 7 + 6);
    EXPECT_EQ(cantFail(rows->read(5, 5)).numElements(), 0);
    EXPECT_EQ(toString(reader->read("z").takeError()), path + " has no array 'z'; it has x, y");
  }
}

TEST(Npz, BytesDependOnTheArraysAlone) {
  std::string first, second;
  for (std::string *out : {&first, &second}) {
    raw_string_ostream os(*out);
    cantFail(writeNpz(os, {{"x", counting(10, 7)}}, true));
  }
  EXPECT_EQ(first, second);
}

TEST(Npz, MemoryDoesNotGrowWithTheRows) {
  TestFolder folder;
  std::string path = folder.path("a.npz");
  for (bool deflate : {false, true}) {
    cantFail(writeNpz(path, {{"x", cantFail(Tensor::allocate(DType::Float32, {1024, 16384}))}}, deflate)); // 64 MiB
    auto rows = cantFail(cantFail(NpzReader::open(path))->rows("x"));
    int64_t before = residentBytes();
    int64_t most = 0;
    for (int64_t row = 0; row < 1024; row += 16) {
      cantFail(rows->read(row, row + 16));
      most = std::max(most, residentBytes());
    }
    EXPECT_LT(most - before, 16 << 20) << deflate;
  }
}

} // namespace
