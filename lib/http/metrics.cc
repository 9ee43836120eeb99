#include "lib/http/metrics.h"

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "lib/http/exposition.h"
#include "lib/journal/fill.h"
#include "lib/pipeline/names.h"
#include "lib/watch/names.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics::http {
namespace {

struct PipelineMetric {
  std::string_view name;  // behind "nerava_analytics_"; that of a counter ends with "_total"
  std::string_view help;
  double (*value)(const PipelineStats& stats);
};

// A macro, as a table of members of members of different types would be none.
#define NERAVA_METRIC(name, help, member)                                                    \
  {                                                                                          \
    name, help, [](const PipelineStats& stats) { return static_cast<double>(stats.member); } \
  }
#define NERAVA_FAILING(name, help, error)                                                \
  {                                                                                      \
    name, help, [](const PipelineStats& stats) { return stats.error.empty() ? 0. : 1.; } \
  }

constexpr PipelineMetric kPipelineMetrics[] = {
    NERAVA_METRIC("events_published_total", "Events that every required subscriber took.",
                  producer.published),
    NERAVA_METRIC("events_accepted_total", "Events taken by the batch writer.", writer.accepted),
    NERAVA_METRIC("events_recovered_total",
                  "Of those accepted, from the journal of a process that died.", writer.recovered),
    NERAVA_METRIC("events_committed_total", "Events stored, and in the KPIs.", writer.committed),
    NERAVA_METRIC("events_duplicate_total", "Events known before.", writer.duplicates),
    NERAVA_METRIC("events_conflicting_total", "Events known before with another payload.",
                  writer.conflicts),
    NERAVA_METRIC("events_dead_lettered_total", "Events that the store refused.",
                  writer.dead_lettered),
    NERAVA_METRIC("events_dropped_total", "Accepted events given up.", writer.dropped),
    NERAVA_METRIC("events_dropped_oldest_total", "Of those dropped, to make room.",
                  writer.dropped_oldest),
    NERAVA_METRIC("events_dropped_unreadable_total",
                  "Of those dropped, in files that were removed or damaged.",
                  writer.dropped_unreadable),
    NERAVA_METRIC("events_pending", "Events that wait for a commit or are in one.", writer.pending),
    NERAVA_METRIC("overflows_total", "Events refused for want of room.", writer.overflows),
    NERAVA_METRIC("overflow_timeouts_total", "Of the overflows, after waiting.",
                  writer.overflow_timeouts),
    NERAVA_METRIC("commits_total", "Transactions.", writer.commits),
    NERAVA_METRIC("commit_failures_total", "Transactions that failed and were tried again.",
                  writer.failed_commits),
    NERAVA_FAILING("commits_failing", "1 after a commit failed, until one succeeds.",
                   writer.last_error),
    NERAVA_METRIC("breaker_trips_total", "Batches put off since too many were refused.",
                  writer.breaker_trips),
    NERAVA_METRIC("dead_letters", "Dead letters kept.", writer.dead_letters),
    NERAVA_METRIC("writer_running", "1 while the writer's thread runs.", writer.running),
    NERAVA_METRIC("journal_bytes", "Of this process's journal on disk.", writer.journal.bytes),
    NERAVA_METRIC("journal_segments", "Files of this process's journal.", writer.journal.segments),
    NERAVA_METRIC("journal_syncs_total", "Syncs of the journal.", writer.journal.syncs),
    NERAVA_METRIC("journal_sync_errors_total", "Syncs that failed.", writer.journal.sync_errors),
    NERAVA_METRIC("journal_write_errors_total", "Writes that failed: events were not accepted.",
                  writer.journal.write_errors),
    NERAVA_FAILING("journal_failing", "1 after a write or sync failed, until one succeeds.",
                   writer.journal.last_error),
    NERAVA_METRIC("journal_adopted_segments_total", "Files of dead processes taken over.",
                  writer.journal.adopted_segments),
    NERAVA_METRIC("journal_torn_tails_total", "Of the adopted segments, with an unfinished end.",
                  writer.journal.torn_tails),
    NERAVA_METRIC("journal_quarantined_segments_total", "Of the adopted segments, damaged.",
                  writer.journal.quarantined_segments),
    NERAVA_METRIC("retention_runs_total", "Runs of data retention.", retention.runs),
    NERAVA_FAILING("retention_failing", "1 while old data could not be dropped.",
                   retention.last_error),
    NERAVA_METRIC("retention_events_dropped_total", "Events dropped by age.", retention.events),
    NERAVA_METRIC("retention_aggregates_dropped_total", "Days of aggregates dropped by age.",
                  retention.aggregate_days),
    NERAVA_METRIC("retention_snapshots_dropped_total", "Days of daily KPIs dropped by age.",
                  retention.snapshot_days),
    NERAVA_METRIC("retention_freed_bytes_total", "Given back to the file system.",
                  retention.freed_bytes),
    NERAVA_METRIC("kpi_cache_hits_total", "Questions answered from the cache.", kpi_cache.hits),
    NERAVA_METRIC("kpi_cache_shared_total",
                  "Questions answered from what another thread was computing.", kpi_cache.shared),
    NERAVA_METRIC("kpi_cache_misses_total", "Questions that were computed.", kpi_cache.misses),
    NERAVA_METRIC("kpi_cache_failures_total", "Of the misses, those the store could not answer.",
                  kpi_cache.failures),
    NERAVA_METRIC("kpi_cache_warmed_total", "Answers computed before anybody asked.",
                  kpi_cache.warmed),
    NERAVA_METRIC("kpi_cache_evictions_total", "Answers removed to make room.",
                  kpi_cache.evictions),
    NERAVA_METRIC("kpi_cache_entries", "Answers kept.", kpi_cache.entries),
    NERAVA_METRIC("kpi_cache_bytes", "Memory of the answers kept.", kpi_cache.bytes),
    NERAVA_METRIC("bus_published_total", "Events that the bus took.", bus.published),
    NERAVA_METRIC("bus_refused_total", "Events that a required subscriber refused.", bus.refused),
    NERAVA_METRIC("bus_deliveries_total", "Calls of handlers that went well.", bus.deliveries),
    NERAVA_METRIC("bus_handler_failures_total", "Calls of handlers that did not.",
                  bus.handler_failures),
    NERAVA_METRIC("bus_subscribers", "Subscriptions.", bus.subscribers),
};
#undef NERAVA_METRIC
#undef NERAVA_FAILING

struct KpiMetric {
  std::string_view name;  // behind "nerava_analytics_kpi_"
  std::string_view help;
  double (*value)(const AllKpis& kpis);
};

constexpr KpiMetric kKpiMetrics[] = {
    {"sessions_started", "Sessions that started.",
     [](const AllKpis& k) { return static_cast<double>(k.conversion_funnel.sessions_started); }},
    {"sessions_completed", "Of those started, that stopped.",
     [](const AllKpis& k) { return static_cast<double>(k.conversion_funnel.sessions_completed); }},
    {"sessions_credited", "Of those completed, that were paid.",
     [](const AllKpis& k) { return static_cast<double>(k.conversion_funnel.sessions_credited); }},
    {"completion_rate_percent", "Completed, of those started.",
     [](const AllKpis& k) { return k.conversion_funnel.completion_rate; }},
    {"credit_rate_percent", "Credited, of those completed.",
     [](const AllKpis& k) { return k.conversion_funnel.credit_rate; }},
    {"sessions", "Sessions that stopped.",
     [](const AllKpis& k) { return static_cast<double>(k.revenue_metrics.total_sessions); }},
    {"green_hour_utilization_percent", "Sessions in an incentive window, of all that stopped.",
     [](const AllKpis& k) { return k.green_hour_utilization.utilization_rate; }},
    {"unique_users", "Users with a session that stopped.",
     [](const AllKpis& k) { return static_cast<double>(k.streak_metrics.unique_users); }},
    {"sessions_per_user", "Sessions that stopped, by unique users.",
     [](const AllKpis& k) { return k.streak_metrics.sessions_per_user; }},
    {"rewards_usd", "Rewards, US dollars.",
     [](const AllKpis& k) { return k.revenue_metrics.total_rewards_usd; }},
    {"credited_usd", "Credits to wallets, US dollars.",
     [](const AllKpis& k) { return k.revenue_metrics.credited_usd; }},
    {"energy_kwh", "Energy, kilowatt-hours.",
     [](const AllKpis& k) { return k.revenue_metrics.energy_kwh; }},
};

void AddPipeline(const PipelineStats& stats, Exposition* out) {
  for (const PipelineMetric& metric : kPipelineMetrics) {
    out->One(metric.name, metric.help, metric.value(stats));
  }
  out->Head("events_rejected_total", "counter", "Events refused for what they are.");
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    out->Sample(static_cast<double>(stats.producer.rejected_by_reason[i]),
                Label("reason", RejectReasonName(static_cast<RejectReason>(i))));
  }
  out->One("oldest_pending_seconds", "How long the oldest pending event waits.",
           absl::ToDoubleSeconds(stats.writer.oldest_pending_age));
  for (const auto& [name, help, time] :
       {std::tuple("last_commit_timestamp_seconds", "When the last commit was; 0: none yet.",
                   stats.writer.last_commit_time),
        std::tuple("retention_last_run_timestamp_seconds", "When data retention ran; 0: not yet.",
                   stats.retention.last_run)}) {
    out->One(name, help,
             time == absl::InfinitePast() ? 0 : absl::ToDoubleSeconds(time - absl::UnixEpoch()));
  }
  out->Distribution("commit_duration_seconds", "How long transactions took.",
                    stats.writer.commit_latency_us, 1e6);
  out->Distribution("commit_events", "Events of a transaction.", stats.writer.batch_sizes, 1);
}

