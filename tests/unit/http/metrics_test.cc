// What Prometheus reads.
#include "lib/http/metrics.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "nerava/analytics/rejection.h"
#include "tests/support/fake_store.h"

namespace nerava::analytics {
namespace {

Options TestOptions() {
  Options options;
  options.database_url = "memory:";
  options.writer.flush_interval = absl::Hours(1);
  options.data_retention.enabled = false;
  options.alerts.interval = absl::InfiniteDuration();
  return options;
}

struct Scrape {
  std::map<std::string, double> samples;     // by name and labels
  std::map<std::string, std::string> types;  // by family
};

// Fails for what is no line of the format, for a sample before its family's head, and for two of one name.
Scrape Parse(const std::string& text) {
  Scrape scrape;
  std::string family;
  REQUIRE(text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    if (line.starts_with("# ")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      REQUIRE(words.size() >= 4);
      if (words[1] == "TYPE") {
        CHECK(words[2] == family);
        CHECK(scrape.types.emplace(family, words[3]).second);
      } else {
        family = words[2];
        CHECK(family.starts_with("nerava_analytics_"));
      }
      continue;
    }
    CHECK(line.starts_with(family));
    const std::size_t space = line.rfind(' ');
    double value = 0;
    REQUIRE(absl::SimpleAtod(line.substr(space + 1), &value));
    CHECK(scrape.samples.emplace(line.substr(17, space - 17), value).second);
  }
  return scrape;
}

Scrape ScrapeOf(Pipeline& pipeline) {
  const HttpResponse response = HttpApi(pipeline).Handle({"GET", "/metrics"});
  REQUIRE(response.status == 200);
  CHECK(response.headers.front().value == "text/plain; version=0.0.4; charset=utf-8");
  return Parse(response.body);
}

TEST_CASE("Metrics are those of the stats and of the KPIs", "[http]") {
  constexpr char kStarted[] =
      R"({"event_type":"charge_started","session_id":"s1","event_id":"a","user_id":"u",)"
      R"("window_id":"green_hour"})";
  auto pipeline = *Pipeline::Open(TestOptions());
  for (const char* json :
       {kStarted,
        R"({"event_type":"charge_started","session_id":"s2","event_id":"b","user_id":"u"})",
        R"({"event_type":"charge_stopped","session_id":"s1","event_id":"c","user_id":"u",)"
        R"("kwh_consumed":10,"total_reward_usd":2.5})",
        kStarted}) {
    REQUIRE(pipeline->PublishJson(json).ok());
  }
  CHECK_FALSE(pipeline->PublishJson("{").ok());
  REQUIRE(pipeline->Flush() == 0);
  const PipelineStats stats = *pipeline->stats();
  Scrape scrape = ScrapeOf(*pipeline);
  auto& samples = scrape.samples;

  CHECK(samples.at("events_accepted_total") == 4);
  CHECK(samples.at("events_committed_total") == static_cast<double>(stats.writer.committed));
  CHECK(samples.at("events_duplicate_total") == static_cast<double>(stats.writer.duplicates));
  CHECK(samples.at("events_rejected_total{reason=\"malformed_json\"}") == 1);
  CHECK(samples.at("events_stored") == 3);
  CHECK(samples.at("events_stored_by_type{type=\"analytics_charge_started\"}") == 2);
  CHECK(samples.at("events_stored_by_region{region=\"default\"}") == 3);
  CHECK(samples.at("events_pending") == 0);
  CHECK(samples.at("writer_running") == 1);
  CHECK(samples.at("last_commit_timestamp_seconds") ==
        Approx(absl::ToDoubleSeconds(stats.writer.last_commit_time - absl::UnixEpoch())));
  CHECK(samples.at("retention_last_run_timestamp_seconds") == 0);
  CHECK(samples.at("health{status=\"healthy\"}") == 1);
  CHECK(samples.at("health{status=\"unhealthy\"}") == 0);

  for (const char* period : {"1d", "7d"}) {
    const auto kpi = [&](const char* name) {
      return samples.at(fmt::format("kpi_{}{{period=\"{}\"}}", name, period));
    };
    CHECK(kpi("up") == 1);
    CHECK(kpi("sessions_started") == 2);
    CHECK(kpi("sessions_completed") == 1);
    CHECK(kpi("sessions_credited") == 0);
    CHECK(kpi("completion_rate_percent") == 50);
    CHECK(kpi("credit_rate_percent") == 0);
    CHECK(kpi("sessions") == 1);
    CHECK(kpi("green_hour_utilization_percent") == 100);
    CHECK(kpi("unique_users") == 1);
    CHECK(kpi("sessions_per_user") == 1);
    CHECK(kpi("rewards_usd") == 2.5);
    CHECK(kpi("credited_usd") == 0);
    CHECK(kpi("energy_kwh") == 10);
  }
  for (const auto& [family, type] : scrape.types) {
    INFO(family);
    CHECK(family.ends_with("_total") == (type == "counter"));
  }
}

TEST_CASE("Histograms of metrics are cumulative, and hold what the stats hold", "[http]") {
  auto pipeline = *Pipeline::Open(TestOptions());
  for (int size : {1, 1, 2, 3, 200}) {
    for (int i = 0; i < size; ++i) {
      REQUIRE(pipeline->PublishJson(R"({"event_type":"charge_started","session_id":"s"})").ok());
    }
    REQUIRE(pipeline->Flush() == 0);
  }
  const BatchWriterStats stats = pipeline->stats()->writer;
  const Scrape scrape = ScrapeOf(*pipeline);
  const auto& samples = scrape.samples;
  CHECK(scrape.types.at("nerava_analytics_commit_events") == "histogram");
  CHECK(samples.at("commit_events_bucket{le=\"+Inf\"}") == static_cast<double>(stats.commits));
  CHECK(samples.at("commit_events_count") == static_cast<double>(stats.commits));
  CHECK(samples.at("commit_events_sum") == 207);
  CHECK(samples.at("commit_events_bucket{le=\"0\"}") == 0);
  CHECK(samples.at("commit_events_bucket{le=\"1\"}") >= 2);
  CHECK(samples.at("commit_duration_seconds_count") == static_cast<double>(stats.commits));
  CHECK(samples.at("commit_duration_seconds_sum") ==
        Approx(static_cast<double>(stats.commit_latency_us.sum) / 1e6));
  for (const std::string name : {"commit_events", "commit_duration_seconds"}) {
    std::map<double, double> buckets;
    for (const auto& [key, value] : samples) {
      const std::string begin = name + "_bucket{le=\"";
      double bound = 0;
      if (!key.starts_with(begin)) continue;
      REQUIRE(absl::SimpleAtod(key.substr(begin.size(), key.size() - begin.size() - 2), &bound));
      buckets[bound] = value;
    }
    CHECK(buckets.size() == Histogram::kBuckets);
    double before = 0;
    for (const auto& [bound, count] : buckets) {
      CHECK(count >= before);
      before = count;
    }
  }
}

TEST_CASE("Names in metrics cannot break their lines", "[http]") {
  auto pipeline = *Pipeline::Open(TestOptions());
  REQUIRE(pipeline
              ->PublishJson(R"({"event_type":"charge_started","session_id":"s",)"
                            R"("region":"a\"} 1\nb\\"})")
              .ok());
  REQUIRE(pipeline->Flush() == 0);
  const Scrape scrape = ScrapeOf(*pipeline);
  CHECK(scrape.samples.at(R"(events_stored_by_region{region="a\"} 1\nb\\"})") == 1);
}

TEST_CASE("Metrics are there when the store is not", "[http]") {
  auto store = std::make_shared<FakeStore>();
  auto pipeline = *Pipeline::Open(TestOptions(), store);
  store->FailReads(absl::UnavailableError("no"));
  const Scrape scrape = ScrapeOf(*pipeline);
  CHECK(scrape.samples.at("health{status=\"unhealthy\"}") == 1);
  CHECK(scrape.samples.at("kpi_up{period=\"7d\"}") == 0);
  CHECK(scrape.samples.count("kpi_sessions{period=\"7d\"}") == 0);
  CHECK(scrape.samples.at("events_accepted_total") == 0);
  CHECK(scrape.samples.at("store_up") == 0);
  CHECK(scrape.samples.count("events_stored") == 0);  // it is not 0, nobody knows
}

TEST_CASE("Metrics have so many regions and no more: they come from events", "[http]") {
  auto pipeline = *Pipeline::Open(TestOptions());
  for (int i = 0; i < 150; ++i) {
    for (int times = 0; times < (i == 149 ? 2 : 1); ++times) {
      REQUIRE(pipeline
                  ->PublishJson(fmt::format(
                      R"({{"event_type":"charge_started","session_id":"s","region":"r{:03}"}})", i))
                  .ok());
    }
  }
  REQUIRE(pipeline->Flush() == 0);
  const Scrape scrape = ScrapeOf(*pipeline);
  const auto regions = std::count_if(
      scrape.samples.begin(), scrape.samples.end(),
      [](const auto& sample) { return sample.first.starts_with("events_stored_by_region"); });
  CHECK(regions == 100);
  CHECK(scrape.samples.at("events_stored_by_region{region=\"r149\"}") == 2);  // the largest
  CHECK(scrape.samples.at("events_stored") == 151);
}

TEST_CASE("Metrics count a watch's alerts by state, whatever its name and its groups", "[http]") {
  auto pipeline = *Pipeline::Open(TestOptions());
  Watch watch{"a\"} 1\n\\", "sessions_started"};
  watch.each = Dimension::kHub;
  REQUIRE(pipeline->AddWatch(watch).ok());
  for (const char* hub : {"h1", "h2"}) {
    REQUIRE(pipeline
                ->PublishJson(fmt::format(
                    R"({{"event_type":"charge_started","session_id":"s{0}","hub_id":"{0}"}})", hub))
                .ok());
  }
  REQUIRE(pipeline->Flush() == 0);
  REQUIRE(pipeline->CheckWatches().ok());
  const Scrape scrape = ScrapeOf(*pipeline);
  CHECK(scrape.samples.at(R"(alerts{watch="a\"} 1\n\\",state="firing"})") == 2);
  CHECK(scrape.samples.at("health{status=\"degraded\"}") == 1);
}

// Members of the stats are bound by their number: a new one does not compile here until somebody has
// said which metric it is.
TEST_CASE("Every number of the stats is a metric", "[http]") {
  Health health;
  double next = 0;
  std::map<std::string, double> expected;
  const auto is = [&](const char* metric, auto& member) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(++next);
    CHECK(expected.emplace(metric, next).second);
  };
  const auto time_is = [&](const char* metric, absl::Time& member) {
    member = absl::FromUnixSeconds(static_cast<std::int64_t>(++next));
    CHECK(expected.emplace(metric, next).second);
  };
  const auto fails = [&](const char* metric, std::string& error) {
    error = "secret";
    CHECK(expected.emplace(metric, 1).second);
  };
  const auto spread = [&](const std::string& metric, Histogram& histogram, double per_unit) {
    histogram.Add(static_cast<std::uint64_t>(++next));
    CHECK(expected.emplace(metric + "_sum", next / per_unit).second);
  };

