// An in-memory store that fails on command, and tells the test what happens to it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// Thread-safe. Keeps no aggregates. Waiting functions give up after kPatience and return false, so
// that a broken test ends.
class FakeStore : public Store {
 public:
  static constexpr std::chrono::seconds kPatience{30};

  // The next `times` writes fail with `error`.
  void FailWrites(int times, absl::Status error) {
    OnWrites(times, [error] { return error; });
  }
  // The next `times` writes run `fault` instead of a transaction, which may throw.
  void OnWrites(int times, std::function<absl::Status()> fault) {
    std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
    faults_left_ = times;
  }
  void FailReads(absl::Status error) {
    std::lock_guard lock(mutex_);
    read_error_ = std::move(error);
  }
  // Syncs give `error` from now on.
  void FailSyncs(absl::Status error) {
    std::lock_guard lock(mutex_);
    sync_error_ = std::move(error);
  }
  // As if somebody else had stored it.
  void Insert(const EventPtr& event) {
    std::lock_guard lock(mutex_);
    by_id_[event->event_id] = event;
    events_.push_back(event);
  }
  // Inserts of this event are InvalidArgument.
  void Refuse(std::string event_id) {
    std::lock_guard lock(mutex_);
    refused_.insert(std::move(event_id));
  }

  // Takes it again.
  void Accept(const std::string& event_id) {
    std::lock_guard lock(mutex_);
    refused_.erase(event_id);
  }
  // Whether inserts of whatever event are InvalidArgument.
  void RefuseAll(bool refuse) {
    std::lock_guard lock(mutex_);
    refuse_all_ = refuse;
  }

  // Writes hang from now on, until Release().
  void Hang() {
    std::lock_guard lock(mutex_);
    hang_ = true;
  }
  void Release() {
    std::lock_guard lock(mutex_);
    hang_ = false;
    changed_.notify_all();
  }
  bool AwaitHanging() {
    return Await([this] { return hanging_ > 0; });
  }

  bool AwaitCommits(std::size_t n) {
    return Await([this, n] { return batches_.size() >= n; });
  }
  bool AwaitEvents(std::size_t n) {
    return Await([this, n] { return events_.size() >= n; });
  }
  bool AwaitFaults(std::size_t n) {
    return Await([this, n] { return faults_ >= n; });
  }

  // Events of each committed transaction, duplicates included.
  std::vector<std::size_t> batches() const {
    std::lock_guard lock(mutex_);
    return batches_;
  }
  std::vector<EventPtr> events() const {
    std::lock_guard lock(mutex_);
    return events_;
  }

  absl::Status Write(absl::FunctionRef<absl::Status(WriteTransaction&)> body) override {
    std::unique_lock lock(mutex_);
    if (hang_) {
      ++hanging_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !hang_; });
      --hanging_;
    }
    if (faults_left_ > 0) {
      --faults_left_;
      ++faults_;
      changed_.notify_all();
      return fault_();
    }
    Transaction transaction(*this);
    absl::Status status = body(transaction);
    if (!status.ok()) return status;
    for (const EventPtr& event : transaction.added) {
      by_id_[event->event_id] = event;
      events_.push_back(event);
    }
    batches_.push_back(transaction.inserts);
    changed_.notify_all();
    return status;
  }

  absl::Status Read(absl::FunctionRef<absl::Status(ReadTransaction&)> body) override {
    std::lock_guard lock(mutex_);
    if (!read_error_.ok()) return read_error_;
    Transaction transaction(*this);
    return body(transaction);
  }

  absl::Status Sync() override {
    std::lock_guard lock(mutex_);
    return sync_error_;
  }

  std::string Description() const override { return "fake:"; }

 private:
  struct Transaction final : WriteTransaction {
    explicit Transaction(FakeStore& store_in) : store(store_in) {}

    absl::Status EventsOfSessions(absl::Span<const std::string_view> session_ids,
                                  EventSink sink) override {
      const std::set<std::string_view> wanted(session_ids.begin(), session_ids.end());
      for (const EventPtr& event : store.events_) {
        if (wanted.contains(event->session_id)) sink(*event);
      }
      return absl::OkStatus();
    }
    absl::Status EventsBetween(absl::Time from, absl::Time to, EventSink sink) override {
      for (const EventPtr& event : store.events_) {
        if (from <= event->time && event->time < to) sink(*event);
      }
      return absl::OkStatus();
    }
    absl::StatusOr<EventCounts> CountEvents() override {
      EventCounts counts;
      for (const EventPtr& event : store.events_) {
        ++counts.total;
        ++counts.by_type[event->event_type];
        ++counts.by_region[event->region];
      }
      return counts;
    }
    absl::StatusOr<std::vector<InsertOutcome>> Insert(absl::Span<const EventPtr> events,
                                                      absl::Time) override {
      std::vector<InsertOutcome> outcomes;
      for (const EventPtr& event : events) {
        if (store.refuse_all_ || store.refused_.contains(event->event_id)) {
          return absl::InvalidArgumentError("poison: " + event->event_id);
        }
        outcomes.push_back(Insert(event));
      }
      inserts += events.size();
      return outcomes;
    }
    InsertOutcome Insert(const EventPtr& event) {
      const auto stored = store.by_id_.find(event->event_id);
      if (stored != store.by_id_.end()) return Compare(*stored->second, *event);
      const auto [earlier, is_new] = added_by_id.try_emplace(event->event_id, event);
      if (!is_new) return Compare(*earlier->second, *event);
      added.push_back(event);
      return InsertOutcome::kInserted;
    }
    static InsertOutcome Compare(const AnalyticsEvent& first, const AnalyticsEvent& second) {
      return first.SamePayload(second) ? InsertOutcome::kDuplicate : InsertOutcome::kConflict;
    }

    FakeStore& store;
    std::vector<EventPtr> added;
    std::map<std::string, EventPtr> added_by_id;
    std::size_t inserts = 0;
  };

  template <typename Predicate>
  bool Await(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, predicate);
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, EventPtr> by_id_;
  std::vector<EventPtr> events_;  // in commit order
  std::vector<std::size_t> batches_;
  std::set<std::string> refused_;
  bool refuse_all_ = false;
  std::function<absl::Status()> fault_;
  int faults_left_ = 0;
  std::size_t faults_ = 0;
  absl::Status read_error_;
  absl::Status sync_error_;
  bool hang_ = false;
  int hanging_ = 0;
};

}  // namespace nerava::analytics
