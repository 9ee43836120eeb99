#include "examples/simulate/simulation.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "nerava/analytics/timestamp.h"

namespace nerava::examples {
namespace {

// Order of the heaps: the earliest, then the first made, is on top.
constexpr auto kLaterPlanned = [](const auto& a, const auto& b) {
  return std::pair(a.time, a.order) > std::pair(b.time, b.order);
};
constexpr auto kLaterSent = [](const auto& a, const auto& b) {
  return std::pair(a.arrival, a.order) > std::pair(b.arrival, b.order);
};

std::string Usd(std::int64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); }

// Local days since 1970, and their weekday (0 is Sunday).
int WeekdayOf(std::int64_t local_time) { return static_cast<int>((local_time / kDay + 4) % 7); }

}  // namespace

Simulation::Simulation(const SimulationOptions& options)
    : options_(options),
      end_(absl::ToUnixMicros(options.end)),
      begin_(end_ - options.days * kDay),
      random_(options.seed),
      world_(options, begin_, end_, random_) {
  summary_.from = begin_;
  summary_.to = end_;
}

void Simulation::Run(absl::FunctionRef<void(std::string_view, std::int64_t)> write) {
  for (std::size_t user = 0; user < world_.users.size(); ++user) {
    const std::int64_t joined = world_.users[user].joined;
    if (joined >= begin_) Plan(joined, Step::kSignUp, user);
  }

  // Each day's share of all sessions.
  std::vector<std::int64_t> cumulative{0};
  for (int day = 0; day < options_.days; ++day) {
    const int weekday = WeekdayOf(begin_ + day * kDay + options_.utc_offset_hours * kHour);
    const std::int64_t base = weekday == 0 || weekday == 6 ? 60 : 100;
    cumulative.push_back(cumulative.back() + base * random_.Between(85, 115));
  }
  const std::int64_t total = options_.TotalSessions();
  const auto sessions_before = [&](std::size_t day) {
    return total / cumulative.back() * cumulative[day] +
           total % cumulative.back() * cumulative[day] / cumulative.back();
  };
  const auto write_arrived = [&](std::int64_t until) {
    while (!sent_.empty() && sent_.front().arrival < until) {
      std::pop_heap(sent_.begin(), sent_.end(), kLaterSent);
      const Sent sent = std::move(sent_.back());
      sent_.pop_back();
      Count(sent);
      write(sent.line, sent.arrival);
    }
  };

  for (std::size_t day = 0; day + 1 < cumulative.size(); ++day) {
    const std::int64_t day_begin = begin_ + static_cast<std::int64_t>(day) * kDay;
    PlanDay(day_begin, sessions_before(day + 1) - sessions_before(day));
    // By the hour, so that what was sent need not be kept long.
    for (std::int64_t hour = day_begin; hour < day_begin + kDay; hour += kHour) {
      Advance(hour + kHour);
      write_arrived(hour + kHour);
    }
  }
}

void Simulation::PlanDay(std::int64_t day_begin, std::int64_t sessions) {
  for (std::size_t n = 0; n < kWindows.size(); ++n) {
    const IncentiveWindow& window = kWindows[n];
    const std::int64_t opens = AtLocalTime(day_begin, window.begin);
    Plan(opens, Step::kOpenWindow, n);
    Plan(opens + window.end - window.begin, Step::kCloseWindow, n);
  }
  const int weekday = WeekdayOf(day_begin + options_.utc_offset_hours * kHour);
  for (std::int64_t n = 0; n < sessions; ++n) PlanSession(day_begin, weekday);
}

