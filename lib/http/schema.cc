#include "lib/http/schema.h"

#include "lib/event/json_writer.h"

namespace nerava::analytics::http {
namespace {

std::string Joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
  return "[" + all + "]";
}

std::string Quote(std::string_view text) {
  std::string json;
  AppendJsonString(text, &json);
  return json;
}

template <typename Add>
std::string Typed(std::string_view type, std::string_view description, Add add) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("type", type);
    add(json);
    if (!description.empty()) json.Text("description", description);
  });
}

std::string Typed(std::string_view type, std::string_view description) {
  return Typed(type, description, [](JsonObjectWriter&) {});
}

}  // namespace

Members Join(std::vector<Members> groups) {
  Members all;
  for (Members& group : groups) {
    for (Member& member : group) all.push_back(std::move(member));
  }
  return all;
}

namespace {

std::string ObjectOf(const Members& members, bool open) {
  std::vector<std::string> required;
  for (const Member& member : members) {
    if (!member.is_optional) required.push_back(Quote(member.name));
  }
  return Typed("object", "", [&](JsonObjectWriter& json) {
    json.Json("properties", ObjectJson([&](JsonObjectWriter& properties) {
                for (const Member& member : members) properties.Json(member.name, member.schema);
              }));
    if (!required.empty()) json.Json("required", Joined(required));
    if (!open) json.Json("additionalProperties", "false");
  });
}

}  // namespace

std::string ObjectSchema(const Members& members) { return ObjectOf(members, false); }
std::string OpenObjectSchema(const Members& members) { return ObjectOf(members, true); }

std::string MapSchema(std::string_view value) {
  return Typed("object", "",
               [&](JsonObjectWriter& json) { json.Json("additionalProperties", value); });
}

std::string ArraySchema(std::string_view item) {
  return Typed("array", "", [&](JsonObjectWriter& json) { json.Json("items", item); });
}

std::string AnyOf(const std::vector<std::string>& schemas) {
  return ObjectJson([&](JsonObjectWriter& json) { json.Json("anyOf", Joined(schemas)); });
}

// Not as a list of types, which OpenAPI 3.0 and older FastAPI do not know.
std::string OrNull(std::string schema) { return AnyOf({std::move(schema), R"({"type":"null"})"}); }

std::string Choice(absl::Span<const std::string_view> words) {
  std::vector<std::string> texts;
  for (const std::string_view word : words) texts.push_back(Quote(word));
  return Typed("string", "", [&](JsonObjectWriter& json) { json.Json("enum", Joined(texts)); });
}

std::string RefTo(std::string_view name) {
  return R"({"$ref":"#/components/schemas/)" + std::string(name) + "\"}";
}

std::string Count(std::string_view description) {
  return Typed("integer", description, [](JsonObjectWriter& json) { json.Json("minimum", "0"); });
}

std::string Number(std::string_view description) { return Typed("number", description); }
std::string Text(std::string_view description) { return Typed("string", description); }
std::string Truth(std::string_view description) { return Typed("boolean", description); }

std::string Time(std::string_view description) {
  return Typed("string", description,
               [](JsonObjectWriter& json) { json.Text("format", "date-time"); });
}

}  // namespace nerava::analytics::http
