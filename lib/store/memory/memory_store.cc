#include "lib/store/memory/memory_store.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "lib/base/hash_map.h"
#include "lib/base/mutex.h"
#include "lib/store/fork_gate.h"
#include "lib/store/validate.h"

namespace nerava::analytics {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

absl::Time FloorToDay(absl::Time time) {
  return absl::UnixEpoch() + absl::Floor(time - absl::UnixEpoch(), kDay);
}

struct Data {
  absl::btree_map<std::int64_t, EventPtr> events;  // by their position in the order of commits
  std::int64_t last_position = 0;
  HashMap<std::string, EventPtr> by_id;
  HashMap<std::string, std::vector<EventPtr>> by_session;
  Horizons kept_from;
  std::uint64_t version = 1;
  std::int64_t erasures = 0;
  HashMap<std::string, bool> erased;  // ids of events that must not come back

  // An event whose id is not there.
  void Add(std::int64_t position, const EventPtr& event) {
    events.emplace(position, event);  // first: what fails after it can be taken back
    by_id.emplace(event->event_id, event);
    if (!event->session_id.empty()) by_session[event->session_id].push_back(event);
  }
  void RemoveLast() {
    const auto last = std::prev(events.end());
    const EventPtr event = std::move(last->second);
    events.erase(last);
    by_id.erase(event->event_id);
    const auto session = by_session.find(event->session_id);
    if (session == by_session.end() || session->second.empty()) return;
    if (session->second.back() == event) session->second.pop_back();
  }

  // This, with these of its events: what is returned is kept; null: nothing.
  Data With(absl::FunctionRef<EventPtr(const EventPtr&)> become) const {
    Data data;
    data.last_position = last_position;
    data.kept_from = kept_from;
    data.version = version;
    data.erasures = erasures;
    data.erased = erased;
    for (const auto& [position, event] : events) {
      if (const EventPtr kept = become(event)) data.Add(position, kept);
    }
    return data;
  }
};

class MemoryTransaction final : public WriteTransaction, private Eraser {
 public:
  explicit MemoryTransaction(Data& data) : data_(data), begin_(data.last_position) {}

  absl::Status EventsOfSessions(absl::Span<const std::string_view> session_ids,
                                EventSink sink) override {
    for (const std::string_view id : session_ids) {
      const auto found = data_.by_session.find(absl::string_view(id.data(), id.size()));
      if (found == data_.by_session.end()) continue;
      for (const EventPtr& event : found->second) sink(*event);
    }
    return absl::OkStatus();
  }

  absl::Status EventsBetween(absl::Time from, absl::Time to, EventSink sink) override {
    for (const auto& [position, event] : data_.events) {
      if (from <= event->time && event->time < to) sink(*event);
    }
    return absl::OkStatus();
  }

