// Writes JSON text. The pieces it is given are valid already: nothing is checked again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "lib/event/fields.h"

namespace nerava::analytics {

// Appends `text` as a JSON string.
void AppendJsonString(std::string_view text, std::string* out);

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

}  // namespace nerava::analytics
