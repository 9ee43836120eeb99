#include "tests/faults/audit.h"

#include <sqlite3.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <set>

#include "fmt/format.h"
#include "nerava/analytics/analytics.h"
#include "tests/faults/ledger.h"
#include "tests/support/sql_kpis.h"

namespace nerava::analytics::testing {
namespace {

// Collects what is wrong; of many alike only the first and their number.
class Complaints {
 public:
  void Add(const std::string& complaint) { text_ += complaint + "\n"; }
  void Add(const std::string& what, const std::set<std::string>& events) {
    if (!events.empty()) Add(fmt::format("{} {}, e.g. {}", events.size(), what, *events.begin()));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Calls `row` with the first column of each row, as text.
void Query(const std::string& file, const char* sql,
           const std::function<void(std::string text)>& row) {
  sqlite3* opened = nullptr;
  sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> db(opened, sqlite3_close_v2);
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(opened, sql, -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared, sqlite3_finalize);
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
    row(reinterpret_cast<const char*>(sqlite3_column_text(prepared, 0)));
  }
  if (code != SQLITE_DONE) row(fmt::format("SQLite: {}", sqlite3_errmsg(opened)));
}

void Recover(const Scene& scene, Complaints& complaints) {
  auto pipeline = Pipeline::Open(scene.MakeOptions());
  if (!pipeline.ok()) return complaints.Add("cannot open: " + pipeline.status().ToString());
  if (const std::size_t left = (*pipeline)->Flush(absl::Seconds(60)); left > 0) {
    complaints.Add(fmt::format("{} events are not stored within a minute: {}", left,
                               (*pipeline)->health().reason));
  }
  if ((*pipeline)->Close(absl::Seconds(60)) > 0) complaints.Add("cannot close");
  const BatchWriterStats stats = (*pipeline)->writer().stats();
  if (stats.accepted != stats.committed + stats.duplicates) {
    complaints.Add(fmt::format("of {} recovered events {} were committed and {} duplicates",
                               stats.accepted, stats.committed, stats.duplicates));
  }
}

void CheckJournalIsGone(const Scene& scene, Complaints& complaints) {
  if (!std::filesystem::exists(scene.journal())) return;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scene.journal())) {
    if (entry.is_regular_file()) complaints.Add("left behind: " + entry.path().string());
  }
}

void CheckEvents(const Scene& scene, Complaints& complaints) {
  const Ledger ledger = Ledger::Read(scene.ledger());
  std::set<std::string> stored, twice, refused, unknown, lost;
  Query(scene.database(), "SELECT event_id FROM analytics_events", [&](std::string id) {
    if (ledger.refused.contains(id)) refused.insert(id);
    if (!ledger.attempted.contains(id)) unknown.insert(id);
    if (const auto [first, is_new] = stored.insert(std::move(id)); !is_new) twice.insert(*first);
  });
  for (const std::string& id : ledger.accepted) {
    if (!stored.contains(id)) lost.insert(id);
  }
  complaints.Add("accepted but not stored", lost);
  complaints.Add("stored twice", twice);
  complaints.Add("refused and yet stored", refused);
  complaints.Add("stored but never published", unknown);
}

void CheckKpis(const Scene& scene, Complaints& complaints) {
  auto store = OpenStore(scene.MakeOptions().database_url);
  if (!store.ok()) return complaints.Add(store.status().ToString());
  const KpiCalculator kpis(*store, "default");
  const KpiQuery query{{absl::UnixEpoch(), absl::FromUnixSeconds(4'000'000'000)}, {}};
  const auto actual = kpis.GetAllKpis(query);
  if (!actual.ok()) return complaints.Add(actual.status().ToString());
  const KpiSummary expected = SqlKpis(scene.database()).Summarize(query);
  const auto compare = [&](const std::string& from_store, const std::string& from_events) {
    if (from_store == from_events) return;
    complaints.Add(fmt::format("KPIs are {}\nbut by the events {}", from_store, from_events));
  };
  compare(ToJson(actual->conversion_funnel), ToJson(MakeConversionFunnel(expected)));
  compare(ToJson(actual->green_hour_utilization), ToJson(MakeGreenHourUtilization(expected)));
  compare(ToJson(actual->streak_metrics), ToJson(MakeStreakMetrics(expected)));
  compare(ToJson(actual->revenue_metrics), ToJson(MakeRevenueMetrics(expected)));
}

}  // namespace

std::string Audit(const Scene& scene) {
  Complaints complaints;
  Recover(scene, complaints);
  CheckJournalIsGone(scene, complaints);
  CheckEvents(scene, complaints);
  CheckKpis(scene, complaints);
  Query(scene.database(), "PRAGMA integrity_check", [&](const std::string& verdict) {
    if (verdict != "ok") complaints.Add("integrity_check: " + verdict);
  });
  return complaints.text();
}

}  // namespace nerava::analytics::testing
