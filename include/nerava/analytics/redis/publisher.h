// Puts the KPIs and counters of a pipeline into Redis, for processes that have no pipeline. An optional
// component (CMake: NERAVA_REDIS, target nerava::analytics_redis); docs/redis.md names the keys.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nerava/analytics/pipeline.h"

namespace nerava::analytics {

struct RedisPublisherOptions {
  // redis://[USER][:PASSWORD@]HOST[:PORT][/DATABASE], or unix://[USER][:PASSWORD@]/PATH/OF/THE/SOCKET. User and
  // password percent-encoded.
  std::string url = "redis://127.0.0.1:6379";
  std::string prefix = "nerava:analytics:";  // of every key; 1..200 bytes of printable ASCII
  // Requests of HttpApi whose answers are kept, each by the key prefix + target. 1..1000.
  std::vector<std::string> targets = {"/v1/analytics/kpis?days=1", "/v1/analytics/kpis?days=7",
                                      "/v1/analytics/kpis?days=30"};
  absl::Duration interval = absl::Seconds(1);        // from 100 ms; between two rounds
  absl::Duration expiry = absl::Seconds(60);         // from two intervals, to a year; of every key
  absl::Duration timeout = absl::Milliseconds(500);  // 1 ms..60 s; to connect, and for a reply
  // Told why a round failed, but not again while the next ones do for the same reason. Called on the publisher's
  // thread, without locks; may be empty. What it throws is swallowed.
  std::function<void(const absl::Status& error)> on_error = {};
};

struct RedisPublisherStats {
  bool connected = false;
  std::uint64_t rounds = 0;    // that Redis took
  std::uint64_t commands = 0;  // of these
  std::uint64_t failures = 0;  // rounds that it did not take
  // Targets that could not be answered; their keys expire.
  std::uint64_t failed_answers = 0;
  std::string last_error;  // of the last round; empty if Redis took it
};

std::string ToJson(const RedisPublisherStats& stats);

// A thread of its own asks and sends, so nothing of the pipeline ever waits for Redis: while it is down rounds
// are tried again, up to 30 s apart, and counted. Thread-safe. Destroy it before the pipeline; it waits for what Redis
// has at hand at most. In a forked child it does nothing: open another one there.
class RedisPublisher {
 public:
  // Redis need not be there. InvalidArgument for options out of their range, and for a target that is not
  // answered with 200 for its own fault, or in parts. ResourceExhausted if there can be no thread.
  static absl::StatusOr<std::unique_ptr<RedisPublisher>> Open(Pipeline& pipeline,
                                                              RedisPublisherOptions options = {});
  ~RedisPublisher();
  RedisPublisher(const RedisPublisher&) = delete;
  RedisPublisher& operator=(const RedisPublisher&) = delete;

  // Has a round begun now, also while they are put off, and waits for its end: Unavailable with what went wrong,
  // DeadlineExceeded, or FailedPrecondition in a forked child.
  absl::Status PublishNow(absl::Duration timeout = absl::Seconds(10));

  RedisPublisherStats stats() const;

 private:
  struct Impl;
  explicit RedisPublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nerava::analytics
