// All four KPI groups, trends and breakdowns over rolling periods that begin and end at odd
// microseconds, beside the four groups by SQL over the analytics_events view; and pages of events in the
// order of commits. NERAVA_BENCH_ROWS
// events over 90 days (default 1,000,000). With NERAVA_BENCH_FILE the file is made only if it is missing, and
// kept: to ask two of them in turn.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/analytics.h"
#include "tests/bench/traffic.h"
#include "tests/support/sql_kpis.h"

namespace nerava::analytics::bench {
namespace {

// Filled once, for all benchmarks here.
class Filled {
 public:
  static Filled& Get() {
    static Filled filled;
    return filled;
  }

  KpiQuery Query(int days, KpiFilter filter) {
    // Another end each time: nothing is answered twice.
    const absl::Time end = kEnd - absl::Minutes(17) - absl::Microseconds(random_() % 3'600'000'000);
    return {*Period::LastDays(days, end), std::move(filter)};
  }
  const KpiCalculator& kpis() const { return *kpis_; }      // keeps no answers
  const KpiCalculator& cached() const { return *cached_; }  // does
  const std::string& file() const { return file_; }
  Store& store() const { return *store_; }

 private:
  Filled() {
    const char* kept = std::getenv("NERAVA_BENCH_FILE");
    if (kept == nullptr) {
      dir_ = (std::filesystem::temp_directory_path() / "nerava-bench-XXXXXX").string();
      if (mkdtemp(dir_.data()) == nullptr) std::abort();
    }
    file_ = kept != nullptr ? kept : dir_ + "/events.db";
    const bool is_there = std::filesystem::exists(file_);
    auto store = OpenStore("sqlite:///" + file_);
    if (!store.ok()) std::abort();
    if (!is_there) Fill(**store);
    const KpiCacheOptions no_cache{0, {}};
    store_ = *store;
    kpis_ = std::make_unique<KpiCalculator>(*store, "default", Clock::System(), no_cache);
    cached_ = std::make_unique<KpiCalculator>(*store, "default");
  }
  ~Filled() {
    kpis_.reset();
    cached_.reset();
    store_.reset();
    if (!dir_.empty()) std::filesystem::remove_all(dir_);
  }

  static void Fill(Store& store) {
    const char* variable = std::getenv("NERAVA_BENCH_ROWS");
    const std::int64_t rows = variable != nullptr ? std::atoll(variable) : 1'000'000;
    Traffic traffic(rows);
    for (std::int64_t i = 0; i < rows; i += 10'000) {
      if (!CommitBatch(store, traffic.Batch(10'000), absl::Now()).ok()) std::abort();
    }
    // As a pipeline does now and then: adds up days that are over.
    for (bool done = false; !done;) {
      auto step = store.Retain({}, absl::Seconds(1));
      if (!step.ok()) std::abort();
      done = step->done;
    }
  }

  std::string dir_;  // to be removed
  std::string file_;
  std::shared_ptr<Store> store_;
  std::unique_ptr<KpiCalculator> kpis_;
  std::unique_ptr<KpiCalculator> cached_;
  std::mt19937_64 random_{1};
};

// Asks `ask(kpis, query)` over rolling periods.
template <typename Ask>
void Measure(benchmark::State& state, KpiFilter filter, Ask ask) {
  Filled& filled = Filled::Get();
  std::vector<double> microseconds;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    auto answer = ask(filled.kpis(), filled.Query(static_cast<int>(state.range(0)), filter));
    if (!answer.ok()) state.SkipWithError("kpi");
    benchmark::DoNotOptimize(answer);
    microseconds.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::sort(microseconds.begin(), microseconds.end());
  state.counters["p50_us"] = microseconds[microseconds.size() / 2];
  state.counters["p99_us"] = microseconds[microseconds.size() * 99 / 100];
}

void BM_AllKpis(benchmark::State& state, KpiFilter filter) {
  Measure(state, std::move(filter),
          [](const KpiCalculator& kpis, const KpiQuery& query) { return kpis.GetAllKpis(query); });
}
BENCHMARK_CAPTURE(BM_AllKpis, all, KpiFilter{})
    ->Arg(7)
    ->Arg(30)
    ->Arg(89)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_AllKpis, one_hub, KpiFilter{.hub_id = "hub-007"})
    ->Arg(89)
    ->Unit(benchmark::kMicrosecond);

// The same again, and over a rolling period: who asks does so every millisecond of the clock.
void BM_AllKpisCached(benchmark::State& state, absl::Duration later) {
  Filled& filled = Filled::Get();
  KpiQuery query = filled.Query(static_cast<int>(state.range(0)), {});
  const KpiCacheStats before = filled.cached().cache_stats();
  for (auto _ : state) {
    query.period.from += later;
    query.period.to += later;
    auto answer = filled.cached().GetAllKpis(query);
    if (!answer.ok()) state.SkipWithError("kpi");
    benchmark::DoNotOptimize(answer);
  }
  const KpiCacheStats stats = filled.cached().cache_stats();
  state.counters["hits"] = static_cast<double>(stats.hits - before.hits);
  state.counters["misses"] = static_cast<double>(stats.misses - before.misses);
}
BENCHMARK_CAPTURE(BM_AllKpisCached, same, absl::ZeroDuration())
    ->Arg(89)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_AllKpisCached, rolling, absl::Milliseconds(1))
    ->Arg(89)
    ->Unit(benchmark::kMicrosecond);

void BM_Trend(benchmark::State& state, const char* time_zone) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetTrend({query.period, query.filter, Interval::kDay, time_zone});
  });
}
BENCHMARK_CAPTURE(BM_Trend, utc, "UTC")->Arg(89)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Trend, berlin, "Europe/Berlin")->Arg(89)->Unit(benchmark::kMicrosecond);

