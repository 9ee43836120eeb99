// A batch writer over a fake store, and what it reported.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "nerava/analytics/batch_writer.h"
#include "tests/support/events.h"
#include "tests/support/fake_store.h"

namespace nerava::analytics {

inline constexpr absl::Duration kPatience = absl::Seconds(30);

struct FixedClock final : Clock {
  absl::Time Now() const override { return absl::FromUnixSeconds(1'800'000'000); }
};

// What on_error was told. Thread-safe.
class ErrorLog {
 public:
  void Add(const absl::Status& error) {
    std::lock_guard lock(mutex_);
    errors_.push_back(error);
    changed_.notify_all();
  }
  std::vector<absl::Status> errors() const {
    std::lock_guard lock(mutex_);
    return errors_;
  }
  bool Await(std::size_t n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, FakeStore::kPatience, [&] { return errors_.size() >= n; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<absl::Status> errors_;
};

struct WriterFixture {
  // Wakes at 10 events or a flush, never by time; retries fast.
  static BatchWriterOptions Options() {
    BatchWriterOptions options;
    options.batch_size = 10;
    options.flush_interval = absl::Hours(1);
    options.max_batch_size = 1000;
    options.queue_capacity = 10'000;
    options.overflow_timeout = kPatience;
    options.retry_initial_backoff = absl::Milliseconds(1);
    options.retry_max_backoff = absl::Milliseconds(4);
    return options;
  }

  void Create(BatchWriterOptions options = Options()) {
    options.on_error = [log = errors](const absl::Status& error) { log->Add(error); };
    auto created = BatchWriter::Create(std::move(options), store, clock);
    writer = created.ok() ? *std::move(created) : nullptr;
  }
  bool Start(BatchWriterOptions options = Options()) {
    Create(std::move(options));
    return writer != nullptr && writer->Start().ok();
  }
  // Writes `n` events named prefix0, prefix1, ...; how many were accepted.
  int Write(int n, const std::string& prefix = "e") {
    int accepted = 0;
    for (int i = 0; i < n; ++i) {
      accepted += writer->Write(MakeEvent(prefix + std::to_string(i))).ok() ? 1 : 0;
    }
    return accepted;
  }

  FixedClock clock;
  std::shared_ptr<ErrorLog> errors = std::make_shared<ErrorLog>();
  std::shared_ptr<FakeStore> store = std::make_shared<FakeStore>();
  std::unique_ptr<BatchWriter> writer;
};

inline bool Balanced(const BatchWriterStats& stats) {
  return stats.accepted == stats.committed + stats.duplicates + stats.conflicts +
                               stats.dead_lettered + stats.dropped + stats.pending;
}

}  // namespace nerava::analytics
