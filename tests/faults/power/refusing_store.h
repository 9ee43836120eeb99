// A store that takes all events but some, which so become dead letters.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nerava/analytics/store.h"

namespace nerava::analytics::testing {

class RefusingStore final : public Store {
 public:
  using Refuses = std::function<bool(const AnalyticsEvent& event)>;

  RefusingStore(std::shared_ptr<Store> store, Refuses refuses)
      : store_(std::move(store)), refuses_(std::move(refuses)) {}

  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    return store_->Write([&](WriteTransaction& transaction) {
      Transaction refusing(transaction, refuses_);
      return body(refusing);
    });
  }
  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    return store_->Read(body);
  }
  absl::Status Sync() override { return store_->Sync(); }
  std::string Description() const override { return store_->Description(); }
  std::string JournalFolder() const override { return store_->JournalFolder(); }

 private:
  class Transaction final : public WriteTransaction {
   public:
    Transaction(WriteTransaction& transaction, const Refuses& refuses)
        : transaction_(transaction), refuses_(refuses) {}

    absl::StatusOr<std::vector<InsertOutcome>> Insert(absl::Span<const EventPtr> events,
                                                      absl::Time created_at) override {
      for (const EventPtr& event : events) {
        if (refuses_(*event)) return absl::InvalidArgumentError("refused: " + event->event_id);
      }
      return transaction_.Insert(events, created_at);
    }
    absl::Status EventsOfSessions(absl::Span<const std::string_view> session_ids,
                                  EventSink sink) override {
      return transaction_.EventsOfSessions(session_ids, sink);
    }
    absl::Status EventsBetween(absl::Time from, absl::Time to, EventSink sink) override {
      return transaction_.EventsBetween(from, to, sink);
    }
    absl::StatusOr<EventCounts> CountEvents() override { return transaction_.CountEvents(); }
    AggregateTable* aggregates() override { return transaction_.aggregates(); }

   private:
    WriteTransaction& transaction_;
    const Refuses& refuses_;
  };

  const std::shared_ptr<Store> store_;
  const Refuses refuses_;
};

}  // namespace nerava::analytics::testing
