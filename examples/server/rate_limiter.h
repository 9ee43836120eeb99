// How many requests a client may send.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace nerava::examples {

// A token bucket for each client: `rate` requests a second, as many at once, yet at least one. Not thread-safe.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RateLimiter(double rate)
      : rate_(rate), capacity_(std::max(1.0, rate)) {}  // 0: any number

  bool Allow(const std::string& client, Clock::time_point now);

 private:
  struct Bucket {
    double tokens;
    Clock::time_point filled;
  };
  double Tokens(const Bucket& bucket, Clock::time_point now) const;

  const double rate_;
  const double capacity_;
  absl::flat_hash_map<std::string, Bucket> buckets_;
  std::size_t sweep_at_ = 1'024;
};

}  // namespace nerava::examples
