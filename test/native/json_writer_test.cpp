#include "core/json_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "core/error.h"
#include "core/mapped_file.h"

namespace tensorrt_node {
namespace {

TEST(JsonWriter, PutsCommasAndKeys) {
  JsonWriter json;
  json.BeginObject();
  json.Key("a");
  json.Number(-1);
  json.Key("b");
  json.BeginArray();
  json.BeginObject();
  json.EndObject();
  json.Boolean(true);
  json.String("x");
  json.EndArray();
  json.Key("c");
  json.BeginObject();
  json.Key("d");
  json.BeginArray();
  json.EndArray();
  json.EndObject();
  const std::int64_t dims[] = {1, -1, 3};
  json.Key("e");
  json.Numbers(dims, 3);
  json.EndObject();
  EXPECT_EQ(json.Take(), R"({"a":-1,"b":[{},true,"x"],"c":{"d":[]},"e":[1,-1,3]})");
  EXPECT_EQ(json.Take(), "");
}

TEST(JsonWriter, EscapesText) {
  JsonWriter json;
  json.BeginArray();
  json.String("a\"\\\n\x01z");
  json.String(nullptr);
  json.String("\xff");
  json.EndArray();
  EXPECT_EQ(json.Take(), "[\"a\\\"\\\\\\u000a\\u0001z\",\"\",\"\xff\"]");
}

TEST(MapFile, GivesTheBytesOfAFile) {
  char name[] = "/tmp/tn-mapped-XXXXXX";
  const int file = mkstemp(name);
  ASSERT_GE(file, 0);
  ASSERT_EQ(write(file, "bytes", 5), 5);
  close(file);
  const HostBuffer mapped = MapFile(name);
  // The mapping outlives the name.
  std::remove(name);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped.data), mapped.size), "bytes");
}

TEST(MapFile, RefusesWhatIsNoFileOrEmpty) {
  for (const char* path : {"/nowhere/at/all", "/tmp", "/dev/null"}) {
    try {
      static_cast<void>(MapFile(path));
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tensorrt_node
