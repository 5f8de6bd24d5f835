#include "qopt/Support/Tensor.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

std::string messageOf(Error error) { return toString(std::move(error)); }

TEST(DType, CodesAreOnnx) {
  EXPECT_EQ(static_cast<int>(DType::Float32), 1);
  EXPECT_EQ(static_cast<int>(DType::Float8E8M0), 24);
  EXPECT_FALSE(isKnownDType(0));
  EXPECT_FALSE(isKnownDType(14)); // complex64
  EXPECT_FALSE(isKnownDType(int64_t(1) << 40));
  for (int code = 1; code <= 26; ++code)
    if (isKnownDType(code)) {
      EXPECT_EQ(dtypeByName(name(DType(code))), DType(code));
    }
}

TEST(DType, SubByteTypesTakeAByte) {
  EXPECT_EQ(bits(DType::Int4), 4u);
  EXPECT_EQ(storageBytes(DType::Int4), 1u);
  EXPECT_EQ(storageBytes(DType::Float4E2M1), 1u);
  EXPECT_TRUE(isStorageOf<int8_t>(DType::Int2));
  EXPECT_FALSE(isStorageOf<int8_t>(DType::UInt2));
  EXPECT_TRUE(isStorageOf<uint8_t>(DType::Float8E5M2));
  EXPECT_TRUE(isStorageOf<uint16_t>(DType::BFloat16));
  EXPECT_FALSE(isStorageOf<float>(DType::Int32));
}

TEST(DType, CountsAreChecked) {
  EXPECT_EQ(cantFail(countElements({})), 1);
  EXPECT_EQ(cantFail(countElements({3, 0, INT64_MAX, INT64_MAX})), 0);
  EXPECT_EQ(messageOf(countElements({INT64_MAX, 2}).takeError()),
            "shape [9223372036854775807,2] has more elements than 64 bits can count");
  EXPECT_FALSE(errorToBool(countElements({INT64_MAX}).takeError()));
  EXPECT_TRUE(errorToBool(countBytes(DType::Float64, {INT64_MAX}).takeError()));
  EXPECT_TRUE(errorToBool(countElements({2, -1}).takeError()));
}

TEST(Tensor, OwnedBytesAreAlignedAndZero) {
  for (int64_t size : {0, 1, 5, 1 << 22}) {
    Tensor tensor = cantFail(Tensor::allocate(DType::Float32, {size}));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
    EXPECT_TRUE(all_of(tensor.bytes(), [](uint8_t byte) { return byte == 0; }));
    EXPECT_TRUE(tensor.isWritable());
  }
  EXPECT_TRUE(errorToBool(Tensor::allocate(DType::Float32, {int64_t(1) << 60}).takeError()));
}

TEST(Tensor, SlicesShareTheBytes) {
  Tensor tensor = cantFail(Tensor::of<int32_t>({0, 1, 2, 3, 4, 5}, {3, 2}));
  Tensor rows = cantFail(tensor.slice(1, 3));
  EXPECT_EQ(rows.values<int32_t>(), ArrayRef<int32_t>({2, 3, 4, 5}));
  EXPECT_EQ(rows.data(), tensor.values<int32_t>().data() + 2);
  EXPECT_EQ(cantFail(tensor.slice(2, 2)).numElements(), 0);
  EXPECT_EQ(messageOf(tensor.slice(1, 4).takeError()), "rows [1, 4) lie outside int32[3,2]");
  EXPECT_EQ(messageOf(cantFail(tensor.reshape({6})).reshape({4}).takeError()),
            "int32[6] cannot be seen as [4]: the sizes differ");
}

TEST(Tensor, BorrowedBytesLiveThroughTheirOwner) {
  auto bytes = std::make_shared<std::vector<uint8_t>>(9, 7);
  std::weak_ptr<void> watch = bytes;
  {
    Tensor tensor = cantFail(Tensor::borrow(DType::UInt8, {9}, *bytes, bytes));
    bytes.reset();
    EXPECT_FALSE(watch.expired());
    EXPECT_FALSE(tensor.isWritable());
    EXPECT_EQ(tensor.values<uint8_t>()[8], 7);
    EXPECT_TRUE(cantFail(tensor.clone()).isWritable());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Tensor, UnalignedBytesAreCopied) {
  alignas(8) uint8_t raw[9] = {0, 1, 0, 0, 0, 2, 0, 0, 0};
  Tensor tensor = cantFail(Tensor::borrow(DType::Int32, {2}, ArrayRef(raw).drop_front(), nullptr));
  EXPECT_EQ(tensor.values<int32_t>(), ArrayRef<int32_t>({1, 2}));
  EXPECT_EQ(messageOf(Tensor::borrow(DType::Int32, {2}, raw, nullptr).takeError()),
            "int32[2] needs 8 bytes, but 9 are there");
}

TEST(Tensor, ConcatenatesRows) {
  Tensor a = cantFail(Tensor::of<float>({1, 2}, {1, 2}));
  Tensor b = cantFail(Tensor::of<float>({3, 4, 5, 6}, {2, 2}));
  Tensor both = cantFail(Tensor::concat({a, b}));
  EXPECT_EQ(both.shape(), ArrayRef<int64_t>({3, 2}));
  EXPECT_EQ(both.values<float>(), ArrayRef<float>({1, 2, 3, 4, 5, 6}));
  Tensor c = cantFail(Tensor::of<float>({1, 2, 3}, {1, 3}));
  EXPECT_EQ(messageOf(Tensor::concat({a, c}).takeError()),
            "float32[1,3] cannot follow float32[1,2] along the first axis");
  EXPECT_TRUE(errorToBool(Tensor::concat({}).takeError()));
  Tensor scalar = cantFail(Tensor::of<float>({1}, {}));
  EXPECT_TRUE(errorToBool(Tensor::concat({scalar}).takeError()));
  EXPECT_TRUE(errorToBool(Tensor::concat({a, scalar}).takeError()));
}

TEST(Tensor, StringsSliceAndConcatenate) {
  Tensor words = cantFail(Tensor::ofStrings({"a", "b", "c"}, {3}));
  Tensor tail = cantFail(words.slice(1, 3));
  EXPECT_EQ(tail.strings(), ArrayRef<std::string>({"b", "c"}));
  EXPECT_EQ(cantFail(Tensor::concat({tail, words})).strings().size(), 5u);
  EXPECT_TRUE(errorToBool(Tensor::ofStrings({"a"}, {2}).takeError()));
}

TEST(Tensor, TypesAreNamedInErrors) {
  Tensor tensor = cantFail(Tensor::of<float>({1}, {1}));
  EXPECT_EQ(messageOf(tensor.expectValues<int64_t>("input 'ids'").takeError()),
            "input 'ids' holds float32, but int64 is needed");
}

} // namespace
