// A store from which persons were erased answers as one that got the events as they are afterwards,
// whatever came before and comes then. What these are is said here a second time, plainly.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "lib/projection/erase.h"
#include "nerava/analytics/analytics.h"
#include "tests/property/seeds.h"
#include "tests/support/random_events.h"
#include "tests/support/temp_dir.h"

namespace nerava::analytics {
namespace {

using testing::RandomEvents;
using testing::TempDir;

const std::vector<std::string> kUsers{"user0", "user1",   "user2",        "user3",
                                      "user4", "someone", "somebody else"};

std::vector<AnalyticsEvent> AllEvents(Store& store) {
  std::vector<AnalyticsEvent> events;
  REQUIRE(store
              .Read([&](ReadTransaction& transaction) {
                return transaction.EventsBetween(
                    absl::UnixEpoch(), RandomEvents::kBegin + 1000 * kDay,
                    [&](AnalyticsEvent event) { events.push_back(std::move(event)); });
              })
              .ok());
  return events;
}

std::string UserOfSession(const std::vector<const AnalyticsEvent*>& events) {
  for (const EventKind kind : {EventKind::kChargeStarted, EventKind::kChargeStopped}) {
    const AnalyticsEvent* first = nullptr;
    for (const AnalyticsEvent* event : events) {
      if (event->kind() != kind) continue;
      if (first == nullptr ||
          std::tie(event->time, event->event_id) < std::tie(first->time, first->event_id)) {
        first = event;
      }
    }
    if (first != nullptr) return first->user_id;
  }
  return "";
}

// What stays of all events ever stored when those before `raw_from` are only in the totals, and
// sessions with one before `whole_from` are not known to be whole.
std::vector<EventPtr> Erased(const std::vector<AnalyticsEvent>& events, const UserIds& users,
                             ErasedTotals totals, absl::Time raw_from, absl::Time whole_from) {
  const auto is_user = [&](const std::string& id) {
    return std::find(users.begin(), users.end(), id) != users.end();
  };
  // Whose a session is, its raw events tell.
  std::map<std::string, std::vector<const AnalyticsEvent*>> sessions;
  std::set<std::string> partial;
  for (const AnalyticsEvent& event : events) {
    if (event.session_id.empty()) continue;
    if (event.time >= raw_from) sessions[event.session_id].push_back(&event);
    if (event.time < whole_from && event.kind() != EventKind::kOther) {
      partial.insert(event.session_id);
    }
  }
  std::vector<EventPtr> left;
  for (const AnalyticsEvent& event : events) {
    const auto& session = sessions[event.session_id];
    const bool names = is_user(event.user_id) || is_user(event.aggregate_id);
    const bool charged =
        std::any_of(session.begin(), session.end(), [](const AnalyticsEvent* other) {
          return other->kind() == EventKind::kChargeStarted ||
                 other->kind() == EventKind::kChargeStopped;
        });
    const bool theirs = charged && is_user(UserOfSession(session));
    const bool whole =
        event.session_id.empty() ? event.time >= raw_from : !partial.contains(event.session_id);
    if (event.kind() == EventKind::kOther) {
      if (!names && !theirs) left.push_back(std::make_shared<AnalyticsEvent>(event));
      continue;
    }
    if (totals == ErasedTotals::kRemove && (theirs || (names && !charged))) {
      const bool started = std::any_of(
          session.begin(), session.end(),
          [](const AnalyticsEvent* other) { return other->kind() == EventKind::kChargeStarted; });
      const bool known = started || event.session_id.empty() || raw_from == absl::InfinitePast();
      if (whole && known) continue;
    }
    AnalyticsEvent kept = event;
    if (theirs || names) {
      if (is_user(kept.user_id)) kept.user_id = "";
      if (is_user(kept.aggregate_id)) kept.aggregate_id = "";
      kept.fields = kept.properties = "";
    }
    left.push_back(std::make_shared<AnalyticsEvent>(std::move(kept)));
  }
  return left;
}

// As one string each, so that sets of events compare.
std::multiset<std::string> AsJson(const std::vector<AnalyticsEvent>& events) {
  std::multiset<std::string> json;
  for (const AnalyticsEvent& event : events) json.insert(ToJson(event));
  return json;
}

std::vector<std::string> Answers(Store& store, const KpiQuery& query, absl::Time at) {
  const KpiCalculator kpis(std::shared_ptr<Store>(&store, [](Store*) {}), "default");
  const auto& [period, filter] = query;
  std::vector<std::string> answers;
  const auto add = [&](const auto& answer) {
    INFO(answer.status().ToString());
    REQUIRE(answer.ok());
    answers.push_back(ToJson(*answer));
  };
  const auto summary = kpis.Summarize(query);
  REQUIRE(summary.ok());
  for (const Totals::Field& field : Totals::Fields()) {
    answers.push_back(std::string(field.name) + " " +
                      std::to_string(summary->totals.*field.member));
  }
  answers.push_back("users " + std::to_string(summary->unique_users));
  add(kpis.GetTrend({period, filter, Interval::kDay, "Europe/Berlin"}));
  add(kpis.GetBreakdown({period, filter, Dimension::kHub, 0}));
  add(kpis.GetFunnel({period, filter}));
  add(kpis.GetLoad({period, filter}));
  add(kpis.GetSessionSizes({period, filter}));
  add(kpis.GetSessionsPerUser(query));
  add(kpis.GetActiveUsers({at, filter}));
  add(kpis.GetStreaks({at, filter}, 10));
  add(kpis.GetRetention({{RandomEvents::kBegin - kDay, at + kDay}, filter, Interval::kDay}));
  for (const std::string& user : kUsers) add(kpis.GetUser(user, {at}));
  return answers;
}

enum class Dropping { kNo, kRawEvents };

// How many days were added up in the end.
std::int64_t Run(std::uint64_t seed, const std::string& kind, Dropping dropping) {
  const int days = seed % 4 == 0 ? 60 : 5;
  RandomEvents random(seed, RandomEvents::kBegin, days);
  const TempDir dir;
  const std::string url = kind == "memory" ? "memory:" : dir.SqliteUrl("events.db");
  auto store = Open(url);
  auto reference = Open("memory:");
  auto events = random.Distinct(1 + random.Below(120));
  events = dropping == Dropping::kRawEvents ? WithoutLongSessions(std::move(events))
                                            : random.WithRepeats(std::move(events));
  std::set<std::string> gone;  // events that were removed, and do not come back
  const auto batches = random.Batches(random.Shuffled(events));
  for (const auto& batch : batches) {
    std::vector<EventPtr> taken;
    const absl::Time accepts_from = KeptFrom(*store).accepts_from();
    for (const EventPtr& event : batch) {
      if (event->time >= accepts_from) taken.push_back(event);
    }
    const CommitResult result = Commit(*store, batch);
    std::erase_if(taken, [&](const EventPtr& event) { return gone.contains(event->event_id); });
    const CommitResult expected = Commit(*reference, taken);
    REQUIRE(result.committed == expected.committed);
    REQUIRE(result.conflicts == expected.conflicts);

    if (random.OneIn(3)) {  // which also adds up days
      Horizons wanted;
      if (dropping == Dropping::kRawEvents) {
        wanted.events = RandomEvents::kBegin + random.Below(days - 1) * kDay - kDay;
      }
      for (bool done = false; !done;) {
        const auto step = store->Retain(wanted, kDay);
        REQUIRE(step.ok());
        done = step->done;
      }
    }
    if (random.OneIn(2)) {
      const auto any = [&] {
        return kUsers[static_cast<std::size_t>(random.Below(static_cast<int>(kUsers.size())))];
      };
      UserIds users{any()};
      if (random.OneIn(4)) users.push_back(any());
      std::sort(users.begin(), users.end());
      users.erase(std::unique(users.begin(), users.end()), users.end());
      const auto totals = random.OneIn(2) ? ErasedTotals::kKeep : ErasedTotals::kRemove;
      INFO("erases " << users[0] << (totals == ErasedTotals::kKeep ? ", keeps" : ", removes"));
      const auto erased = EraseFromStore(
          *store, users, totals, [](const std::vector<std::string>&) { return absl::OkStatus(); });
      INFO(erased.status().ToString());
      REQUIRE(erased.ok());
      const Horizons kept = KeptFrom(*store);
      const auto before = AllEvents(*reference);
      const auto left = Erased(before, users, totals, kept.events, kept.accepts_from());
      for (const AnalyticsEvent& event : before) gone.insert(event.event_id);
      for (const EventPtr& event : left) gone.erase(event->event_id);
      reference = Open("memory:");
      REQUIRE(Commit(*reference, left).committed == left.size());
    }
    if (kind != "memory" && random.OneIn(5)) {  // another process
      store = nullptr;
      store = Open(url);
    }
    const Horizons kept = KeptFrom(*store);
    std::vector<AnalyticsEvent> raw = AllEvents(*reference);
    std::erase_if(raw, [&](const AnalyticsEvent& event) { return event.time < kept.events; });
    REQUIRE(AsJson(AllEvents(*store)) == AsJson(raw));
    REQUIRE(Count(*store).total == raw.size());
    if (dropping == Dropping::kNo) {
      REQUIRE(Count(*store).by_type == Count(*reference).by_type);
      REQUIRE(Count(*store).by_region == Count(*reference).by_region);
    }
    const KpiQuery query = random.Query(events);
    const absl::Time at = random.Moment();
    REQUIRE(Answers(*store, query, at) == Answers(*reference, query, at));
  }
  return kind == "sqlite" ? DaysInBlocks(*store) : 0;
}

TEST_CASE("after persons are erased, answers are those of the events that are left") {
  std::int64_t days_in_blocks = 0;
  ForEachSeed([&](std::uint64_t seed) {
    for (const char* kind : {"sqlite", "memory"}) {
      days_in_blocks += Run(seed, kind, Dropping::kNo);
    }
  });
  if (std::getenv("NERAVA_SEED") == nullptr) CHECK(days_in_blocks > 0);
}

TEST_CASE("persons are erased from totals whose events were dropped, too") {
  ForEachSeed([](std::uint64_t seed) { Run(seed, "sqlite", Dropping::kRawEvents); });
}

}  // namespace
}  // namespace nerava::analytics
