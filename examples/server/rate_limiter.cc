#include "examples/server/rate_limiter.h"

#include <algorithm>

namespace nerava::examples {

double RateLimiter::Tokens(const Bucket& bucket, Clock::time_point now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.filled).count();
  return std::min(capacity_, bucket.tokens + seconds * rate_);
}

bool RateLimiter::Allow(const std::string& client, Clock::time_point now) {
  if (rate_ == 0) return true;
  if (buckets_.size() >= sweep_at_) {  // a full bucket is as good as none
    absl::erase_if(buckets_,
                   [&](const auto& entry) { return Tokens(entry.second, now) >= capacity_; });
    sweep_at_ = std::max<std::size_t>(1'024, 2 * buckets_.size());
  }
  Bucket& bucket = buckets_.try_emplace(client, Bucket{capacity_, now}).first->second;
  bucket = {Tokens(bucket, now), now};
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace nerava::examples
