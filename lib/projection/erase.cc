#include "lib/projection/erase.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/projection/facts.h"
#include "lib/projection/projection.h"

namespace nerava::analytics {
namespace {

void Anonymize(const UserIds& user_ids, AnalyticsEvent* event) {
  for (std::string* id : {&event->user_id, &event->aggregate_id}) {
    if (std::binary_search(user_ids.begin(), user_ids.end(), *id)) id->clear();
  }
  // What callers put there nobody knows.
  event->fields.clear();
  event->properties.clear();
}

// What becomes of the events that name a person, and of those of their sessions.
class Plan {
 public:
  // Of sessions whose events all lie at `whole_from` or later every event is known: all of those
  // before it may have been dropped.
  Plan(const UserIds& user_ids, ErasedTotals totals, absl::Time whole_from)
      : user_ids_(user_ids), totals_(totals), whole_from_(whole_from) {}

  void Make(absl::Span<const AnalyticsEvent> events) {
    Sessions by_id;
    for (const AnalyticsEvent& event : events) by_id.Add(event);
    by_id.ForEach([&](absl::Span<const AnalyticsEvent* const> session) { Add(session); });
    // The rest is of no total, so that nothing is lost with it.
    std::sort(sessions.begin(), sessions.end());
    for (const AnalyticsEvent& event : events) {
      if (event.kind() != EventKind::kOther) continue;
      const bool of_session =
          std::binary_search(sessions.begin(), sessions.end(), event.session_id);
      if (of_session || Names(event, user_ids_)) removed.push_back(event);
    }
  }

  std::vector<AnalyticsEvent> removed;
  std::vector<AnalyticsEvent> anonymized;
  std::vector<std::string> sessions;  // theirs, sorted
  StoreErasure result;

 private:
  void Add(absl::Span<const AnalyticsEvent* const> events) {
    const auto has = [&](EventKind kind) {
      return std::any_of(events.begin(), events.end(),
                         [kind](const AnalyticsEvent* event) { return event->kind() == kind; });
    };
    const bool stopped = has(EventKind::kChargeStopped);
    const bool started = has(EventKind::kChargeStarted);
    const bool charged = stopped || started;
    const bool theirs = charged && std::binary_search(user_ids_.begin(), user_ids_.end(),
                                                      std::string(UserOf(events)));
    const bool remove = totals_ == ErasedTotals::kRemove && IsWhole(events, started);
    const std::string& session = events.front()->session_id;
    if (theirs && !session.empty()) sessions.push_back(session);
    if (theirs && remove) ++result.sessions_removed;
    if (theirs && !remove && stopped) ++result.sessions_anonymized;
    for (const AnalyticsEvent* event : events) {
      if (!theirs && !Names(*event, user_ids_)) continue;
      // A credit without a session is a total of its own. What names them in the session of somebody
      // else is of that session's.
      if (remove && (theirs || !charged)) {
        removed.push_back(*event);
      } else {
        anonymized.push_back(*event);
        Anonymize(user_ids_, &anonymized.back());
      }
    }
  }

  // Without its start a session may have begun among what was dropped.
  bool IsWhole(absl::Span<const AnalyticsEvent* const> events, bool started) const {
    if (whole_from_ == absl::InfinitePast() || events.front()->session_id.empty()) return true;
    return started && std::all_of(events.begin(), events.end(), [&](const AnalyticsEvent* event) {
             return event->time >= whole_from_;
           });
  }

  const UserIds& user_ids_;
  const ErasedTotals totals_;
  const absl::Time whole_from_;
};

// The events that name the person, and those of the sessions of these.
absl::StatusOr<std::vector<AnalyticsEvent>> EventsAround(WriteTransaction& transaction,
                                                         const UserIds& user_ids) {
  std::map<std::string, AnalyticsEvent> events;  // by id
  std::set<std::string> sessions;
  for (const std::string& user_id : user_ids) {
    absl::Status read = transaction.eraser()->EventsOfUser(user_id, [&](AnalyticsEvent event) {
      if (!event.session_id.empty()) sessions.insert(event.session_id);
      events.emplace(event.event_id, std::move(event));
    });
    if (!read.ok()) return read;
  }
  const std::vector<std::string_view> ids(sessions.begin(), sessions.end());
  absl::Status read = transaction.EventsOfSessions(
      ids, [&](AnalyticsEvent event) { events.emplace(event.event_id, std::move(event)); });
  if (!read.ok()) return read;
  std::vector<AnalyticsEvent> all;
  all.reserve(events.size());
  for (auto& [id, event] : events) all.push_back(std::move(event));
  return all;
}

absl::Status EraseIn(
    WriteTransaction& transaction, const UserIds& user_ids, ErasedTotals totals,
    absl::FunctionRef<absl::Status(const std::vector<std::string>& sessions)> before_commit,
    StoreErasure* result) {
  Eraser* const eraser = transaction.eraser();
  if (eraser == nullptr) {
    return absl::UnimplementedError("this store cannot erase persons: it offers no Eraser");
  }
  auto events = EventsAround(transaction, user_ids);
  if (!events.ok()) return events.status();
  Plan plan(user_ids, totals, transaction.kept_from().accepts_from());
  plan.Make(*events);
  if (transaction.aggregates() != nullptr && !plan.removed.empty()) {
    absl::Status added = transaction.aggregates()->Add(ProjectRemoval(plan.removed));
    if (!added.ok()) return added;
  }
  absl::Status status = eraser->Remove(plan.removed);
  if (status.ok()) status = eraser->Replace(plan.anonymized);
  if (!status.ok()) return status;
  *result = plan.result;
  if (transaction.aggregates() != nullptr) result->sessions_anonymized = 0;
  for (const std::string& user_id : user_ids) {
    auto sessions = eraser->ForgetUser(user_id);
    if (!sessions.ok()) return sessions.status();
    if (transaction.aggregates() != nullptr) result->sessions_anonymized += *sessions;
  }
  result->events_removed = static_cast<std::int64_t>(plan.removed.size());
  result->events_anonymized = static_cast<std::int64_t>(plan.anonymized.size());
  return before_commit(plan.sessions);
}

}  // namespace

absl::StatusOr<StoreErasure> EraseFromStore(
    Store& store, const UserIds& user_ids, ErasedTotals totals,
    absl::FunctionRef<absl::Status(const std::vector<std::string>& sessions)> before_commit) {
  StoreErasure result;
  absl::Status erased = GuardedFromStore([&] {
    return store.Write([&](WriteTransaction& transaction) {
      return EraseIn(transaction, user_ids, totals, before_commit, &result);
    });
  });
  if (!erased.ok()) return erased;
  return result;
}

}  // namespace nerava::analytics
