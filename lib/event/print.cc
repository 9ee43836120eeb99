#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lib/event/derived.h"
#include "lib/event/event_type.h"
#include "lib/event/fields.h"
#include "lib/event/json_object.h"
#include "lib/event/json_writer.h"
#include "nerava/analytics/json.h"

namespace nerava::analytics {
namespace {

// Prints the fields of a type from an AnalyticsEvent, and then what else it has.
class FieldPrinter {
 public:
  FieldPrinter(const AnalyticsEvent& event, bool print_absent, JsonObjectWriter* writer)
      : event_(event), print_absent_(print_absent), writer_(*writer) {}

  template <typename T>
  void operator()(const Field<T>& field, const T&) {
    if (field.member == nullptr) return PrintOther(field.name);
    const T& value = event_.*field.member;
    if (print_absent_ || !IsAbsent(value)) writer_.Value(field, value);
  }

  void PrintRest() {
    if (!others_.has_value()) return writer_.MembersOf(event_.fields);
    for (const JsonMember& member : *others_) {
      if (member.type != JsonType::kNull) member.WriteTo(&writer_);
    }
  }

 private:
  // A printed member stays behind as null.
  void PrintOther(std::string_view name) {
    if (!others_.has_value()) others_ = ParseOthers();
    for (JsonMember& member : *others_) {
      if (member.name != name) continue;
      member.WriteTo(&writer_);
      member.type = JsonType::kNull;
      return;
    }
    writer_.Json(name, "null");
  }

  std::vector<JsonMember> ParseOthers() const {
    if (event_.fields.empty()) return {};
    absl::StatusOr<std::vector<JsonMember>> members = ParseJsonObject(event_.fields, "fields", 0);
    return members.ok() ? *std::move(members) : std::vector<JsonMember>();
  }

  const AnalyticsEvent& event_;
  const bool print_absent_;
  JsonObjectWriter& writer_;
  std::optional<std::vector<JsonMember>> others_;  // event_.fields, once it is looked into
};

std::string PropertiesOf(const AnalyticsEvent& event) {
  std::string text;
  JsonObjectWriter writer(&text);
  VisitDerivedProperties(event, [&writer](std::string_view name, auto value) {
    if constexpr (std::is_same_v<decltype(value), bool>) {
      writer.Json(name, value ? "true" : "false");
    } else {
      writer.Text(name, value);
    }
  });
  writer.MembersOf(event.properties);
  writer.Close();
  return text;
}

}  // namespace

std::string ToJson(const DomainEvent& domain_event) {
  std::string text;
  JsonObjectWriter writer(&text);
  const auto print = [&writer](const auto& field, const auto& value) {
    if (!IsAbsent(value)) writer.Value(field, value);
  };
  std::visit(
      [&](const auto& event) {
        const std::string type(TypeOf(event));
        VisitBase(type, event.header, print);
        VisitFields(event, print);
        writer.MembersOf(event.header.fields);
        if (!event.header.properties.empty()) {
          writer.Json(schema::kProperties, event.header.properties);
        }
      },
      domain_event);
  writer.Close();
  return text;
}

std::string ToJson(const AnalyticsEvent& event) {
  EventHeader base;
  base.event_id = event.event_id;
  base.aggregate_id = event.AggregateId();
  base.region = event.region;
  base.timestamp = event.time;
  base.version = event.version;
  std::string text;
  JsonObjectWriter writer(&text);
  std::visit(
      [&](const auto& prototype) {
        VisitBase(event.event_type.name(), base,
                  [&](const auto& field, const auto& value) { writer.Value(field, value); });
        // Nobody relies on the keys of a type that the backend does not have.
        FieldPrinter printer(event, !kIsGeneric<decltype(prototype)>, &writer);
        VisitFields(prototype, printer);
        printer.PrintRest();
      },
      MakeEvent(event.event_type.name()));
  writer.Json(schema::kProperties, PropertiesOf(event));
  writer.Close();
  return text;
}

}  // namespace nerava::analytics
