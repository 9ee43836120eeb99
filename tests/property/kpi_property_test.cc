// A KPI is a function of the set of events: random sets, in any order, batches and restarts, answered
// by the memory store, the SQLite store and SQL over the view.
//
// NERAVA_SEED=N runs one seed; NERAVA_SEEDS=N runs that many (default 300 a test).
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/report.h"
#include "nerava/analytics/store.h"
#include "tests/property/seeds.h"
#include "tests/support/random_events.h"
#include "tests/support/sql_kpis.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::RandomEvents;
using testing::SqlKpis;
using testing::TempDir;

constexpr int kQueries = 8;

KpiSummary Ask(const std::shared_ptr<Store>& store, const KpiQuery& query) {
  auto summary = KpiCalculator(store, "default").Summarize(query);
  REQUIRE(summary.ok());
  return *summary;
}

void CheckSame(const KpiSummary& expected, const KpiSummary& actual) {
  for (const Totals::Field& field : Totals::Fields()) {
    INFO(field.name);
    REQUIRE(actual.totals.*field.member == expected.totals.*field.member);
  }
  REQUIRE(actual.unique_users == expected.unique_users);
}

TEST_CASE("memory, SQLite and SQL over the view agree on any events with repeats and conflicts") {
  ForEachSeed([](std::uint64_t seed) {
    RandomEvents random(seed);
    const auto events = random.WithRepeats(random.Distinct(1 + random.Below(120)));

    const TempDir dir;
    const auto memory = Open("memory:");
    auto sqlite = Open(dir.SqliteUrl("events.db"));
    for (const auto& batch : random.Batches(events)) {
      const CommitResult expected = Commit(*memory, batch);
      const CommitResult actual = Commit(*sqlite, batch);
      REQUIRE(actual.committed == expected.committed);
      REQUIRE(actual.duplicates == expected.duplicates);
      REQUIRE(actual.conflicts == expected.conflicts);
      if (random.OneIn(8)) sqlite = nullptr, sqlite = Open(dir.SqliteUrl("events.db"));
    }
    SqlKpis sql(dir.File("events.db"));
    for (int i = 0; i < kQueries; ++i) {
      const KpiQuery query = random.Query(events);
      INFO("from " << absl::FormatTime(query.period.from) << " to "
                   << absl::FormatTime(query.period.to) << " region " << query.filter.region
                   << " hub " << query.filter.hub_id << " window " << query.filter.window_id);
      const KpiSummary expected = Ask(memory, query);
      CheckSame(expected, Ask(sqlite, query));
      CheckSame(expected, sql.Summarize(query));
    }
  });
}

TEST_CASE("order, batches and redelivery of the same events change no KPI") {
  ForEachSeed([](std::uint64_t seed) {
    RandomEvents random(seed);
    const auto events = random.Distinct(1 + random.Below(60));
    const auto reference = Open("memory:");
    Commit(*reference, events);

    const TempDir dir;
    for (const std::string& url : {std::string("memory:"), dir.SqliteUrl("events.db")}) {
      const auto store = Open(url);
      for (int delivery = 0; delivery < 2; ++delivery) {
        for (const auto& batch : random.Batches(random.Shuffled(events))) Commit(*store, batch);
      }
      for (int i = 0; i < kQueries; ++i) {
        const KpiQuery query = random.Query(events);
        CheckSame(Ask(reference, query), Ask(store, query));
      }
    }
  });
}

TEST_CASE("trends, breakdowns and comparisons are those of the events") {
  ForEachSeed([](std::uint64_t seed) {
    RandomEvents random(seed);
    const auto events = random.Distinct(1 + random.Below(80));
    const TempDir dir;
    const auto memory = Open("memory:");
    const auto sqlite = Open(dir.SqliteUrl("events.db"));
    for (const auto& batch : random.Batches(events)) {
      Commit(*memory, batch);
      Commit(*sqlite, batch);
    }
    const KpiCalculator kpis(sqlite, "default");
    const KpiQuery query = random.Query(events);
    const KpiSummary whole = Ask(memory, query);

    constexpr const char* kZones[] = {"UTC", "Europe/Berlin", "Asia/Kathmandu",
                                      "Australia/Lord_Howe"};
    const auto trend = kpis.GetTrend(
        {query.period, query.filter, Interval(random.Below(4)), kZones[random.Below(4)]});
    REQUIRE(trend.ok());
    Totals sum;
    absl::Time end = whole.period.from;
    for (const TrendBucket& bucket : trend->buckets) {
      CheckSame(Ask(memory, {bucket.summary.period, query.filter}), bucket.summary);
      REQUIRE(bucket.summary.period.from == end);
      end = bucket.summary.period.to;
      sum += bucket.summary.totals;
    }
    REQUIRE(end == whole.period.to);
    REQUIRE(sum == whole.totals);

    const auto dimension = Dimension(random.Below(3));
    const auto member = std::array{&KpiFilter::region, &KpiFilter::hub_id,
                                   &KpiFilter::window_id}[static_cast<std::size_t>(dimension)];
    const BreakdownQuery by{query.period, query.filter, dimension,
                            static_cast<std::size_t>(random.Below(4))};
    const auto breakdown = kpis.GetBreakdown(by);
    REQUIRE(breakdown.ok());
    const auto expected = KpiCalculator(memory, "default").GetBreakdown(by);
    REQUIRE(expected.ok());
    REQUIRE(breakdown->rows.size() == expected->rows.size());
    REQUIRE(breakdown->others == expected->others);
    CheckSame(expected->other, breakdown->other);
    sum = breakdown->other.totals;
    for (std::size_t i = 0; i < breakdown->rows.size(); ++i) {
      const BreakdownRow& row = breakdown->rows[i];
      REQUIRE(row.name == expected->rows[i].name);
      CheckSame(expected->rows[i].summary, row.summary);
      KpiFilter filter = query.filter;
      filter.*member = row.name;
      if (!row.name.empty()) CheckSame(Ask(memory, {query.period, filter}), row.summary);
      sum += row.summary.totals;
    }
    REQUIRE(sum == whole.totals);

    const auto comparison = kpis.Compare(query);
    REQUIRE(comparison.ok());
    CheckSame(whole, comparison->current);
    const Period before{whole.period.from - (whole.period.to - whole.period.from),
                        whole.period.from};
    CheckSame(Ask(memory, {before, query.filter}), comparison->previous);
  });
}

TEST_CASE("what a store gives back is what was put in") {
  ForEachSeed([](std::uint64_t seed) {
    RandomEvents random(seed);
    const auto events = random.Distinct(30);
    const TempDir dir;
    const auto store = Open(dir.SqliteUrl("events.db"));
    Commit(*store, events);

    std::map<std::string, AnalyticsEvent> stored;
    absl::Status read = store->Read([&](ReadTransaction& transaction) {
      return transaction.EventsBetween(absl::UnixEpoch(), absl::FromUnixSeconds(4'000'000'000),
                                       [&](AnalyticsEvent event) {
                                         std::string id = event.event_id;
                                         stored.emplace(std::move(id), std::move(event));
                                       });
    });
    REQUIRE(read.ok());
    REQUIRE(stored.size() == events.size());
    for (const EventPtr& event : events) {
      const AnalyticsEvent& back = stored.at(event->event_id);
      REQUIRE(back.SamePayload(*event));
      REQUIRE(back.time == event->time);
      REQUIRE(back.kind() == event->kind());
    }
  });
}

}  // namespace
}  // namespace nerava::analytics
