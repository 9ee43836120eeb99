// Writes JSON text. The pieces it is given are valid already: nothing is checked again. Not by
// nlohmann_json, whose values allocate when they are destroyed: without memory that ends the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "lib/event/fields.h"

namespace nerava::analytics {

// Appends `text` as a JSON string.
void AppendJsonString(std::string_view text, std::string* out);

// A number or a truth value.
template <typename Value>
requires std::is_arithmetic_v<Value> std::string JsonOf(Value value) {
  std::string text = fmt::format("{}", value);
  // So that readers see that it is none of the whole numbers.
  if (std::is_floating_point_v<Value> && text.find_first_not_of("-0123456789") == text.npos) {
    text += ".0";
  }
  return text;
}

// Appends one JSON object to `*out`, member by member.
class JsonObjectWriter {
 public:
  explicit JsonObjectWriter(std::string* out) : out_(out) { *out_ += '{'; }
  JsonObjectWriter(const JsonObjectWriter&) = delete;
  JsonObjectWriter& operator=(const JsonObjectWriter&) = delete;

  bool empty() const { return empty_; }

  void Text(std::string_view name, std::string_view text);
  // `json` is the text of a JSON value.
  void Json(std::string_view name, std::string_view json);
  // All members of a JSON object, given as its text; "" has none.
  void MembersOf(std::string_view object);
  // The value of a field, null when it is absent.
  void Value(const TextField& field, std::string_view value);
  void Value(const TimeField& field, absl::Time value);
  void Value(const AmountField& field, std::optional<std::int64_t> value);
  void Value(const NumberField& field, std::optional<double> value);
  void Value(const VersionField& field, std::int32_t value);

  // Must be called last, once.
  void Close() { *out_ += '}'; }

 private:
  void Name(std::string_view name);
  void Comma();

  std::string* const out_;
  bool empty_ = true;
};

// The text of an object to which `add(JsonObjectWriter&)` adds the members.
template <typename Add>
std::string ObjectJson(Add add) {
  std::string text;
  JsonObjectWriter writer(&text);
  add(writer);
  writer.Close();
  return text;
}

}  // namespace nerava::analytics
