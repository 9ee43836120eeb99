#include "lib/event/json_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <iterator>

#include "lib/event/decimal.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

constexpr std::string_view kNull = "null";
constexpr std::string_view kJsonSpace = " \t\r\n";

void AppendEscaped(char c, std::string* out) {
  switch (c) {
    case '"':
    case '\\':
      *out += '\\';
      *out += c;
      return;
    case '\n':
      *out += "\\n";
      return;
    case '\t':
      *out += "\\t";
      return;
    case '\r':
      *out += "\\r";
      return;
    default:
      fmt::format_to(std::back_inserter(*out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

bool NeedsEscape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!NeedsEscape(text[i])) continue;
    out->append(text, copied, i - copied);
    AppendEscaped(text[i], out);
    copied = i + 1;
  }
  out->append(text, copied);
  *out += '"';
}

void JsonObjectWriter::Comma() {
  if (!empty_) *out_ += ',';
  empty_ = false;
}

void JsonObjectWriter::Name(std::string_view name) {
  Comma();
  AppendJsonString(name, out_);
  *out_ += ':';
}

void JsonObjectWriter::Text(std::string_view name, std::string_view text) {
  Name(name);
  AppendJsonString(text, out_);
}

void JsonObjectWriter::Json(std::string_view name, std::string_view json) {
  Name(name);
  *out_ += json;
}

void JsonObjectWriter::MembersOf(std::string_view object) {
  const std::size_t open = object.find('{');
  const std::size_t close = object.rfind('}');
  if (open == std::string_view::npos || close == std::string_view::npos) return;
  const std::string_view members = object.substr(open + 1, close - open - 1);
  if (members.find_first_not_of(kJsonSpace) == std::string_view::npos) return;
  Comma();
  *out_ += members;
}

void JsonObjectWriter::Value(const TextField& field, std::string_view value) {
  if (value.empty()) return Json(field.name, kNull);
  Text(field.name, value);
}

void JsonObjectWriter::Value(const TimeField& field, absl::Time value) {
  if (IsAbsent(value)) return Json(field.name, kNull);
  Text(field.name, FormatTimestamp(value));
}

void JsonObjectWriter::Value(const AmountField& field, std::optional<std::int64_t> value) {
  if (!value.has_value()) return Json(field.name, kNull);
  Json(field.name, FormatScaled(*value, PlacesOf(field.kind)));
}

void JsonObjectWriter::Value(const NumberField& field, std::optional<double> value) {
  // JSON has no NaN and no infinities.
  if (!value.has_value() || !std::isfinite(*value)) return Json(field.name, kNull);
  Json(field.name, FormatDouble(*value));
}

void JsonObjectWriter::Value(const VersionField& field, std::int32_t value) {
  Json(field.name, fmt::format_int(value).c_str());
}

}  // namespace nerava::analytics
