#include "core/json_writer.h"

#include <cstdio>
#include <utility>

namespace tensorrt_node {

JsonWriter::JsonWriter() = default;
JsonWriter::~JsonWriter() = default;

void JsonWriter::BeginObject() {
  Separate();
  text_ += '{';
  has_content_.push_back(false);
}

void JsonWriter::EndObject() {
  text_ += '}';
  has_content_.pop_back();
}

void JsonWriter::BeginArray() {
  Separate();
  text_ += '[';
  has_content_.push_back(false);
}

void JsonWriter::EndArray() {
  text_ += ']';
  has_content_.pop_back();
}

void JsonWriter::Key(const char* name) {
  String(name);
  text_ += ':';
  after_key_ = true;
}

void JsonWriter::String(const char* text) {
  Separate();
  text_ += '"';
  for (const char* at = text != nullptr ? text : ""; *at != '\0'; ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    if (byte == '"' || byte == '\\') {
      text_ += '\\';
      text_ += *at;
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      text_ += escape;
    } else {
      text_ += *at;
    }
  }
  text_ += '"';
}

void JsonWriter::Number(std::int64_t value) {
  Separate();
  text_ += std::to_string(value);
}

void JsonWriter::Boolean(bool value) {
  Separate();
  text_ += value ? "true" : "false";
}

void JsonWriter::Numbers(const std::int64_t* values, int count) {
  BeginArray();
  for (int i = 0; i < count; ++i) Number(values[i]);
  EndArray();
}

std::string JsonWriter::Take() {
  has_content_.clear();
  after_key_ = false;
  return std::exchange(text_, std::string());
}

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_content_.empty()) return;
  if (has_content_.back()) text_ += ',';
  has_content_.back() = true;
}

}  // namespace tensorrt_node
