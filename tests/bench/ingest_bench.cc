// Ingest into SQLite with everything on (duplicate check, projection, aggregates, user sets), beside
// the loop one would write by hand: a prepared INSERT into one table with the documented schema. Both
// start with NERAVA_BENCH_ROWS rows stored (default 1,000,000) and take batches of 1,000. The loop runs
// once with SQLite's default cache and checkpoint, once with those that the library sets.
#include <benchmark/benchmark.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "lib/projection/commit.h"
#include "nerava/analytics/store.h"
#include "nerava/analytics/timestamp.h"
#include "tests/bench/traffic.h"

namespace nerava::analytics::bench {
namespace {

constexpr std::size_t kBatch = 1000;
constexpr int kMeasuredBatches = 100;

std::int64_t StoredRows() {
  const char* rows = std::getenv("NERAVA_BENCH_ROWS");
  return rows != nullptr ? std::atoll(rows) : 1'000'000;
}

class TempFile {
 public:
  TempFile() {
    std::string dir = (std::filesystem::temp_directory_path() / "nerava-bench-XXXXXX").string();
    if (mkdtemp(dir.data()) == nullptr) std::abort();
    dir_ = dir;
  }
  ~TempFile() { std::filesystem::remove_all(dir_); }
  std::string path() const { return (dir_ / "events.db").string(); }
  std::uintmax_t bytes() const {
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(dir_)) {
      if (file.path().extension() == ".db") bytes += file.file_size();
    }
    return bytes;
  }

 private:
  std::filesystem::path dir_;
};

void BM_IngestNerava(benchmark::State& state) {
  const TempFile file;
  auto store = OpenStore("sqlite:///" + file.path());
  if (!store.ok()) return state.SkipWithError("open");
  const std::int64_t rows = StoredRows();
  Traffic traffic(rows + kMeasuredBatches * static_cast<std::int64_t>(kBatch));
  const auto commit = [&](const std::vector<EventPtr>& batch) {
    if (!CommitBatch(**store, batch, absl::Now()).ok()) state.SkipWithError("commit");
  };
  for (std::int64_t i = 0; i < rows; i += kBatch) commit(traffic.Batch(kBatch));
  for (auto _ : state) {
    state.PauseTiming();
    const auto batch = traffic.Batch(kBatch);
    state.ResumeTiming();
    commit(batch);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  store->reset();
  state.counters["bytes_per_event"] =
      static_cast<double>(file.bytes()) /
      static_cast<double>(rows + state.iterations() * static_cast<std::int64_t>(kBatch));
}
BENCHMARK(BM_IngestNerava)
    ->Iterations(kMeasuredBatches)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// In WAL mode as well, and its JSON is made outside the measured time.
class HandWritten {
 public:
  HandWritten(const std::string& path, bool tuned) {
    sqlite3_open(path.c_str(), &db_);
    if (tuned) Execute("PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=16384;");
    Execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "CREATE TABLE analytics_events (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " event_id VARCHAR(100) NOT NULL UNIQUE, event_type VARCHAR(100) NOT NULL,"
        " timestamp DATETIME NOT NULL, region VARCHAR(50) NOT NULL,"
        " aggregate_id VARCHAR(100) NOT NULL, properties JSON NOT NULL,"
        " created_at DATETIME NOT NULL);"
        "CREATE INDEX ix_type ON analytics_events (event_type);"
        "CREATE INDEX ix_timestamp ON analytics_events (timestamp);"
        "CREATE INDEX ix_region ON analytics_events (region);"
        "CREATE INDEX ix_aggregate ON analytics_events (aggregate_id);");
    sqlite3_prepare_v2(db_,
                       "INSERT INTO analytics_events (event_id, event_type, timestamp, region, "
                       "aggregate_id, properties, created_at) VALUES (?,?,?,?,?,?,?)",
                       -1, &insert_, nullptr);
  }
  ~HandWritten() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
  }

  using Row = std::vector<std::string>;
  static Row MakeRow(const AnalyticsEvent& event) {
    return {event.event_id,
            event.event_type,
            FormatSqlTimestamp(event.time),
            event.region,
            event.aggregate_id,
            fmt::format(R"({{"session_id":"{}","user_id":"{}","hub_id":"{}","window_id":"{}",)"
                        R"("kwh_consumed":{},"total_reward_usd":{},"amount_cents":{}}})",
                        event.session_id, event.user_id, event.hub_id, event.window_id,
                        static_cast<double>(event.energy_mwh.value_or(0)) / 1e6,
                        static_cast<double>(event.total_reward_microusd.value_or(0)) / 1e6,
                        event.amount_cents.value_or(0)),
            FormatSqlTimestamp(event.time)};
  }

  bool Insert(const std::vector<Row>& rows) {
    bool ok = Execute("BEGIN");
    for (const Row& row : rows) {
      for (int i = 0; i < static_cast<int>(row.size()); ++i) {
        const std::string& text = row[static_cast<std::size_t>(i)];
        sqlite3_bind_text(insert_, i + 1, text.data(), static_cast<int>(text.size()),
                          SQLITE_STATIC);
      }
      ok = ok && sqlite3_step(insert_) == SQLITE_DONE;
      sqlite3_reset(insert_);
    }
    return ok && Execute("COMMIT");
  }

 private:
  bool Execute(const char* sql) {
    return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

void BM_IngestHandWritten(benchmark::State& state, bool tuned) {
  const TempFile file;
  const std::int64_t stored = StoredRows();
  Traffic traffic(stored + kMeasuredBatches * static_cast<std::int64_t>(kBatch));
  {
    HandWritten table(file.path(), tuned);
    const auto rows = [&] {
      std::vector<HandWritten::Row> made;
      made.reserve(kBatch);
      for (const EventPtr& event : traffic.Batch(kBatch)) {
        made.push_back(HandWritten::MakeRow(*event));
      }
      return made;
    };
    for (std::int64_t i = 0; i < stored; i += kBatch) {
      if (!table.Insert(rows())) return state.SkipWithError("insert");
    }
    for (auto _ : state) {
      state.PauseTiming();
      const auto batch = rows();
      state.ResumeTiming();
      if (!table.Insert(batch)) state.SkipWithError("insert");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["bytes_per_event"] =
      static_cast<double>(file.bytes()) /
      static_cast<double>(stored + state.iterations() * static_cast<std::int64_t>(kBatch));
}
BENCHMARK_CAPTURE(BM_IngestHandWritten, default_cache, false)
    ->Iterations(kMeasuredBatches)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_IngestHandWritten, same_cache, true)
    ->Iterations(kMeasuredBatches)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nerava::analytics::bench

BENCHMARK_MAIN();
