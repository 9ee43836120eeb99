// What Prometheus scrapes.
#include "lib/http/metrics.h"
#include "lib/http/routes.h"

namespace nerava::analytics::http {
namespace {

constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

absl::StatusOr<Answer> AnswerMetrics(Call& call) {
  if (!call.parameters.Check()) return Answer{};
  Health health = call.pipeline.health();
  // The health does not say whether there is nothing, or nothing could be read.
  const auto stats = call.pipeline.stats();
  if (stats.ok()) health.stats.stored = stats->stored;
  Answer answer{200, MetricsText(health, stats.ok(), call.pipeline.options().writer, call.kpis())};
  answer.content_type = kMetricsType;
  return answer;
}

constexpr Route kRoutes[] = {{"GET",
                              "/metrics",
                              "What the pipeline counts and headline KPIs, for Prometheus.",
                              {},
                              &AnswerMetrics,
                              {"Metrics", false, "", "text/plain"}}};

}  // namespace

absl::Span<const Route> MetricsRoutes() { return kRoutes; }

}  // namespace nerava::analytics::http