  absl::Status EventsAfter(std::int64_t position, std::int64_t limit, PositionSink sink) override {
    absl::Status status = CheckPosition(position, data_.last_position);
    if (!status.ok()) return status;
    const auto& events = data_.events;
    for (auto next = events.upper_bound(position); next != events.end() && limit > 0; --limit) {
      if (!sink(next->first, *next->second)) break;
      ++next;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::int64_t> LastPosition() override { return data_.last_position; }

  absl::StatusOr<EventCounts> CountEvents() override {
    EventCounts counts;
    counts.total = data_.events.size();
    for (const auto& [position, event] : data_.events) {
      ++counts.by_type[event->event_type];
      ++counts.by_region[event->region];
    }
    return counts;
  }

  absl::StatusOr<std::vector<InsertOutcome>> Insert(absl::Span<const EventPtr> events,
                                                    absl::Time) override {
    std::vector<InsertOutcome> outcomes;
    outcomes.reserve(events.size());
    for (const EventPtr& event : events) {
      if (event->time < data_.kept_from.accepts_from() && !data_.by_id.contains(event->event_id)) {
        outcomes.push_back(InsertOutcome::kTooOld);
        continue;
      }
      if (data_.erased.contains(event->event_id)) {
        outcomes.push_back(InsertOutcome::kDuplicate);
        continue;
      }
      const auto known = data_.by_id.find(event->event_id);
      if (known == data_.by_id.end()) {
        data_.Add(++data_.last_position, event);
        outcomes.push_back(InsertOutcome::kInserted);
      } else {
        outcomes.push_back(known->second->SamePayload(*event) ? InsertOutcome::kDuplicate
                                                              : InsertOutcome::kConflict);
      }
    }
    return outcomes;
  }

  Horizons kept_from() const override { return data_.kept_from; }
  std::int64_t erasures() const override { return data_.erasures; }
  absl::StatusOr<DaysAround> EventDaysAround(absl::Time time) override {
    DaysAround days;
    for (const auto& [position, event] : data_.events) {
      const absl::Time day = FloorToDay(event->time);
      if (day < time) {
        days.before = std::max(days.before.value_or(day), day);
      } else {
        days.from = std::min(days.from.value_or(day), day);
      }
    }
    return days;
  }

  Eraser* eraser() override { return this; }

  void Rollback() {
    if (before_) data_ = *std::move(before_);
    while (!data_.events.empty() && data_.events.rbegin()->first > begin_) data_.RemoveLast();
    data_.last_position = begin_;
  }

 private:
  absl::Status EventsOfUser(std::string_view user_id, EventSink sink) override {
    for (const auto& [position, event] : data_.events) {
      if (event->user_id == user_id || event->aggregate_id == user_id) sink(*event);
    }
    return absl::OkStatus();
  }

  absl::Status Remove(absl::Span<const AnalyticsEvent> events) override {
    const auto removed = ById(events);
    if (!before_) before_ = data_;
    for (const AnalyticsEvent& event : events) data_.erased.emplace(event.event_id, true);
    data_ = data_.With(
        [&](const EventPtr& event) { return removed.contains(event->event_id) ? nullptr : event; });
    return absl::OkStatus();
  }

  absl::Status Replace(absl::Span<const AnalyticsEvent> events) override {
    const auto replaced = ById(events);
    if (!before_) before_ = data_;
    data_ = data_.With([&](const EventPtr& event) {
      const auto found = replaced.find(event->event_id);
      return found == replaced.end() ? event
                                     : std::make_shared<const AnalyticsEvent>(*found->second);
    });
    return absl::OkStatus();
  }

  absl::StatusOr<std::int64_t> ForgetUser(std::string_view) override {
    if (!before_) before_ = data_;
    ++data_.erasures;
    return 0;
  }

  static HashMap<std::string, const AnalyticsEvent*> ById(absl::Span<const AnalyticsEvent> events) {
    HashMap<std::string, const AnalyticsEvent*> by_id;
    for (const AnalyticsEvent& event : events) by_id.emplace(event.event_id, &event);
    return by_id;
  }

  Data& data_;
  const std::int64_t begin_;    // the last position
  std::optional<Data> before_;  // all of it, for a rollback
};

class MemoryStore final : public Store {
 public:
  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    const ForkGate::Pass pass(gate_);
    if (gate_.broken()) return Broken();
    WriterLock lock(mutex_);
    MemoryTransaction transaction(data_);
    try {
      absl::Status status = body(transaction);
      if (!status.ok()) transaction.Rollback();
      ++data_.version;
      return status;
    } catch (...) {
      transaction.Rollback();
      throw;
    }
  }

  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    const ForkGate::Pass pass(gate_);
    if (gate_.broken()) return Broken();
    ReaderLock lock(mutex_);
    MemoryTransaction transaction(data_);
    return body(transaction);
  }

  // All at once: there are no aggregates, so that events are kept as long as the KPIs of their days.
  absl::StatusOr<RetentionStep> Retain(const Horizons& wanted, absl::Duration) override {
    const ForkGate::Pass pass(gate_);
    if (gate_.broken()) return Broken();
    WriterLock lock(mutex_);
    RetentionStep step;
    step.kept_from = data_.kept_from;
    std::optional<absl::Time> latest;
    for (const auto& [position, event] : data_.events) {
      if (event->time >= wanted.days) continue;
      ++step.events;
      latest = std::max(latest.value_or(event->time), event->time);
    }
    if (!latest) return step;
    data_ = data_.With(
        [&](const EventPtr& event) { return event->time >= wanted.days ? event : nullptr; });
    ++data_.version;
    const absl::Time from = FloorToDay(*latest) + kDay;
    step.kept_from = data_.kept_from = {from, from, from};
    return step;
  }

  absl::StatusOr<std::optional<std::uint64_t>> Version() override {
    const ForkGate::Pass pass(gate_);
    if (gate_.broken()) return Broken();
    ReaderLock lock(mutex_);
    return data_.version;
  }

  std::string Description() const override { return "memory:"; }

  // Whether this is a child's copy that cannot be used, nor destroyed: its locks may be taken.
  bool broken() const { return gate_.broken(); }

 private:
  static absl::Status Broken() {
    return absl::FailedPreconditionError(
        "the memory store was in use at fork(), and cannot be used in the child: fork outside of "
        "transactions");
  }

  SharedMutex mutex_;
  Data data_ ABSL_GUARDED_BY(mutex_);
  ForkGate gate_;
};

}  // namespace

std::shared_ptr<Store> NewMemoryStore() {
  return std::shared_ptr<MemoryStore>(new MemoryStore, [](MemoryStore* ended) {
    if (!ended->broken()) delete ended;
  });
}

}  // namespace nerava::analytics
