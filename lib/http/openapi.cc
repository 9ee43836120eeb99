// The description of all routes, from what they check.
#include <map>

#include "lib/event/json_writer.h"
#include "lib/http/event_list.h"
#include "lib/http/routes.h"
#include "lib/http/schema.h"

namespace nerava::analytics {
namespace {

using http::Parameter;
using http::Route;

std::string StringsJson(absl::Span<const std::string_view> texts) {
  std::string array;
  for (const std::string_view text : texts) {
    if (!array.empty()) array += ',';
    AppendJsonString(text, &array);
  }
  return "[" + array + "]";
}

std::string SchemaJson(const Parameter& parameter, int default_days) {
  return ObjectJson([&](JsonObjectWriter& json) {
    switch (parameter.kind) {
      case Parameter::Kind::kInteger:
        json.Text("type", "integer");
        json.Json("minimum", JsonOf(parameter.min));
        json.Json("maximum", JsonOf(parameter.max));
        if (parameter.name == "days") json.Json("default", JsonOf(default_days));
        break;
      case Parameter::Kind::kBoolean:
        json.Text("type", "boolean");
        break;
      case Parameter::Kind::kChoice:
        json.Text("type", "string");
        json.Json("enum", StringsJson(parameter.choices));
        break;
      case Parameter::Kind::kText:
        json.Text("type", "string");
        json.Json("maxLength", JsonOf(parameter.max_bytes));
        break;
      case Parameter::Kind::kTime:
        json.Text("type", "string");
        break;
    }
  });
}

std::string ParametersJson(const Route& route) {
  std::string array;
  for (const Parameter* parameter : route.parameters) {
    array += (array.empty() ? "" : ",") + ObjectJson([&](JsonObjectWriter& json) {
               json.Text("name", parameter->name);
               json.Text("in", "query");
               json.Json("allowEmptyValue", "true");  // as if it were not there
               json.Text("description", parameter->description);
               json.Json("schema", SchemaJson(*parameter, route.default_days));
             });
  }
  return "[" + array + "]";
}

std::string SchemaOf(const std::string& schema) {
  return ObjectJson([&](JsonObjectWriter& json) { json.Json("schema", schema); });
}

std::string ResponseJson(std::string_view description, const std::string& schema,
                         std::string_view headers = "") {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("description", description);
    if (!headers.empty()) json.Json("headers", headers);
    json.Json("content", ObjectJson([&](JsonObjectWriter& content) {
                content.Json("application/json", SchemaOf(schema));
              }));
  });
}

constexpr char kTagHeaders[] =
    R"({"ETag":{"required":true,"description":"For If-None-Match.","schema":{"type":"string"}}})";
constexpr char kRetryHeaders[] =
    R"({"Retry-After":{"required":true,"description":"Seconds.","schema":{"type":"integer"}}})";

constexpr char kCursorHeaders[] =
    R"({"Next-Cursor":{"required":true,"description":"`after` of the next page.","schema":{"type":"string"}}})";

std::string GoodJson(const http::Reply& reply) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("description", "The answer.");
    if (reply.has_tag) json.Json("headers", kTagHeaders);
    if (reply.is_page) json.Json("headers", kCursorHeaders);
    json.Json("content", ObjectJson([&](JsonObjectWriter& content) {
                content.Json(reply.content_type, SchemaOf(http::RefTo(reply.schema)));
                if (reply.is_page) {
                  content.Json("application/x-ndjson", SchemaOf(http::Text("An event a line.")));
                }
              }));
  });
}

std::string NotModifiedJson() {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("description", "The answer is that of the tag in If-None-Match.");
    json.Json("headers", kTagHeaders);
  });
}

