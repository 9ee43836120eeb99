#include "lib/projection/commit.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "lib/projection/facts.h"
#include "lib/projection/projection.h"

namespace nerava::analytics {
namespace {

absl::Status CommitIn(WriteTransaction& transaction, absl::Span<const EventPtr> events,
                      absl::Time created_at, CommitResult* result) {
  AggregateTable* const aggregates = transaction.aggregates();

  // Before the insert, so that what comes back is what was there before.
  std::vector<AnalyticsEvent> earlier;
  if (aggregates != nullptr) {
    Sessions sessions;
    for (const EventPtr& event : events) sessions.Add(*event);
    absl::Status read = transaction.EventsOfSessions(
        sessions.Ids(), [&](AnalyticsEvent event) { earlier.push_back(std::move(event)); });
    if (!read.ok()) return read;
  }

  auto outcomes = transaction.Insert(events, created_at);
  if (!outcomes.ok()) return outcomes.status();
  if (outcomes->size() != events.size()) {
    return absl::InternalError("the store did not answer for every event of a batch");
  }

  std::vector<EventPtr> added;
  added.reserve(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    switch ((*outcomes)[i]) {
      case InsertOutcome::kInserted:
        added.push_back(events[i]);
        break;
      case InsertOutcome::kDuplicate:
        ++result->duplicates;
        break;
      case InsertOutcome::kConflict:
        ++result->conflicts;
        break;
      case InsertOutcome::kTooOld:
        result->too_old.push_back(i);
        break;
    }
  }
  result->committed = added.size();
  result->accepts_from = transaction.kept_from().accepts_from();
  if (aggregates == nullptr || added.empty()) return absl::OkStatus();
  return aggregates->Add(Project(added, earlier));
}

}  // namespace

absl::StatusOr<CommitResult> CommitBatch(Store& store, absl::Span<const EventPtr> events,
                                         absl::Time created_at) {
  CommitResult result;
  absl::Status status = store.Write([&](WriteTransaction& transaction) {
    result = {};
    return CommitIn(transaction, events, created_at, &result);
  });
  if (!status.ok()) return status;
  return result;
}

}  // namespace nerava::analytics
