#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tensorrt_node {

/// Writes one JSON text. Commas are put by itself; the caller keeps the order: in an object each
/// value follows its Key(). Its functions are out of line, so that no translation unit emits a copy
/// of them.
class JsonWriter {
 public:
  JsonWriter();
  ~JsonWriter();
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void BeginObject();
  void EndObject();
  void BeginArray();
  void EndArray();
  void Key(const char* name);
  /// Null counts as "". Bytes that are no UTF-8 go through as they are.
  void String(const char* text);
  void Number(std::int64_t value);
  void Boolean(bool value);
  /// An array of numbers.
  void Numbers(const std::int64_t* values, int count);

  /// The text so far; the writer is empty afterwards.
  [[nodiscard]] std::string Take();

 private:
  void Separate();

  std::string text_;
  /// For each open object or array: whether it holds something yet.
  std::vector<bool> has_content_;
  bool after_key_ = false;
};

}  // namespace tensorrt_node
