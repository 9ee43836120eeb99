// What the body of POST events may be: the fields of every event type, from the one table of them.
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/event/decimal.h"
#include "lib/event/event_type.h"
#include "lib/event/fields.h"
#include "lib/event/json_writer.h"
#include "lib/event/validate.h"
#include "lib/http/schema.h"

namespace nerava::analytics::http {
namespace {

// As schemas count characters and the limits bytes, what is not ASCII may be too long all the same.
std::string TextOfUpTo(std::size_t bytes, bool required) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("type", "string");
    if (required) json.Json("minLength", "1");
    json.Json("maxLength", JsonOf(bytes));
  });
}

std::string SchemaOf(const TextField& field) {
  return TextOfUpTo(MaxBytesOf(field.kind), field.required);
}

std::string SchemaOf(const TimeField&) { return Text("ISO 8601; UTC if it names no offset."); }

std::string SchemaOf(const AmountField& field) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("type", field.kind == FieldKind::kCents ? "integer" : "number");
    json.Json("minimum", "0");
    json.Json("maximum", FormatScaled(MaxAmountOf(field.kind), PlacesOf(field.kind)));
  });
}

std::string SchemaOf(const NumberField&) { return R"({"type":"number","minimum":0})"; }

std::string SchemaOf(const VersionField&) {
  return ObjectJson([](JsonObjectWriter& json) {
    json.Text("type", "integer");
    json.Json("minimum", "1");
    json.Json("maximum", JsonOf(std::numeric_limits<std::int32_t>::max()));
  });
}

// Gathers what it visits. Null is as good as nothing.
class FieldSchemas {
 public:
  explicit FieldSchemas(std::string type) : type_(std::move(type)) {}

  template <typename T>
  void operator()(const Field<T>& field, const T&) {
    std::string schema = field.name == schema::kEventType.name ? type_ : SchemaOf(field);
    if (!field.required) schema = OrNull(std::move(schema));
    members_.push_back({field.name, std::move(schema), !field.required});
  }

  std::string Take() && {
    members_.push_back({schema::kProperties, OrNull(R"({"type":"object"})"), /*is_optional=*/true});
    return OpenObjectSchema(members_);
  }

 private:
  const std::string type_;
  Members members_;
};

// Any name that no other type has.
std::string OtherTypes(absl::Span<const std::string> known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("type", "string");
    json.Json("minLength", "1");
    json.Json("maxLength", JsonOf(kMaxTypeBytes));
    json.Json("not", Choice(names));
  });
}

template <typename Event>
std::string EventSchema(const Event& event, std::string type) {
  const std::string any;
  FieldSchemas schemas(std::move(type));
  VisitBase(any, event.header, schemas);
  VisitFields(event, schemas);
  return std::move(schemas).Take();
}

}  // namespace

std::vector<NamedSchema> EventSchemas() {
  std::vector<NamedSchema> schemas;
  std::vector<std::string> names;  // of the types with a struct, with and without the prefix
  const auto add = [&]<typename Event>(const Event& event) {
    constexpr std::string_view kType = Event::kType;
    names.push_back(std::string(kType));
    names.push_back(AnalyticsType(kType));
    const std::string_view both[] = {kType, names.back()};
    schemas.push_back({kType, EventSchema(event, Choice(both))});
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (add(std::variant_alternative_t<I, DomainEvent>()), ...);
  }
  (std::make_index_sequence<std::variant_size_v<DomainEvent> - 1>{});
  schemas.push_back({"other_event", EventSchema(GenericEvent(), OtherTypes(names))});
  std::vector<std::string> references;
  for (const auto& [name, schema] : schemas) references.push_back(RefTo(name));
  schemas.push_back({"DomainEvent", AnyOf(references)});
  return schemas;
}

}  // namespace nerava::analytics::http