void BM_Breakdown(benchmark::State& state, Dimension dimension) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetBreakdown({query.period, query.filter, dimension});
  });
}
BENCHMARK_CAPTURE(BM_Breakdown, hub, Dimension::kHub)->Arg(89)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Breakdown, region, Dimension::kRegion)->Arg(89)->Unit(benchmark::kMicrosecond);

void BM_Funnel(benchmark::State& state) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetFunnel({query.period, query.filter});
  });
}
BENCHMARK(BM_Funnel)->Arg(89)->Unit(benchmark::kMicrosecond);

void BM_Load(benchmark::State& state) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetLoad({query.period, query.filter, "Europe/Berlin"});
  });
}
BENCHMARK(BM_Load)->Arg(28)->Arg(89)->Unit(benchmark::kMicrosecond);

void BM_Retention(benchmark::State& state, Interval interval, const char* time_zone) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetRetention({query.period, query.filter, interval, time_zone});
  });
}
BENCHMARK_CAPTURE(BM_Retention, weeks_utc, Interval::kWeek, "UTC")
    ->Arg(84)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Retention, weeks_berlin, Interval::kWeek, "Europe/Berlin")
    ->Arg(84)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Retention, days_berlin, Interval::kDay, "Europe/Berlin")
    ->Arg(84)
    ->Unit(benchmark::kMicrosecond);

void BM_ActiveUsers(benchmark::State& state) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetActiveUsers({query.period.to, {}, "Europe/Berlin"});
  });
}
BENCHMARK(BM_ActiveUsers)->Arg(30)->Unit(benchmark::kMicrosecond);

void BM_Streaks(benchmark::State& state) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetStreaks({query.period.to, {}, "Europe/Berlin"}, 10);
  });
}
BENCHMARK(BM_Streaks)->Arg(89)->Unit(benchmark::kMicrosecond);

void BM_SessionsPerUser(benchmark::State& state) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetSessionsPerUser(query);
  });
}
BENCHMARK(BM_SessionsPerUser)->Arg(89)->Unit(benchmark::kMicrosecond);

void BM_User(benchmark::State& state) {
  Measure(state, {}, [&](const KpiCalculator& kpis, const KpiQuery& query) {
    return kpis.GetUser("user-00007", {query.period.to, {}, "Europe/Berlin"});
  });
}
BENCHMARK(BM_User)->Arg(89)->Unit(benchmark::kMicrosecond);

// A page of 1,000 events after so many percent of all.
void BM_PageOfEvents(benchmark::State& state) {
  Store& store = Filled::Get().store();
  std::int64_t events = 0;
  const auto read = [&](auto body) {
    if (!store.Read(body).ok()) state.SkipWithError("read");
  };
  read([&](ReadTransaction& transaction) {
    auto counts = transaction.CountEvents();
    if (counts.ok()) events = static_cast<std::int64_t>(counts->total);
    return counts.status();
  });
  for (auto _ : state) {
    read([&](ReadTransaction& transaction) {
      return transaction.EventsAfter(events * state.range(0) / 100, 1000,
                                     [](std::int64_t, const AnalyticsEvent& event) {
                                       benchmark::DoNotOptimize(&event);
                                       return true;
                                     });
    });
  }
}
BENCHMARK(BM_PageOfEvents)->Arg(0)->Arg(50)->Arg(99)->Arg(100)->Unit(benchmark::kMicrosecond);

void BM_AllKpisBySql(benchmark::State& state) {
  Filled& filled = Filled::Get();
  for (auto _ : state) {
    const auto query = filled.Query(static_cast<int>(state.range(0)), {});
    benchmark::DoNotOptimize(testing::SqlKpis(filled.file()).Summarize(query));
  }
}
BENCHMARK(BM_AllKpisBySql)->Arg(89)->Iterations(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace nerava::analytics::bench

BENCHMARK_MAIN();