void Simulation::PlanSession(std::int64_t day_begin, int weekday) {
  Session session;
  session.id = random_.Uuid();
  session.user = world_.PickUser(day_begin, weekday, random_);
  const User& user = world_.users[session.user];
  session.hub = world_.PickHub(user, random_);
  const Hub& hub = world_.hubs[session.hub];

  const std::int64_t usual = user.favourite_time + random_.Bell(-90 * kMinute, 90 * kMinute);
  // Every fifth is at any time.
  const std::int64_t time_of_day =
      random_.Chance(200'000) ? random_.Between(0, kDay - 1) : (usual + kDay) % kDay;
  session.window = WindowAt(time_of_day);
  const std::int64_t start = AtLocalTime(day_begin, time_of_day);

  const bool fast = hub.watts >= 50'000;
  const std::int64_t duration =
      fast ? random_.Bell(10 * kMinute, 60 * kMinute) : random_.Bell(20 * kMinute, 360 * kMinute);
  session.stop = start + duration;
  // Cars seldom draw all that the hub offers, and are full at some point.
  const std::int64_t watts = hub.watts * random_.Bell(40, 95) / 100;
  session.energy_wh = std::min(watts * (duration / kSecond) / 3600, random_.Bell(8'000, 75'000));
  const std::int64_t cents_per_kwh =
      session.window == kNoWindow ? 0 : kWindows[session.window].cents_per_kwh;
  session.grid_cents = (session.energy_wh * cents_per_kwh + 500) / 1000;
  if (random_.Chance(250'000)) session.merchant_cents = random_.Between(2, 12) * 25;

  Plan(start, Step::kStart, sessions_.size());
  sessions_.push_back(std::move(session));
}

void Simulation::Plan(std::int64_t time, Step step, std::size_t subject) {
  planned_.push_back({time, next_order_++, step, subject});
  std::push_heap(planned_.begin(), planned_.end(), kLaterPlanned);
}

void Simulation::Advance(std::int64_t until) {
  while (!planned_.empty() && planned_.front().time < until) {
    std::pop_heap(planned_.begin(), planned_.end(), kLaterPlanned);
    const Planned planned = planned_.back();
    planned_.pop_back();
    Perform(planned);
  }
}

void Simulation::Perform(const Planned& planned) {
  switch (planned.step) {
    case Step::kSignUp:
      return SignUp(planned);
    case Step::kInstallPass:
      return InstallPass(planned);
    case Step::kOpenWindow:
    case Step::kCloseWindow:
      return SwitchWindow(planned);
    case Step::kStart:
      return Start(planned);
    case Step::kStop:
      return Stop(planned);
    case Step::kCredit:
      return Credit(planned);
    case Step::kEarnNova:
      return EarnNova(planned);
    case Step::kRedeemNova:
      return RedeemNova(planned);
  }
}

std::int64_t Simulation::AtLocalTime(std::int64_t day_begin, std::int64_t time_of_day) const {
  const std::int64_t local = time_of_day - options_.utc_offset_hours * kHour - day_begin % kDay;
  return day_begin + (local % kDay + kDay) % kDay;
}

void Simulation::SignUp(const Planned& planned) {
  static constexpr std::array<std::string_view, 3> kProviders{"google", "apple", "email"};
  const User& user = world_.users[planned.subject];
  Send(planned, "driver_signed_up", "created_at", user.id, world_.hubs[user.home_hub].region,
       fmt::format(R"(,"user_id":"{}","email":"driver-{}@example.com","auth_provider":"{}")",
                   user.id, user.id.substr(0, 8), kProviders[random_.Below(kProviders.size())]));
  if (random_.Chance(600'000)) {
    Plan(planned.time + random_.Between(kMinute, 30 * kMinute), Step::kInstallPass,
         planned.subject);
  }
}

void Simulation::InstallPass(const Planned& planned) {
  const User& user = world_.users[planned.subject];
  Send(planned, "wallet_pass_installed", "installed_at", user.id, world_.hubs[user.home_hub].region,
       fmt::format(R"(,"user_id":"{}","pass_type":"{}")", user.id,
                   random_.Chance(550'000) ? "apple_wallet" : "google_wallet"));
}

void Simulation::SwitchWindow(const Planned& planned) {
  const IncentiveWindow& window = kWindows[planned.subject];
  const std::string fields =
      fmt::format(R"(,"window_id":"{}","window_label":"{}")", window.id, window.label);
  if (planned.step == Step::kCloseWindow) {
    return Send(planned, "incentive_window_deactivated", "deactivated_at", window.id, "", fields);
  }
  Send(planned, "incentive_window_activated", "activated_at", window.id, "",
       fmt::format(R"({},"price_per_kwh":{},"multiplier":{})", fields, window.price_per_kwh,
                   window.multiplier));
}

namespace {

// The fields that starts and stops share.
std::string ChargingFields(std::string_view session_id, std::string_view user_id,
                           std::string_view hub_id, std::size_t window) {
  std::string fields = fmt::format(R"(,"session_id":"{}","user_id":"{}","hub_id":"{}")", session_id,
                                   user_id, hub_id);
  if (window != kNoWindow) {
    fmt::format_to(std::back_inserter(fields), R"(,"window_id":"{}")", kWindows[window].id);
  }
  return fields;
}

}  // namespace

void Simulation::Start(const Planned& planned) {
  const Session& session = sessions_[planned.subject];
  const Hub& hub = world_.hubs[session.hub];
  if (!random_.Chance(options_.lost_starts)) {
    Send(planned, "charge_started", "started_at", session.id, hub.region,
         ChargingFields(session.id, world_.users[session.user].id, hub.id, session.window));
  }
  if (!random_.Chance(options_.unfinished)) Plan(session.stop, Step::kStop, planned.subject);
}

void Simulation::Stop(const Planned& planned) {
  const Session& session = sessions_[planned.subject];
  const Hub& hub = world_.hubs[session.hub];
  Send(
      planned, "charge_stopped", "stopped_at", session.id, hub.region,
      fmt::format(R"({},"kwh_consumed":{}.{:03},"grid_reward_usd":{},"merchant_reward_usd":{},)"
                  R"("total_reward_usd":{})",
                  ChargingFields(session.id, world_.users[session.user].id, hub.id, session.window),
                  session.energy_wh / 1000, session.energy_wh % 1000, Usd(session.grid_cents),
                  Usd(session.merchant_cents), Usd(session.reward_cents())));
  if (session.reward_cents() > 0 && !random_.Chance(options_.uncredited)) {
    Plan(planned.time + random_.Between(kSecond, kMinute), Step::kCredit, planned.subject);
  }
  if (random_.Chance(30'000)) {
    Plan(planned.time + random_.Between(5 * kMinute, 180 * kMinute), Step::kRedeemNova,
         session.user);
  }
}

void Simulation::Credit(const Planned& planned) {
  const Session& session = sessions_[planned.subject];
  User& user = world_.users[session.user];
  user.balance_cents += session.reward_cents();
  Send(planned, "wallet_credited", "credited_at", user.id, world_.hubs[session.hub].region,
       fmt::format(R"(,"user_id":"{}","amount_cents":{},"session_id":"{}","new_balance_cents":{})",
                   user.id, session.reward_cents(), session.id, user.balance_cents));
  if (random_.Chance(150'000)) {
    Plan(planned.time + random_.Between(kSecond, 30 * kSecond), Step::kEarnNova, planned.subject);
  }
}

void Simulation::EarnNova(const Planned& planned) {
  const Session& session = sessions_[planned.subject];
  User& user = world_.users[session.user];
  const std::int64_t amount = 1 + session.reward_cents() / 4;
  user.balance_cents += amount;
  Send(planned, "nova_earned", "earned_at", user.id, world_.hubs[session.hub].region,
       fmt::format(R"(,"user_id":"{}","amount_cents":{},"session_id":"{}","new_balance_cents":{})",
                   user.id, amount, session.id, user.balance_cents));
}

void Simulation::RedeemNova(const Planned& planned) {
  User& user = world_.users[planned.subject];
  constexpr std::int64_t kLeast = 100;
  if (user.balance_cents < kLeast) return;
  const std::int64_t amount = random_.Between(kLeast, user.balance_cents);
  user.balance_cents -= amount;
  // Each draw in a statement of its own: the order of arguments' evaluation is the compiler's choice.
  const std::int64_t merchant = random_.Between(1, 30);
  const std::string redemption = fmt::format(
      R"(,"user_id":"{}","amount_cents":{},"merchant_id":"merchant_{:02}","redemption_id":"{}")",
      user.id, amount, merchant, random_.Uuid());
  const std::string& region = world_.hubs[user.home_hub].region;
  Send(planned, "nova_redeemed", "redeemed_at", user.id, region,
       fmt::format(R"({},"new_balance_cents":{})", redemption, user.balance_cents));
  if (!std::exchange(user.has_redeemed, true)) {
    Send(planned, "first_redemption_completed", "completed_at", user.id, region, redemption);
  }
}

void Simulation::Send(const Planned& planned, std::string_view type, std::string_view time_field,
                      std::string_view aggregate_id, std::string_view region,
                      std::string_view fields) {
  const std::string time = analytics::FormatTimestamp(absl::FromUnixMicros(planned.time));
  std::string line = fmt::format(
      R"({{"event_id":"{}","event_type":"{}","timestamp":"{}","aggregate_id":"{}","version":1)",
      random_.Uuid(), type, time, aggregate_id);
  if (!region.empty()) fmt::format_to(std::back_inserter(line), R"(,"region":"{}")", region);
  fmt::format_to(std::back_inserter(line), R"({},"{}":"{}"}})", fields, time_field, time);

  std::int64_t arrival = planned.time;
  if (random_.Chance(options_.late)) {
    arrival += random_.Between(kHour, 48 * kHour);
  } else if (random_.Chance(options_.out_of_order)) {
    arrival += random_.Between(10 * kSecond, 15 * kMinute);
  }
  const auto send = [&](std::int64_t at, bool duplicate) {
    sent_.push_back(
        {at, next_order_++, planned.time, planned.step, planned.subject, duplicate, type, line});
    std::push_heap(sent_.begin(), sent_.end(), kLaterSent);
  };
  send(arrival, false);
  if (random_.Chance(options_.duplicates)) {
    send(arrival + random_.Between(0, 10 * kMinute), true);
  }
}

void Simulation::Count(const Sent& sent) {
  ++summary_.lines;
  summary_.late += sent.arrival - sent.time >= kHour ? 1 : 0;
  summary_.out_of_order += sent.time < latest_written_ ? 1 : 0;
  latest_written_ = std::max(latest_written_, sent.time);
  if (sent.duplicate) {
    ++summary_.duplicates;
    return;
  }
  ++summary_.events;
  ++summary_.by_type[sent.type];
  if (sent.step == Step::kStart) sessions_[sent.subject].started = true;
  if (sent.step == Step::kStop) sessions_[sent.subject].stopped = true;
  if (sent.step == Step::kCredit) sessions_[sent.subject].credited = true;
}

SimulationSummary Simulation::summary() const {
  SimulationSummary summary = summary_;
  std::vector<bool> seen(world_.users.size());
  for (const Session& session : sessions_) {
    const bool completed = session.started && session.stopped;
    summary.sessions_started += session.started ? 1 : 0;
    summary.sessions_completed += completed ? 1 : 0;
    summary.sessions_credited += completed && session.credited ? 1 : 0;
    if (session.credited) summary.credited_cents += session.reward_cents();
    if (!session.stopped) continue;
    summary.orphan_stops += session.started ? 0 : 1;
    ++summary.total_sessions;
    summary.active_window_sessions += session.window != kNoWindow ? 1 : 0;
    summary.total_rewards_cents += session.reward_cents();
    summary.energy_wh += session.energy_wh;
    if (!seen[session.user]) ++summary.unique_users;
    seen[session.user] = true;
  }
  return summary;
}

}  // namespace nerava::examples
