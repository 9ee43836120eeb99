// A Store whose primitives are C functions of the user's.
#include <cstddef>
#include <mutex>
#include <vector>

#include "capi/boundary.h"
#include "capi/events.h"
#include "capi/fork_mutex.h"
#include "capi/handles.h"
#include "nerava/analytics/store.h"

struct nva_event_sink {
  nerava::analytics::ReadTransaction::EventSink add;
};

struct nva_count_sink {
  nerava::analytics::EventCounts& counts;
};

namespace nerava::analytics::capi {
namespace {

void Count(std::string_view type, std::string_view region, std::uint64_t count,
           EventCounts* counts) {
  counts->total += count;
  counts->by_type[std::string(type)] += count;
  counts->by_region[std::string(region)] += count;
}

// One call of the table after the other; used under CallbackStore's lock.
class CallbackTransaction : public WriteTransaction {
 public:
  explicit CallbackTransaction(const nva_store_callbacks& callbacks) : callbacks_(callbacks) {}

  absl::StatusOr<std::vector<InsertOutcome>> Insert(absl::Span<const EventPtr> events,
                                                    absl::Time created_at) override {
    std::vector<nva_event> views;
    views.reserve(events.size());
    for (const EventPtr& event : events) views.push_back(ViewOf(*event));
    std::vector<const nva_event*> pointers;
    pointers.reserve(views.size());
    for (const nva_event& view : views) pointers.push_back(&view);
    std::vector<std::int32_t> outcomes(events.size(), -1);

    ClearLastError();
    absl::Status status =
        FromCallback(callbacks_.insert(callbacks_.user_data, pointers.data(), pointers.size(),
                                       ToMicros(created_at), outcomes.data()),
                     "the store's insert");
    if (!status.ok()) return status;

    std::vector<InsertOutcome> result;
    result.reserve(outcomes.size());
    for (const std::int32_t outcome : outcomes) {
      if (outcome < NVA_INSERTED || outcome > NVA_CONFLICT) {
        return absl::InternalError("the store's insert set outcome " + std::to_string(outcome) +
                                   ": it must be NVA_INSERTED, NVA_DUPLICATE or NVA_CONFLICT");
      }
      result.push_back(static_cast<InsertOutcome>(outcome));
    }
    return result;
  }

  absl::Status EventsOfSessions(absl::Span<const std::string_view> session_ids,
                                EventSink sink) override {
    std::vector<nva_string> ids;
    ids.reserve(session_ids.size());
    for (const std::string_view id : session_ids) ids.push_back(Borrow(id));
    nva_event_sink c_sink{sink};
    ClearLastError();
    return FromCallback(
        callbacks_.events_of_sessions(callbacks_.user_data, ids.data(), ids.size(), &c_sink),
        "the store's events_of_sessions");
  }

  absl::Status EventsBetween(absl::Time from, absl::Time to, EventSink sink) override {
    nva_event_sink c_sink{sink};
    ClearLastError();
    return FromCallback(callbacks_.events_between(callbacks_.user_data, absl::ToUnixMicros(from),
                                                  absl::ToUnixMicros(to), &c_sink),
                        "the store's events_between");
  }

  absl::StatusOr<EventCounts> CountEvents() override {
    EventCounts counts;
    absl::Status status;
    if (callbacks_.count_events != nullptr) {
      nva_count_sink c_sink{counts};
      ClearLastError();
      status = FromCallback(callbacks_.count_events(callbacks_.user_data, &c_sink),
                            "the store's count_events");
    } else {
      status = EventsBetween(absl::InfinitePast(), absl::InfiniteFuture(),
                             [&](const AnalyticsEvent& event) {
                               Count(event.event_type.name(), event.region, 1, &counts);
                             });
    }
    if (!status.ok()) return status;
    return counts;
  }

 private:
  const nva_store_callbacks& callbacks_;
};

// Owns the callback table and lets one transaction in at a time, which is what makes a reader's
// several calls see one state. A write is one insert, atomic by contract, so there is nothing to
// commit or roll back.
class CallbackStore : public Store {
 public:
  CallbackStore(const nva_store_callbacks& callbacks, std::shared_ptr<void> owner)
      : description_(Text(callbacks.description, "callbacks->description")),
        owner_(std::move(owner)),
        callbacks_(callbacks) {}

  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    return Run(body);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    return Run(body);
  }
  absl::Status Sync() override {
    if (callbacks_.sync == nullptr) return absl::OkStatus();
    const std::lock_guard lock(mutex_);
    ClearLastError();
    return FromCallback(callbacks_.sync(callbacks_.user_data), "the store's sync");
  }
  std::string Description() const override { return description_; }

 private:
  template <typename Body>
  absl::Status Run(Body body) {
    const std::lock_guard lock(mutex_);
    CallbackTransaction transaction(callbacks_);
    return body(transaction);
  }

  const std::string description_;
  const std::shared_ptr<void> owner_;
  const nva_store_callbacks callbacks_;
  ForkMutex mutex_;  // held while a transaction calls callbacks_
};

}  // namespace
}  // namespace nerava::analytics::capi

using namespace nerava::analytics::capi;  // NOLINT: this file is the C side of that namespace

nva_status nva_store_callbacks_init(nva_store_callbacks* callbacks, uint32_t struct_size) {
  return Guarded([&] { Write(nva_store_callbacks{}, callbacks, struct_size, "callbacks"); });
}

nva_status nva_store_from_callbacks(const nva_store_callbacks* callbacks, nva_store** out) {
  return Guarded([&] {
    std::shared_ptr<void> owner;
    // Taken over even when the rest of the struct turns out to be invalid.
    constexpr std::size_t kEnd =
        offsetof(nva_store_callbacks, destroy) + sizeof(nva_store_callbacks::destroy);
    if (callbacks != nullptr && callbacks->struct_size >= kEnd) {
      owner = TakeOver(callbacks->user_data, callbacks->destroy);
    }
    nva_store*& handle = Out(out);
    const nva_store_callbacks given = Read(callbacks, "callbacks");
    Require(given.insert, "callbacks->insert");
    Require(given.events_of_sessions, "callbacks->events_of_sessions");
    Require(given.events_between, "callbacks->events_between");
    handle = new nva_store{std::make_shared<CallbackStore>(given, std::move(owner))};
  });
}

nva_status nva_event_sink_add(nva_event_sink* sink, const nva_event* event) {
  return Guarded([&] { Require(sink, "sink").add(FromView(event)); });
}

nva_status nva_count_sink_add(nva_count_sink* sink, nva_string event_type, nva_string region,
                              uint64_t count) {
  return Guarded([&] {
    Count(View(event_type, "event_type"), View(region, "region"), count,
          &Require(sink, "sink").counts);
  });
}