std::string ResponsesJson(const Route& route) {
  const bool publishes = route.method == "POST";
  const std::string error = http::RefTo("Error");
  const std::string problems = http::RefTo("Problems");
  const http::Reply& reply = route.reply;
  return ObjectJson([&](JsonObjectWriter& json) {
    if (publishes) {
      const std::string results = http::RefTo(reply.schema);
      json.Json("202", ResponseJson("All events are accepted.", results));
      json.Json("207", ResponseJson("Some events are accepted; `results` tells which.", results));
    } else {
      json.Json("200", GoodJson(reply));
      if (reply.has_tag) json.Json("304", NotModifiedJson());
    }
    json.Json("413", ResponseJson("The body is too large.", error));
    json.Json("414", ResponseJson("Path and query are too long.", error));
    if (publishes) json.Json("415", ResponseJson("The body has a Content-Encoding.", error));
    json.Json("422", ResponseJson("`detail` says what is wrong with the request.",
                                  publishes ? http::AnyOf({problems, http::RefTo("NotAllAccepted")})
                                            : problems));
    json.Json("500", ResponseJson("The question could not be answered.", error));
    if (reply.not_of_every_store) json.Json("501", ResponseJson("The store cannot tell.", error));
    json.Json("503", ResponseJson("Not now; try again after Retry-After seconds.",
                                  reply.when_unhealthy.empty()
                                      ? error
                                      : http::AnyOf({http::RefTo(reply.when_unhealthy), error}),
                                  kRetryHeaders));
  });
}

std::string BodyJson() {
  const std::string event = http::RefTo("DomainEvent");
  const std::string events = ObjectJson([&](JsonObjectWriter& json) {
    json.Text("type", "array");
    json.Json("maxItems", JsonOf(http::kMostEvents));
    json.Json("items", event);
  });
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("required", "true");
    json.Json("content", ObjectJson([&](JsonObjectWriter& content) {
                content.Json("application/json", SchemaOf(http::AnyOf({event, events})));
                content.Json("application/x-ndjson", SchemaOf(http::Text("An event a line.")));
              }));
  });
}

std::string ComponentsJson() {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Json("schemas", ObjectJson([&](JsonObjectWriter& schemas) {
                for (const auto& group : {http::EventSchemas(), http::KpiSchemas(),
                                          http::ReportSchemas(), http::PipelineSchemas()}) {
                  for (const auto& [name, schema] : group) schemas.Json(name, schema);
                }
              }));
  });
}

// "get_kpis_conversion_funnel": as generated clients name it.
std::string OperationId(const Route& route) {
  constexpr std::string_view kPrefix = "/v1/analytics/";
  std::string_view path = route.path;
  path.remove_prefix(path.starts_with(kPrefix) ? kPrefix.size() : 1);
  std::string id = route.method == "POST" ? "post_" : "get_";
  for (const char c : path)
    id += std::string_view("/-.").find(c) == std::string_view::npos ? c : '_';
  return id;
}

}  // namespace

std::string OpenApiJson() {
  std::map<std::string_view, std::string> paths;  // their methods
  http::ForEachRoute([&](const Route& route) {
    std::string& methods = paths[route.path];
    if (!methods.empty()) methods += ',';
    methods += std::string(route.method == "POST" ? "\"post\":" : "\"get\":") +
               ObjectJson([&](JsonObjectWriter& json) {
                 json.Text("operationId", OperationId(route));
                 json.Text("summary", route.summary);
                 json.Json("tags", R"(["analytics"])");
                 json.Json("parameters", ParametersJson(route));
                 if (route.method == "POST") json.Json("requestBody", BodyJson());
                 json.Json("responses", ResponsesJson(route));
               });
  });
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("openapi", "3.1.0");
    json.Json("info", R"({"title":"Nerava Analytics","version":"1"})");
    json.Json("paths", ObjectJson([&](JsonObjectWriter& all) {
                for (const auto& [path, methods] : paths) all.Json(path, "{" + methods + "}");
              }));
    json.Json("components", ComponentsJson());
  });
}

}  // namespace nerava::analytics
