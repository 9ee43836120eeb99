// The pipeline itself: what it counts, and how it is.
#include <algorithm>
#include <string>

#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/http/routes.h"
#include "lib/watch/operation.h"

namespace nerava::analytics::http {
namespace {

// A store's error may tell what is nobody's business: only what it was about is left.
std::string WithoutCause(const std::string& error) { return error.substr(0, error.find(':')); }

void RemoveCauses(PipelineStats* stats) {
  for (std::string* error : {&stats->writer.last_error, &stats->writer.journal.last_error,
                             &stats->retention.last_error}) {
    if (!error->empty()) *error = "see the service's log";
  }
}

// Of the alerts about the pipeline, whose messages may end with an error.
std::vector<Alert> WithoutCauses(std::vector<Alert> alerts) {
  for (Alert& alert : alerts) {
    if (!Operation::IsName(alert.watch)) continue;
    std::string& message = alert.message;
    message.resize(std::min(message.size(), message.find(": ", message.find(": ") + 1)));
  }
  return alerts;
}

Health WithoutCauses(Health health) {
  RemoveCauses(&health.stats);
  health.reason = WithoutCause(health.reason);
  for (std::string& warning : health.warnings) warning = WithoutCause(warning);
  health.alerts = WithoutCauses(std::move(health.alerts));
  return health;
}

absl::StatusOr<Answer> AnswerStats(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  auto stats = call.pipeline.stats();
  if (!stats.ok()) return stats.status();
  RemoveCauses(&*stats);
  return Answer{200, analytics::ToJson(*stats)};
}

absl::StatusOr<Answer> AnswerHealth(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  const Health health = WithoutCauses(call.pipeline.health());
  return Answer{health.healthy ? 200 : 503, analytics::ToJson(health), "", !health.healthy};
}

absl::StatusOr<Answer> AnswerReady(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  const Health health = WithoutCauses(call.pipeline.health());
  return Answer{health.healthy ? 200 : 503, ObjectJson([&](JsonObjectWriter& json) {
                  json.Text("status", health.healthy ? "ready" : "not ready");
                  json.Text("reason", ValidText(health.reason));
                }),
                "", !health.healthy};
}

absl::StatusOr<Answer> AnswerAlive(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  return Answer{200, R"({"status":"alive"})"};
}

absl::StatusOr<Answer> AnswerWatches(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  return Answer{200, ObjectJson([&](JsonObjectWriter& json) {
                  json.Json("watches", analytics::ToJson(call.pipeline.watches()));
                  json.Json("alerts", analytics::ToJson(WithoutCauses(call.pipeline.alerts())));
                })};
}

absl::StatusOr<Answer> AnswerOpenApi(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  return Answer{200, OpenApiJson()};
}

constexpr Route kRoutes[] = {
    {"GET", "/v1/analytics/stats", "What the pipeline counts.", {}, &AnswerStats, {"Stats", false}},
    {"GET",
     "/v1/analytics/health",
     "How the pipeline is: 200, or 503 when unhealthy.",
     {},
     &AnswerHealth,
     {"Health", false, "Health"}},
    {"GET",
     "/v1/analytics/watches",
     "The watches, and the alerts that are pending or firing.",
     {},
     &AnswerWatches,
     {"Watches", false}},
    {"GET",
     "/v1/analytics/openapi.json",
     "This description.",
     {},
     &AnswerOpenApi,
     {"OpenApi", false}},
    {"GET", "/livez", "Whether the process answers.", {}, &AnswerAlive, {"Alive", false}},
    {"GET",
     "/readyz",
     "Whether events and questions can be sent: 200, or 503.",
     {},
     &AnswerReady,
     {"Ready", false, "Ready"}},
};

}  // namespace

absl::Span<const Route> PipelineRoutes() { return kRoutes; }

}  // namespace nerava::analytics::http
