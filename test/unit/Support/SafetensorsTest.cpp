#include "qopt/Support/Safetensors.h"
#include "TestFolder.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace qopt;

namespace {

std::string withHeader(StringRef header, StringRef data) {
  std::string file(8, '\0');
  for (int i = 0; i < 8; ++i)
    file[i] = static_cast<char>(header.size() >> (8 * i));
  return file + header.str() + data.str();
}

class SafetensorsTest : public testing::Test {
protected:
  std::string errorOf(StringRef header, StringRef data) {
    folder.write("bad", withHeader(header, data));
    auto reader = SafetensorsReader::open(folder.path("bad"));
    if (reader)
      return "opened";
    std::string message = toString(reader.takeError());
    StringRef rest = message;
    EXPECT_TRUE(rest.consume_front(folder.path("bad") + ": ")) << message;
    return rest.str();
  }
  TestFolder folder;
};

TEST_F(SafetensorsTest, RoundTrips) {
  std::string path = folder.path("model.safetensors");
  Tensor a = cantFail(Tensor::of<float>({1, 2, 3, 4}, {2, 2}));
  Tensor b = cantFail(Tensor::copy(DType::Float8E4M3FN, {3}, {1, 2, 3}));
  Tensor c = cantFail(Tensor::allocate(DType::Int64, {0, 5}));
  cantFail(writeSafetensors(path, {{"a", a}, {"b", b}, {"c", c}}, {{"format", "pt"}}));
  auto reader = cantFail(SafetensorsReader::open(path));
  EXPECT_EQ(reader->names().size(), 3u);
  EXPECT_EQ(cantFail(reader->read("a")).values<float>(), a.values<float>());
  EXPECT_EQ(cantFail(reader->read("b")).typeString(), "float8_e4m3fn[3]");
  EXPECT_EQ(cantFail(reader->read("c")).typeString(), "int64[0,5]");
  EXPECT_EQ(reader->metadata().at("format"), "pt");
  EXPECT_EQ(toString(reader->read("d").takeError()), path + " has no tensor 'd'");
  EXPECT_FALSE(cantFail(reader->read("a")).isWritable()); // mapped: aligned as it lies in the file
}

TEST_F(SafetensorsTest, RefusesDamage) {
  EXPECT_EQ(errorOf("[]", ""), "its header is no JSON object");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"F32","shape":[1]}})", ""),
            "tensor 'a' lacks a dtype, a shape or two data_offsets");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", "12345678"),
            "tensor 'a' has the dtype C64, which cannot be read");
  StringRef sizes = "tensor 'a' needs 4 bytes, but its data_offsets give others or leave the file";
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}})", "1234"), sizes);
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "1234"), sizes);
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", "1234"), sizes);
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234"),
            "tensor 'a' has a dim that is no count");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                    R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                    "123"),
            "tensor 'b' overlaps another one or leaves a gap before it");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "123"),
            "it has 1 bytes after its last tensor");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", ""),
            "tensor 'a': shape [4611686018427387904,4] has more elements than 64 bits can count");
  folder.write("short", "1234");
  EXPECT_EQ(toString(SafetensorsReader::open(folder.path("short")).takeError()),
            folder.path("short") + ": it is too short for a safetensors file");
  folder.write("cut", StringRef("\xff\0\0\0\0\0\0\0{", 9));
  EXPECT_NE(toString(SafetensorsReader::open(folder.path("cut")).takeError()).find("255 bytes does not fit"),
            std::string::npos);
}

TEST_F(SafetensorsTest, RefusesToWriteWhatItCannotHold) {
  std::string path = folder.path("out");
  Tensor nibbles = cantFail(Tensor::allocate(DType::Int4, {2}));
  EXPECT_EQ(toString(writeSafetensors(path, {{"w", nibbles}})),
            "tensor 'w' is int4, which safetensors cannot hold; pack it into uint8 first");
  Tensor bytes = cantFail(Tensor::allocate(DType::Int8, {2}));
  EXPECT_EQ(toString(writeSafetensors(path, {{"w", bytes}, {"w", bytes}})), "two tensors have the name 'w'");
  EXPECT_EQ(folder.countFiles(), 0u);
}

} // namespace
