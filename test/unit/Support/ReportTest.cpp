// Hashes, JSON and how deep it nests, versions and progress.
#include "TestFolder.h"
#include "qopt/Support/Hash.h"
#include "qopt/Support/Json.h"
#include "qopt/Support/Nesting.h"
#include "qopt/Support/Progress.h"
#include "qopt/Support/Version.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace llvm;
using namespace qopt;

namespace {

TEST(Hash, KnownAnswers) { // FIPS 180-4 examples
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hasher().add("a").add("bc").hex(), sha256("abc"));
  TestFolder folder;
  folder.write("f", "abc");
  EXPECT_EQ(cantFail(sha256OfFile(folder.path("f"))), sha256("abc"));
  EXPECT_TRUE(errorToBool(sha256OfFile(folder.path("none")).takeError()));
}

TEST(Json, KeysAreSortedAndNumbersShort) {
  json::Value value = json::Object{{"b", 0.1},
                                   {"a", json::Array{1, 2.5, 1e300, nullptr, true, "x\"y"}},
                                   {"c", std::nan("")},
                                   {"d", INT64_MAX},
                                   {"e", json::Object{}},
                                   {"f", 1.0 / 3}};
  EXPECT_EQ(toJson(value, 0), R"({"a":[1,2.5,1e+300,null,true,"x\"y"],"b":0.1,"c":null,"d":9223372036854775807,)"
                              R"("e":{},"f":0.3333333333333333})");
}

TEST(Json, FilesRoundTripAndErrorsNameThem) {
  TestFolder folder;
  std::string path = folder.path("r.json");
  cantFail(writeJsonFile(path, json::Object{{"x", 0.25}}));
  EXPECT_EQ(cantFail(readJsonFile(path)), json::Value(json::Object{{"x", 0.25}}));
  folder.write("bad.json", "{\n  \"x\": }");
  std::string message = toString(readJsonFile(folder.path("bad.json")).takeError());
  EXPECT_NE(message.find(folder.path("bad.json") + ": [2:"), std::string::npos) << message;
}

TEST(Nesting, CountsBracketsOutsideOfStringsAndComments) {
  EXPECT_FALSE(nestsDeeper("[[{(<>)}]]", 5));
  EXPECT_TRUE(nestsDeeper("[[{(<>)}]]", 4));
  EXPECT_FALSE(nestsDeeper("[][][][]() -> () -> ()", 1));
  EXPECT_FALSE(nestsDeeper(R"(["[[[[", "\"[[["])", 1));
  EXPECT_TRUE(nestsDeeper("]]]]]]]][[", 1));
  EXPECT_FALSE(nestsDeeper("[ // ]\n", 1, "//"));
  EXPECT_TRUE(nestsDeeper("[ // ]\n[", 1, "//"));
  // A string ends with its line, at the latest.
  EXPECT_TRUE(nestsDeeper("\"\n[[", 1));
}

TEST(Json, RefusesToRecurseForEver) {
  EXPECT_EQ(cantFail(parseJson("[[1]]")), json::Value(json::Array{json::Array{1}}));
  std::string sentence = toString(parseJson(std::string(1'000'000, '[')).takeError());
  EXPECT_NE(sentence.find("brackets deep"), std::string::npos) << sentence;
}

TEST(Version, IsStated) {
  EXPECT_FALSE(version().empty());
  EXPECT_TRUE(llvmVersion().starts_with("22."));
}

std::string runStages(ProgressMode mode) {
  std::string text;
  raw_string_ostream os(text);
  Progress progress(os, mode);
  progress.stage("Import");
  progress.stage("Calibrate", 4);
  progress.advance(4);
  progress.finish();
  progress.finish();
  return text;
}

TEST(Progress, LinesBarsAndSilence) {
  EXPECT_EQ(runStages(ProgressMode::Lines), "Import: 0.0 s\nCalibrate: 0.0 s\n");
  EXPECT_EQ(runStages(ProgressMode::Quiet), "");
  std::string bar = runStages(ProgressMode::Bar);
  EXPECT_NE(bar.find("\rCalibrate [                            ] 0/4"), std::string::npos) << bar;
  EXPECT_TRUE(StringRef(bar).ends_with("\n"));
  std::string text;
  raw_string_ostream os(text);
  EXPECT_EQ(chooseProgressMode(os, false), ProgressMode::Lines);
  EXPECT_EQ(chooseProgressMode(os, true), ProgressMode::Quiet);
}

TEST(Progress, Amounts) {
  EXPECT_EQ(formatSeconds(0.44), "0.4 s");
  EXPECT_EQ(formatSeconds(12.3), "12 s");
  EXPECT_EQ(formatSeconds(185), "3 min 05 s");
  EXPECT_EQ(formatSeconds(7800), "2 h 10 min");
  EXPECT_EQ(formatBytes(17), "17 B");
  EXPECT_EQ(formatBytes(3277), "3.20 KiB");
  EXPECT_EQ(formatBytes(int64_t(3) << 29), "1.50 GiB");
}

} // namespace
