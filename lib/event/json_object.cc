#include "lib/event/json_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "lib/event/text.h"
#include "nerava/analytics/limits.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics {
namespace {

using nlohmann::json;

// A SAX handler (the parser behind it does not recurse) that copies the members of the outermost
// object. Returning false stops the parser; `status()` says why.
class MemberCollector {
 public:
  MemberCollector(std::string_view what, int max_depth) : what_(what), max_depth_(max_depth) {}

  const absl::Status& status() const { return status_; }
  std::vector<JsonMember> TakeMembers() { return std::move(members_); }

  bool null() { return Add(JsonType::kNull, "null"); }
  bool boolean(bool value) { return Add(JsonType::kBoolean, value ? "true" : "false"); }
  bool number_integer(json::number_integer_t value) {
    return Add(JsonType::kNumber, fmt::format_int(value).c_str());
  }
  bool number_unsigned(json::number_unsigned_t value) {
    return Add(JsonType::kNumber, fmt::format_int(value).c_str());
  }
  bool number_float(json::number_float_t, std::string spelled) {
    // The parser puts the locale's decimal point into the text.
    const std::size_t point = spelled.find_first_not_of("0123456789+-eE");
    if (point != std::string::npos) spelled[point] = '.';
    return Add(JsonType::kNumber, spelled);
  }
  bool string(std::string& value) {
    if (depth_ == 0) return RefuseType(JsonType::kString);
    if (!CheckNoNul(value)) return false;
    if (depth_ > 1) {
      std::string quoted;
      AppendJsonString(value, &quoted);
      return Add(JsonType::kString, quoted);
    }
    members_.back().type = JsonType::kString;
    members_.back().text = std::move(value);
    return true;
  }
  bool binary(json::binary_t&) { return false; }  // no such thing in text

  bool start_object(std::size_t) { return Open(JsonType::kObject, '{'); }
  bool start_array(std::size_t) { return Open(JsonType::kArray, '['); }
  bool end_object() { return Close('}'); }
  bool end_array() { return Close(']'); }
  bool key(std::string& name) {
    if (depth_ == 1) {
      members_.push_back({std::move(name), JsonType::kNull, {}});
      return CheckNoNul(members_.back().name);
    }
    if (!CheckNoNul(name)) return false;
    Comma();
    AppendJsonString(name, &text());
    text() += ':';
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) {
    constexpr int kNumberOverflow = 406;
    if (error.id == kNumberOverflow) {
      return Stop(RejectReason::kInvalidNumber,
                  fmt::format("{} holds a number beyond 1.8e308 near byte {}", what_, position));
    }
    // "[json.exception....] parse error at ...: the problem; last read: 'the input ...'"
    std::string_view problem = error.what();
    problem = problem.substr(0, problem.find("; last read"));
    const std::size_t colon = problem.find(": ");
    if (colon != std::string_view::npos) problem.remove_prefix(colon + 2);
    const bool half_pair = problem.find("surrogate") != std::string_view::npos;
    return Stop(
        half_pair ? RejectReason::kInvalidText : RejectReason::kMalformedJson,
        fmt::format("{} is no JSON object: {} at byte {}", what_, Excerpt(problem, 200), position));
  }

 private:
  std::string& text() { return members_.back().text; }

  bool Stop(RejectReason reason, std::string_view message) {
    status_ = Refuse(reason, message);
    return false;
  }

  bool CheckNoNul(const std::string& value) {
    if (value.find('\0') == std::string::npos) return true;
    return Stop(RejectReason::kInvalidText,
                fmt::format("{} holds a NUL (\\u0000) in {}; that is not allowed", what_,
                            Quoted(members_.back().name)));
  }

  bool RefuseType(JsonType type) {
    return Stop(RejectReason::kMalformedJson,
                fmt::format("{} is {}; it must be a JSON object", what_, JsonTypeName(type)));
  }

  // Before a value or a name inside a member's text.
  void Comma() {
    const char last = text().empty() ? '[' : text().back();
    if (last != '{' && last != '[' && last != ':') text() += ',';
  }

  bool Add(JsonType type, std::string_view json_text) {
    if (depth_ == 0) return RefuseType(type);
    if (depth_ == 1) members_.back().type = type;
    Comma();
    text() += json_text;
    return true;
  }

  bool Open(JsonType type, char bracket) {
    if (depth_ == 0 && type != JsonType::kObject) return RefuseType(type);
    if (depth_ == max_depth_) {
      return Stop(RejectReason::kTooLarge,
                  fmt::format("{} is nested too deep in {}; at most {} levels are allowed, the "
                              "event itself included",
                              what_, Quoted(members_.back().name), kMaxJsonDepth));
    }
    if (depth_ == 1) members_.back().type = type;
    if (depth_ > 0) {
      Comma();
      text() += bracket;
    }
    ++depth_;
    return true;
  }

  bool Close(char bracket) {
    --depth_;
    if (depth_ > 0) text() += bracket;
    return true;
  }

  const std::string_view what_;
  const int max_depth_;
  int depth_ = 0;
  std::vector<JsonMember> members_;
  absl::Status status_;
};

absl::Status CheckInput(std::string_view text, std::string_view what) {
  if (text.size() > kMaxJsonBytes) {
    return Refuse(RejectReason::kTooLarge,
                  fmt::format("{} is {} bytes long; at most {} are allowed", what, text.size(),
                              kMaxJsonBytes));
  }
  switch (FindTextFault(text)) {
    case TextFault::kNone:
      return absl::OkStatus();
    case TextFault::kNul:
      return Refuse(RejectReason::kInvalidText, fmt::format("{} holds a NUL byte", what));
    case TextFault::kNotUtf8:
      break;
  }
  return Refuse(RejectReason::kInvalidText, fmt::format("{} is not valid UTF-8", what));
}

absl::Status CheckNamesDiffer(const std::vector<JsonMember>& members, std::string_view what) {
  std::vector<std::string_view> names;
  names.reserve(members.size());
  for (const JsonMember& member : members) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return absl::OkStatus();
  return Refuse(RejectReason::kMalformedJson,
                fmt::format("{} has {} more than once", what, Quoted(*twice)));
}

}  // namespace

std::string_view JsonTypeName(JsonType type) {
  switch (type) {
    case JsonType::kNull:
      return "null";
    case JsonType::kBoolean:
      return "a boolean";
    case JsonType::kNumber:
      return "a number";
    case JsonType::kString:
      return "text";
    case JsonType::kObject:
      return "an object";
    case JsonType::kArray:
      return "an array";
  }
  return "unknown";
}

void JsonMember::WriteTo(JsonObjectWriter* writer) const {
  if (type == JsonType::kString) {
    writer->Text(name, text);
  } else {
    writer->Json(name, text);
  }
}

absl::StatusOr<std::vector<JsonMember>> ParseJsonObject(std::string_view json_text,
                                                        std::string_view what, int outer_depth) {
  if (absl::Status checked = CheckInput(json_text, what); !checked.ok()) return checked;
  MemberCollector collector(what, kMaxJsonDepth - outer_depth);
  json::sax_parse(json_text.begin(), json_text.end(), &collector);
  if (!collector.status().ok()) return collector.status();
  std::vector<JsonMember> members = collector.TakeMembers();
  if (absl::Status differ = CheckNamesDiffer(members, what); !differ.ok()) return differ;
  return members;
}

}  // namespace nerava::analytics