  auto& [producer, bus, writer, retention, kpi_cache, stored] = health.stats;
  {
    auto& [published, rejected, by_reason] = producer;
    is("events_published_total", published);
    for (std::size_t i = 0; i < by_reason.size(); ++i) {
      const auto name = RejectReasonName(static_cast<RejectReason>(i));
      is(fmt::format("events_rejected_total{{reason=\"{}\"}}", name).c_str(), by_reason[i]);
      rejected += by_reason[i];  // their sum
    }
  }
  {
    auto& [published, refused, deliveries, failures, subscribers] = bus;
    is("bus_published_total", published);
    is("bus_refused_total", refused);
    is("bus_deliveries_total", deliveries);
    is("bus_handler_failures_total", failures);
    is("bus_subscribers", subscribers);
  }
  {
    auto& [accepted, recovered, committed, duplicates, conflicts, dead_lettered, dropped,
           dropped_oldest, dropped_unreadable, pending, overflows, overflow_timeouts, commits,
           failed_commits, breaker_trips, dead_letters, running, last_error, last_commit_time,
           oldest_pending_age, batch_sizes, commit_latency_us, durability, journal] = writer;
    is("events_accepted_total", accepted);
    is("events_recovered_total", recovered);
    is("events_committed_total", committed);
    is("events_duplicate_total", duplicates);
    is("events_conflicting_total", conflicts);
    is("events_dead_lettered_total", dead_lettered);
    is("events_dropped_total", dropped);
    is("events_dropped_oldest_total", dropped_oldest);
    is("events_dropped_unreadable_total", dropped_unreadable);
    is("events_pending", pending);
    is("overflows_total", overflows);
    is("overflow_timeouts_total", overflow_timeouts);
    is("commits_total", commits);
    is("commit_failures_total", failed_commits);
    is("breaker_trips_total", breaker_trips);
    is("dead_letters", dead_letters);
    running = true;
    expected["writer_running"] = 1;
    fails("commits_failing", last_error);
    time_is("last_commit_timestamp_seconds", last_commit_time);
    oldest_pending_age = absl::Milliseconds(1500);
    expected["oldest_pending_seconds"] = 1.5;
    spread("commit_events", batch_sizes, 1);
    spread("commit_duration_seconds", commit_latency_us, 1e6);
    durability = Durability::kPower;
    expected["journal_info{durability=\"power\"}"] = 1;

    auto& [bytes, segments, syncs, sync_errors, write_errors, journal_error, adopted, torn_tails,
           quarantined] = journal;
    is("journal_bytes", bytes);
    is("journal_segments", segments);
    is("journal_syncs_total", syncs);
    is("journal_sync_errors_total", sync_errors);
    is("journal_write_errors_total", write_errors);
    fails("journal_failing", journal_error);
    is("journal_adopted_segments_total", adopted);
    is("journal_torn_tails_total", torn_tails);
    is("journal_quarantined_segments_total", quarantined);
  }
  {
    auto& [runs, events, aggregate_days, snapshot_days, freed_bytes, last_run, last_error] =
        retention;
    is("retention_runs_total", runs);
    is("retention_events_dropped_total", events);
    is("retention_aggregates_dropped_total", aggregate_days);
    is("retention_snapshots_dropped_total", snapshot_days);
    is("retention_freed_bytes_total", freed_bytes);
    time_is("retention_last_run_timestamp_seconds", last_run);
    fails("retention_failing", last_error);
  }
  {
    auto& [hits, shared, misses, failures, warmed, evictions, entries, bytes] = kpi_cache;
    is("kpi_cache_hits_total", hits);
    is("kpi_cache_shared_total", shared);
    is("kpi_cache_misses_total", misses);
    is("kpi_cache_failures_total", failures);
    is("kpi_cache_warmed_total", warmed);
    is("kpi_cache_evictions_total", evictions);
    is("kpi_cache_entries", entries);
    is("kpi_cache_bytes", bytes);
  }
  {
    auto& [total, by_type, by_region] = stored;
    is("events_stored", total);
    is("events_stored_by_type{type=\"t\"}", by_type["t"]);
    is("events_stored_by_region{region=\"r\"}", by_region["r"]);
  }

  BatchWriterOptions options;
  options.queue_capacity = 70'000;
  options.journal.max_bytes = 3'000'000;
  options.journal.segment_bytes = 1'000'000;
  health.stats.writer.journal.bytes = 2'250'000;
  expected["journal_bytes"] = 2'250'000;
  expected["events_pending_limit"] = 70'000;
  expected["journal_limit_bytes"] = 3'000'000;
  expected["journal_fill_ratio"] = 0.25;

  auto pipeline = *Pipeline::Open(TestOptions());
  const std::string text = http::MetricsText(health, true, options, pipeline->kpis());
  CHECK(text.find("secret") == text.npos);
  const Scrape scrape = Parse(text);
  for (const auto& [name, value] : expected) {
    INFO(name);
    REQUIRE(scrape.samples.count(name) == 1);
    CHECK(scrape.samples.at(name) == Approx(value));
  }
}

}  // namespace
}  // namespace nerava::analytics
