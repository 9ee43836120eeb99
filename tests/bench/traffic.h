// Charging traffic for benchmarks: sessions of 50,000 users at 200 hubs, evenly over 90 days, with
// random UUIDv4 ids, in the order of time. The same at every run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics::bench {

inline const absl::Time kBegin = absl::FromUnixSeconds(1'767'225'600);  // 2026-01-01T00:00:00Z
inline constexpr int kDays = 90;
inline const absl::Time kEnd = kBegin + absl::Hours(24 * kDays);

// Hands out batches; over a full `total` of events the 90 days are covered.
class Traffic {
 public:
  explicit Traffic(std::int64_t total) : total_(total) {}

  std::vector<EventPtr> Batch(std::size_t size) {
    std::vector<EventPtr> batch;
    batch.reserve(size);
    while (batch.size() < size) {
      while (next_ < ready_.size() && batch.size() < size) batch.push_back(ready_[next_++]);
      if (next_ == ready_.size()) MakeSessions();
    }
    return batch;
  }

 private:
  // A thousand sessions that overlap, sorted by time.
  void MakeSessions() {
    ready_.clear();
    next_ = 0;
    for (int i = 0; i < 1000; ++i) {
      const absl::Time start =
          kBegin +
          absl::Hours(24 * kDays) *
              (static_cast<double>(made_) / static_cast<double>(std::max<std::int64_t>(total_, 1)));
      const std::string session = Uuid();
      const std::string user = fmt::format("user-{:05}", random_() % 50'000);
      const std::string hub = fmt::format("hub-{:03}", random_() % 200);
      const std::string window = random_() % 3 == 0 ? "green_hour" : "";
      const absl::Duration length = absl::Seconds(1200 + random_() % 7200);

      AnalyticsEvent event;
      event.event_id = Uuid();
      event.event_type = "analytics_charge_started";
      event.time = start;
      event.region = "default";
      event.session_id = event.aggregate_id = session;
      event.user_id = user;
      event.hub_id = hub;
      event.window_id = window;
      Add(event);

      event.event_id = Uuid();
      event.event_type = "analytics_charge_stopped";
      event.time = start + length;
      event.energy_mwh = static_cast<std::int64_t>(random_() % 60'000'000);
      event.grid_reward_microusd = static_cast<std::int64_t>(random_() % 300) * 10'000;
      event.merchant_reward_microusd = static_cast<std::int64_t>(random_() % 300) * 10'000;
      event.total_reward_microusd = *event.grid_reward_microusd + *event.merchant_reward_microusd;
      Add(event);

      AnalyticsEvent credit;
      credit.event_id = Uuid();
      credit.event_type = "analytics_wallet_credited";
      credit.time = start + length + absl::Seconds(2);
      credit.region = "default";
      credit.session_id = session;
      credit.user_id = credit.aggregate_id = user;
      credit.amount_cents = *event.total_reward_microusd / 10'000;
      credit.new_balance_cents = *credit.amount_cents + 1000;
      Add(credit);
      made_ += 3;
    }
    std::stable_sort(ready_.begin(), ready_.end(),
                     [](const EventPtr& a, const EventPtr& b) { return a->time < b->time; });
  }

  void Add(const AnalyticsEvent& event) {
    ready_.push_back(std::make_shared<const AnalyticsEvent>(event));
  }

  std::string Uuid() {
    const std::uint64_t high = random_();
    const std::uint64_t low = random_();
    return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                       high & 0xfff, 0x8000 | (low >> 50), low & 0xffffffffffff);
  }

  const std::int64_t total_;
  std::int64_t made_ = 0;
  std::mt19937_64 random_{1};
  std::vector<EventPtr> ready_;
  std::size_t next_ = 0;
};

}  // namespace nerava::analytics::bench
