#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include "lib/event/decimal.h"
#include "lib/event/event_type.h"
#include "lib/event/fields.h"
#include "lib/event/json_object.h"
#include "lib/event/text.h"
#include "lib/event/validate.h"
#include "nerava/analytics/json.h"
#include "nerava/analytics/rejection.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::analytics {
namespace {

// Moves the members of a JSON object into the fields of an event; those that no field asked for are
// left over. Null members are absent. After an error it does nothing more.
class FieldReader {
 public:
  explicit FieldReader(std::vector<JsonMember> members) : members_(std::move(members)) {}

  const absl::Status& status() const { return status_; }

  template <typename T>
  void operator()(const Field<T>& field, T& value) {
    std::optional<JsonMember> member = Take(field.name);
    if (member.has_value() && status_.ok()) status_ = Read(field, *std::move(member), &value);
  }

  // The text of the object that is called `name`, "" when there is none or it is empty.
  std::string TakeObject(std::string_view name) {
    std::optional<JsonMember> member = Take(name);
    if (!member.has_value() || !status_.ok()) return {};
    if (member->type != JsonType::kObject) status_ = RefuseType(*member, "an object");
    return member->text == "{}" ? std::string() : std::move(member->text);
  }

  // What is left over, as the text of an object.
  std::string TakeRest() {
    std::string text;
    JsonObjectWriter writer(&text);
    for (const JsonMember& member : members_) {
      if (member.type != JsonType::kNull) member.WriteTo(&writer);
    }
    writer.Close();
    return writer.empty() ? std::string() : text;
  }

 private:
  // A taken member stays behind as null.
  std::optional<JsonMember> Take(std::string_view name) {
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [name](const JsonMember& m) { return m.name == name; });
    if (found == members_.end() || found->type == JsonType::kNull) return std::nullopt;
    return std::exchange(*found, JsonMember{});
  }

  static absl::Status RefuseType(const JsonMember& member, std::string_view expected) {
    const bool text = member.type == JsonType::kString;
    return Refuse(RejectReason::kWrongType,
                  fmt::format("{} is {} {}; it must be {}", member.name, JsonTypeName(member.type),
                              text ? Quoted(member.text) : Excerpt(member.text), expected));
  }

  static absl::Status Read(const TextField&, JsonMember member, std::string* value) {
    if (member.type != JsonType::kString) return RefuseType(member, "text");
    *value = std::move(member.text);
    return absl::OkStatus();
  }

  static absl::Status Read(const TimeField&, const JsonMember& member, absl::Time* value) {
    if (member.type != JsonType::kString) return RefuseType(member, "ISO 8601 text");
    if (member.text.empty()) return absl::OkStatus();
    const absl::StatusOr<absl::Time> time = ParseTimestamp(member.text);
    if (!time.ok()) {
      return Refuse(RejectReason::kInvalidTime,
                    fmt::format("{} {}", member.name, std::string(time.status().message())));
    }
    *value = *time;
    return absl::OkStatus();
  }

  static absl::Status Read(const AmountField& field, const JsonMember& member,
                           std::optional<std::int64_t>* value) {
    if (member.type != JsonType::kNumber) return RefuseType(member, "a number");
    const absl::StatusOr<ScaledDecimal> scaled = ScaleDecimal(member.text, PlacesOf(field.kind));
    if (!scaled.ok()) {
      const std::string shown = Excerpt(member.text);
      return shown.starts_with('-') ? RefuseNegative(field.name, shown)
                                    : RefuseTooLarge(field, shown);
    }
    if (field.kind == FieldKind::kCents && !scaled->exact) {
      return Refuse(RejectReason::kInvalidNumber, fmt::format("{} is {}; it must be whole cents",
                                                              field.name, Excerpt(member.text)));
    }
    *value = scaled->value;
    return absl::OkStatus();
  }

  static absl::Status Read(const NumberField&, const JsonMember& member,
                           std::optional<double>* value) {
    if (member.type != JsonType::kNumber) return RefuseType(member, "a number");
    double number = 0;
    std::from_chars(member.text.data(), member.text.data() + member.text.size(), number);
    *value = number;
    return absl::OkStatus();
  }

  static absl::Status Read(const VersionField& field, const JsonMember& member,
                           std::int32_t* value) {
    if (member.type != JsonType::kNumber) return RefuseType(member, "a whole number");
    constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    const absl::StatusOr<ScaledDecimal> scaled = ScaleDecimal(member.text, 0);
    if (!scaled.ok() || !scaled->exact || scaled->value < 1 || scaled->value > kMax) {
      return Refuse(RejectReason::kInvalidNumber,
                    fmt::format("{} is {}; it must be a whole number from 1 to {}", field.name,
                                Excerpt(member.text), kMax));
    }
    *value = static_cast<std::int32_t>(scaled->value);
    return absl::OkStatus();
  }

  std::vector<JsonMember> members_;
  absl::Status status_;
};

// The struct is chosen by the type, before anything else is read.
absl::StatusOr<std::string> FindType(const std::vector<JsonMember>& members) {
  const auto found = std::find_if(members.begin(), members.end(), [](const JsonMember& m) {
    return m.name == schema::kEventType.name;
  });
  std::string type;
  if (found != members.end()) {
    FieldReader reader({*found});
    reader(schema::kEventType, type);
    if (!reader.status().ok()) return reader.status();
  }
  if (absl::Status s = CheckText(Required(schema::kEventType), type); !s.ok()) return s;
  return type;
}

}  // namespace

absl::StatusOr<DomainEvent> ParseDomainEvent(std::string_view json) {
  absl::StatusOr<std::vector<JsonMember>> members = ParseJsonObject(json, "the event", 0);
  if (!members.ok()) return members.status();
  absl::StatusOr<std::string> type = FindType(*members);
  if (!type.ok()) return type.status();

  FieldReader reader(*std::move(members));
  DomainEvent result = MakeEvent(*type);
  std::visit(
      [&](auto& event) {
        VisitBase(*type, event.header, reader);
        VisitFields(event, reader);
        event.header.properties = reader.TakeObject(schema::kProperties);
        event.header.fields = reader.TakeRest();
        if constexpr (kIsGeneric<decltype(event)>) event.event_type = *std::move(type);
      },
      result);
  if (!reader.status().ok()) return reader.status();
  return result;
}

}  // namespace nerava::analytics
