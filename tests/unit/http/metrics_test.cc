// What Prometheus reads.
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
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
Scrape ScrapeOf(Pipeline& pipeline) {
  const HttpResponse response = HttpApi(pipeline).Handle({"GET", "/metrics"});
  REQUIRE(response.status == 200);
  CHECK(response.headers.front().value == "text/plain; version=0.0.4; charset=utf-8");
  Scrape scrape;
  std::string family;
  REQUIRE(response.body.ends_with('\n'));
  std::istringstream lines(response.body);
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
}

}  // namespace
}  // namespace nerava::analytics
