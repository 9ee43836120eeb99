// The description of all routes, from what they check.
#include <map>

#include "lib/event/json_writer.h"
#include "lib/http/routes.h"

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
               json.Text("description", parameter->description);
               json.Json("schema", SchemaJson(*parameter, route.default_days));
             });
  }
  return "[" + array + "]";
}

std::string ResponseJson(std::string_view description) {
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("description", description);
    json.Json("content", R"({"application/json":{"schema":{"type":"object"}}})");
  });
}

std::string ResponsesJson(const Route& route) {
  const bool publishes = route.method == "POST";
  return ObjectJson([&](JsonObjectWriter& json) {
    if (publishes) {
      json.Json("202", ResponseJson("All events are accepted."));
      json.Json("207", ResponseJson("Some events are accepted; `results` tells which."));
      json.Json("413", ResponseJson("The body is too large."));
    } else {
      json.Json("200", ResponseJson("The answer."));
      json.Json("304", R"({"description":"The answer is that of the tag in If-None-Match."})");
    }
    json.Json("422", ResponseJson("`detail` says what is wrong with the request."));
    json.Json("500", ResponseJson("The question could not be answered."));
    json.Json("503", ResponseJson("Not now; try again after Retry-After seconds."));
  });
}

constexpr char kBodyJson[] =
    R"({"required":true,"content":{)"
    R"("application/json":{"schema":{"oneOf":[{"type":"object"},{"type":"array","items":{"type":"object"}}]}},)"
    R"("application/x-ndjson":{"schema":{"type":"string"}}}})";

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
                 json.Json("parameters", ParametersJson(route));
                 if (route.method == "POST") json.Json("requestBody", kBodyJson);
                 json.Json("responses", ResponsesJson(route));
               });
  });
  return ObjectJson([&](JsonObjectWriter& json) {
    json.Text("openapi", "3.1.0");
    json.Json("info", R"({"title":"Nerava Analytics","version":"1"})");
    json.Json("paths", ObjectJson([&](JsonObjectWriter& all) {
                for (const auto& [path, methods] : paths) all.Json(path, "{" + methods + "}");
              }));
  });
}

}  // namespace nerava::analytics
