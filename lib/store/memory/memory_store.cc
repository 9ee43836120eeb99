#include "lib/store/memory/memory_store.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "lib/base/hash_map.h"
#include "lib/base/mutex.h"
#include "lib/store/fork_gate.h"

namespace nerava::analytics {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

absl::Time FloorToDay(absl::Time time) {
  return absl::UnixEpoch() + absl::Floor(time - absl::UnixEpoch(), kDay);
}

struct Data {
  std::vector<EventPtr> events;  // in commit order
  HashMap<std::string, EventPtr> by_id;
  HashMap<std::string, std::vector<EventPtr>> by_session;
  Horizons kept_from;
  std::uint64_t version = 1;
  std::int64_t erasures = 0;
  HashMap<std::string, bool> erased;  // ids of events that must not come back

  // An event whose id is not there.
  void Add(const EventPtr& event) {
    by_id.emplace(event->event_id, event);
    if (!event->session_id.empty()) by_session[event->session_id].push_back(event);
    events.push_back(event);
  }
};

class MemoryTransaction final : public WriteTransaction, private Eraser {
 public:
  explicit MemoryTransaction(Data& data) : data_(data), begin_(data.events.size()) {}

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
    for (const EventPtr& event : data_.events) {
      if (from <= event->time && event->time < to) sink(*event);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<EventCounts> CountEvents() override {
    EventCounts counts;
    counts.total = data_.events.size();
    for (const EventPtr& event : data_.events) {
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
      const auto [known, is_new] = data_.by_id.emplace(event->event_id, event);
      if (is_new) {
        data_.events.push_back(event);
        if (!event->session_id.empty()) data_.by_session[event->session_id].push_back(event);
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
    for (const EventPtr& event : data_.events) {
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
    while (data_.events.size() > begin_) {
      const EventPtr event = std::move(data_.events.back());
      data_.events.pop_back();
      data_.by_id.erase(event->event_id);
      if (!event->session_id.empty()) data_.by_session[event->session_id].pop_back();
    }
  }

 private:
  absl::Status EventsOfUser(std::string_view user_id, EventSink sink) override {
    for (const EventPtr& event : data_.events) {
      if (event->user_id == user_id || event->aggregate_id == user_id) sink(*event);
    }
    return absl::OkStatus();
  }

  absl::Status Remove(absl::Span<const AnalyticsEvent> events) override {
    const auto removed = ById(events);
    if (!before_) before_ = data_;
    for (const AnalyticsEvent& event : events) data_.erased.emplace(event.event_id, true);
    Change(
        [&](const EventPtr& event) { return removed.contains(event->event_id) ? nullptr : event; });
    return absl::OkStatus();
  }

  absl::Status Replace(absl::Span<const AnalyticsEvent> events) override {
    const auto replaced = ById(events);
    Change([&](const EventPtr& event) {
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

  // `become`: what is kept instead of an event; null: nothing.
  void Change(absl::FunctionRef<EventPtr(const EventPtr&)> become) {
    if (!before_) before_ = data_;
    Data changed;
    changed.kept_from = data_.kept_from;
    changed.version = data_.version;
    changed.erasures = data_.erasures;
    changed.erased = data_.erased;
    for (const EventPtr& event : data_.events) {
      if (const EventPtr kept = become(event)) changed.Add(kept);
    }
    data_ = std::move(changed);
  }

  Data& data_;
  const std::size_t begin_;
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
    for (const EventPtr& event : data_.events) {
      if (event->time >= wanted.days) continue;
      ++step.events;
      latest = std::max(latest.value_or(event->time), event->time);
    }
    if (!latest) return step;
    Data kept;
    kept.version = data_.version + 1;
    kept.erasures = data_.erasures;
    kept.erased = data_.erased;
    for (const EventPtr& event : data_.events) {
      if (event->time >= wanted.days) kept.Add(event);
    }
    const absl::Time from = FloorToDay(*latest) + kDay;
    step.kept_from = kept.kept_from = {from, from, from};
    data_ = std::move(kept);
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
