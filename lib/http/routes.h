// What there is to ask for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "lib/http/parameters.h"
#include "nerava/analytics/http.h"
#include "nerava/analytics/pipeline.h"

namespace nerava::analytics::http {

// One request, on its way.
struct Call {
  Pipeline& pipeline;
  const HttpApiOptions& options;
  const HttpRequest& request;
  Parameters parameters;
  int default_days;

  const KpiCalculator& kpis() const { return pipeline.kpis(); }
};

struct Answer {
  int status = 200;
  std::string body = {};
  // What tells this answer from another one to the same request; empty: do not ask.
  std::string version = {};
  bool retry = false;  // a little later
  std::string_view content_type = "application/json";
  std::vector<HttpHeader> headers = {};  // beside those that every answer has
  std::string next_target = {};          // of the response
  absl::Duration next_after = absl::ZeroDuration();
};

// What a route says when all is well: a schema of schema.h, by its name.
struct Reply {
  std::string_view schema;
  bool has_tag = true;                   // an ETag, and so 304
  std::string_view when_unhealthy = {};  // with 503, beside Error
  std::string_view content_type = "application/json";
  bool is_page = false;             // with a cursor, and also as NDJSON
  bool not_of_every_store = false;  // 501
};

struct Route {
  std::string_view method;
  std::string_view path;
  std::string_view summary;
  absl::Span<const Parameter* const> parameters;
  // Takes these, then calls Check; when that says no, what it returns is not looked at.
  absl::StatusOr<Answer> (*answer)(Call& call);
  Reply reply;
  int default_days = 7;
};

absl::Span<const Route> KpiRoutes();
absl::Span<const Route> ReportRoutes();
absl::Span<const Route> EventRoutes();
absl::Span<const Route> ChangeRoutes();
absl::Span<const Route> PipelineRoutes();
absl::Span<const Route> MetricsRoutes();

// Each of them.
template <typename Sink>
void ForEachRoute(Sink sink) {
  for (const auto routes : {KpiRoutes(), ReportRoutes(), EventRoutes(), ChangeRoutes(),
                            PipelineRoutes(), MetricsRoutes()}) {
    for (const Route& route : routes) sink(route);
  }
}

}  // namespace nerava::analytics::http