void AddOptions(const BatchWriterStats& stats, const BatchWriterOptions& options, Exposition* out) {
  out->Head("build_info", "gauge", "1, with the library's version.");
  out->Sample(1, Label("version", NERAVA_VERSION));
  out->Head("journal_info", "gauge", "1, with the durability in force.");
  out->Sample(1, Label("durability", kDurabilityNames[static_cast<std::size_t>(stats.durability)]));
  out->One("events_pending_limit", "Events that may be pending: queue_capacity.",
           static_cast<double>(options.queue_capacity));
  out->One("journal_limit_bytes", "What the journal may take.",
           static_cast<double>(options.journal.max_bytes));
  out->One("journal_fill_ratio", "How full the journal is; at 1 events wait or are refused.",
           JournalFill(stats.journal, options.journal));
}

void AddStored(const EventCounts& stored, bool readable, Exposition* out) {
  out->One("store_up", "1 if the store could be read.", readable ? 1 : 0);
  if (!readable) return;
  out->One("events_stored", "Events that the store holds.", static_cast<double>(stored.total));
  out->Counts("events_stored_by_type",
              "Events that the store holds, of the 100 most frequent types.", "type",
              stored.by_type);
  out->Counts("events_stored_by_region", "Events that the store holds, of the 100 largest regions.",
              "region", stored.by_region);
}

