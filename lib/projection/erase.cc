#include "lib/projection/erase.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/base/guarded.h"
#include "lib/projection/facts.h"
#include "lib/projection/projection.h"

namespace nerava::analytics {
namespace {

void Anonymize(std::string_view user_id, AnalyticsEvent* event) {
  if (event->user_id == user_id) event->user_id.clear();
  if (event->aggregate_id == user_id) event->aggregate_id.clear();
  // What callers put there nobody knows.
  event->fields.clear();
  event->properties.clear();
}

// What becomes of the events that name a user, and of those of their sessions.
class Plan {
 public:
  // Of sessions whose events all lie at `whole_from` or later every event is known: all of those
  // before it may have been dropped.
  Plan(std::string_view user_id, ErasedTotals totals, absl::Time whole_from)
      : user_id_(user_id), totals_(totals), whole_from_(whole_from) {}

  void Make(absl::Span<const AnalyticsEvent> events) {
    Sessions sessions;
    for (const AnalyticsEvent& event : events) sessions.Add(event);
    sessions.ForEach([&](absl::Span<const AnalyticsEvent* const> session) { Add(session); });
    // The rest is of no total, so that nothing is lost with it.
    std::sort(result.sessions.begin(), result.sessions.end());
    for (const AnalyticsEvent& event : events) {
      if (event.kind() != EventKind::kOther) continue;
      const bool of_session =
          std::binary_search(result.sessions.begin(), result.sessions.end(), event.session_id);
      if (of_session || Names(event, user_id_)) removed.push_back(event);
    }
  }

  std::vector<AnalyticsEvent> removed;
  std::vector<AnalyticsEvent> anonymized;
  StoreErasure result;

 private:
  void Add(absl::Span<const AnalyticsEvent* const> events) {
    const auto has = [&](EventKind kind) {
      return std::any_of(events.begin(), events.end(),
                         [kind](const AnalyticsEvent* event) { return event->kind() == kind; });
    };
    const bool stopped = has(EventKind::kChargeStopped);
    const bool charged = stopped || has(EventKind::kChargeStarted);
    const bool theirs = charged && UserOf(events) == user_id_;
    const bool remove = totals_ == ErasedTotals::kRemove && IsWhole(events, charged);
    if (theirs) result.sessions.push_back(events.front()->session_id);
    if (theirs && remove) ++result.sessions_removed;
    if (theirs && !remove && stopped) ++result.sessions_anonymized;
    for (const AnalyticsEvent* event : events) {
      if (!theirs && !Names(*event, user_id_)) continue;
      // A credit without a session is a total of its own. What names them in the session of somebody
      // else is of that session's.
      if (remove && (theirs || !charged)) {
        removed.push_back(*event);
      } else {
        anonymized.push_back(*event);
        Anonymize(user_id_, &anonymized.back());
      }
    }
  }

  bool IsWhole(absl::Span<const AnalyticsEvent* const> events, bool charged) const {
    if (whole_from_ == absl::InfinitePast() || events.front()->session_id.empty()) return true;
    return charged && std::all_of(events.begin(), events.end(), [&](const AnalyticsEvent* event) {
             return event->time >= whole_from_;
           });
  }

  const std::string_view user_id_;
  const ErasedTotals totals_;
  const absl::Time whole_from_;
};

// The events that name the user, and those of the sessions of these.
absl::StatusOr<std::vector<AnalyticsEvent>> EventsAround(WriteTransaction& transaction,
                                                         std::string_view user_id) {
  std::vector<AnalyticsEvent> events;
  std::set<std::string> sessions;
  absl::Status read = transaction.eraser()->EventsOfUser(user_id, [&](AnalyticsEvent event) {
    if (!event.session_id.empty()) sessions.insert(event.session_id);
    events.push_back(std::move(event));
  });
  if (!read.ok()) return read;
  const std::vector<std::string_view> ids(sessions.begin(), sessions.end());
  read = transaction.EventsOfSessions(ids, [&](AnalyticsEvent event) {
    if (!Names(event, user_id)) events.push_back(std::move(event));  // those are there
  });
  if (!read.ok()) return read;
  return events;
}

absl::Status EraseIn(WriteTransaction& transaction, std::string_view user_id, ErasedTotals totals,
                     StoreErasure* result) {
  Eraser* const eraser = transaction.eraser();
  if (eraser == nullptr) {
    return absl::UnimplementedError("this store cannot erase persons: it offers no Eraser");
  }
  auto events = EventsAround(transaction, user_id);
  if (!events.ok()) return events.status();
  Plan plan(user_id, totals, transaction.kept_from().accepts_from());
  plan.Make(*events);
  if (transaction.aggregates() != nullptr && !plan.removed.empty()) {
    absl::Status added = transaction.aggregates()->Add(ProjectRemoval(plan.removed));
    if (!added.ok()) return added;
  }
  absl::Status status = eraser->Remove(plan.removed);
  if (status.ok()) status = eraser->Replace(plan.anonymized);
  if (!status.ok()) return status;
  auto sessions = eraser->ForgetUser(user_id);
  if (!sessions.ok()) return sessions.status();
  *result = std::move(plan.result);
  result->events_removed = static_cast<std::int64_t>(plan.removed.size());
  result->events_anonymized = static_cast<std::int64_t>(plan.anonymized.size());
  if (transaction.aggregates() != nullptr) result->sessions_anonymized = *sessions;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoreErasure> EraseFromStore(Store& store, std::string_view user_id,
                                            ErasedTotals totals) {
  StoreErasure result;
  absl::Status erased = GuardedFromStore([&] {
    return store.Write([&](WriteTransaction& transaction) {
      result = {};
      return EraseIn(transaction, user_id, totals, &result);
    });
  });
  if (!erased.ok()) return erased;
  return result;
}

}  // namespace nerava::analytics
