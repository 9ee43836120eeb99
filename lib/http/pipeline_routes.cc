// The pipeline itself: what it counts, how it is, and events for it.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "lib/event/json_writer.h"
#include "lib/event/text.h"
#include "lib/http/event_list.h"
#include "lib/http/headers.h"
#include "lib/http/routes.h"
#include "lib/watch/operation.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics::http {
namespace {

constexpr Parameter kFlush{
    "flush", Parameter::Kind::kBoolean,
    "Answer once the events are stored and in the KPIs, for which it waits up to 10 s."};
constexpr const Parameter* kEventsParameters[] = {&kFlush};

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
                  json.Json("alerts", analytics::ToJson(WithoutCauses(call.pipeline.alerts())));
                })};
}

absl::StatusOr<Answer> AnswerOpenApi(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  return Answer{200, OpenApiJson()};
}

// What became of one event.
struct Result {
  std::string event_id;  // of an accepted one
  absl::Status status;
};

std::string ToJson(const Result& result) {
  return ObjectJson([&](JsonObjectWriter& json) {
    if (result.status.ok()) {
      json.Text("status", "accepted");
      json.Text("event_id", result.event_id);
    } else if (absl::IsInvalidArgument(result.status)) {
      json.Text("status", "rejected");
      json.Text("reason", RejectReasonName(ReasonOf(result.status)));
      json.Text("detail", ValidText(std::string(result.status.message())));
    } else {
      json.Text("status", "unavailable");
    }
  });
}

struct Counts {
  std::size_t accepted = 0;
  std::size_t rejected = 0;
  std::size_t unavailable = 0;
  bool all_tried() const { return unavailable == 0; }
};

Counts CountOf(const std::vector<Result>& results) {
  Counts counts;
  for (const Result& result : results) {
    std::size_t& count = result.status.ok()                       ? counts.accepted
                         : absl::IsInvalidArgument(result.status) ? counts.rejected
                                                                  : counts.unavailable;
    ++count;
  }
  return counts;
}

// 202: all; 422: none, for what they are; 207: some; 503: what is not accepted could be later.
Answer ToAnswer(const std::vector<Result>& results, const Counts& counts, bool stored) {
  const bool all_tried = counts.all_tried();
  std::string array;
  for (const Result& result : results) array += (array.empty() ? "" : ",") + ToJson(result);
  Answer answer;
  answer.retry = !all_tried || !stored;
  answer.status = answer.retry                        ? 503
                  : counts.accepted == results.size() ? 202
                  : counts.accepted == 0              ? 422
                                                      : 207;
  answer.body = ObjectJson([&](JsonObjectWriter& json) {
    if (!all_tried) {
      json.Text("detail", "no further events are taken now; send all of them again a little later");
    } else if (!stored) {
      json.Text("detail", "the events are accepted, but not stored yet");
    } else if (counts.accepted == 0 && counts.rejected > 0) {
      json.Text("detail", "no event is accepted; see results");
    }
    json.Json("accepted", JsonOf(counts.accepted));
    json.Json("rejected", JsonOf(counts.rejected));
    json.Json("results", "[" + array + "]");
  });
  return answer;
}

absl::StatusOr<Answer> AnswerEvents(Call& call) {
  const bool flush = call.parameters.Boolean(kFlush);
  if (!call.parameters.Check()) return Answer{};
  const std::string type =
      absl::AsciiStrToLower(std::string(HeaderOf(call.request, "Content-Type")));
  const bool is_ndjson = type.find("ndjson") != std::string::npos;
  auto events = SplitEvents(call.request.body, is_ndjson);
  if (!events.ok()) return events.status();
  std::vector<Result> results;
  for (const std::string_view json : *events) {
    // After one that had no room the others are not tried: each would wait for some.
    const bool goes_on = results.empty() || results.back().status.ok() ||
                         absl::IsInvalidArgument(results.back().status);
    if (!goes_on) {
      results.push_back({"", results.back().status});
      continue;
    }
    auto event = call.pipeline.PublishJson(json);
    results.push_back({event.ok() ? (*event)->event_id : "", event.status()});
  }
  const Counts counts = CountOf(results);
  const bool waits = flush && counts.accepted > 0 && counts.all_tried();
  const bool stored = !waits || call.pipeline.Flush(call.options.flush_timeout) == 0;
  return ToAnswer(results, counts, stored);
}

constexpr Route kRoutes[] = {
    {"POST",
     "/v1/analytics/events",
     "Publishes domain events: one, an array, or one a line (NDJSON). Sent again with the same "
     "event_id they count once.",
     kEventsParameters,
     &AnswerEvents,
     {"Results", false, "NotAllAccepted"}},
    {"GET", "/v1/analytics/stats", "What the pipeline counts.", {}, &AnswerStats, {"Stats", false}},
    {"GET",
     "/v1/analytics/health",
     "How the pipeline is: 200, or 503 when unhealthy.",
     {},
     &AnswerHealth,
     {"Health", false, "Health"}},
    {"GET",
     "/v1/analytics/watches",
     "Alerts that are pending or firing.",
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