void AddHealth(const Health& health, Exposition* out) {
  out->Head("health", "gauge", "1 for how the pipeline is.");
  for (std::size_t i = 0; i < kHealthStatusNames.size(); ++i) {
    out->Sample(i == static_cast<std::size_t>(health.status()) ? 1 : 0,
                Label("status", kHealthStatusNames[i]));
  }
  out->One("warnings", "What somebody should look at though all works.",
           static_cast<double>(health.warnings.size()));
  out->Head("alerts", "gauge", "Groups of a watch that are pending or firing.");
  std::map<std::pair<std::string, AlertState>, int> counts;
  for (const Alert& alert : health.alerts) ++counts[{alert.watch, alert.state}];
  for (const auto& [key, count] : counts) {
    out->Sample(count, fmt::format("{{watch=\"{}\",state=\"{}\"}}", Escaped(key.first),
                                   kAlertStateNames[static_cast<std::size_t>(key.second)]));
  }
}

struct AskedPeriod {
  std::string_view label;
  int days;
};
constexpr AskedPeriod kPeriods[] = {{"1d", 1}, {"7d", 7}};

// What cannot be answered is left out: the pipeline's own metrics say why.
void AddKpis(const KpiCalculator& kpis, Exposition* out) {
  std::vector<std::pair<std::string, AllKpis>> answers;
  out->Head("kpi_up", "gauge", "1 if the KPIs of the period could be computed.");
  for (const AskedPeriod& period : kPeriods) {
    const std::string label = Label("period", period.label);
    absl::StatusOr<AllKpis> answer = absl::UnknownError("");
    if (const auto query = kpis.LastDays(period.days); query.ok()) answer = kpis.GetAllKpis(*query);
    out->Sample(answer.ok() ? 1 : 0, label);
    if (answer.ok()) answers.emplace_back(label, *std::move(answer));
  }
  for (const KpiMetric& metric : kKpiMetrics) {
    out->Head("kpi_" + std::string(metric.name), "gauge", metric.help);
    for (const auto& [label, answer] : answers) out->Sample(metric.value(answer), label);
  }
}

}  // namespace

std::string MetricsText(const Health& health, bool stored, const BatchWriterOptions& options,
                        const KpiCalculator& kpis) {
  Exposition out;
  AddHealth(health, &out);
  AddPipeline(health.stats, &out);
  AddOptions(health.stats.writer, options, &out);
  AddStored(health.stats.stored, stored, &out);
  AddKpis(kpis, &out);
  return std::move(out).Take();
}

}  // namespace nerava::analytics::http
