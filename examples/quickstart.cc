// Three sessions in, four KPI groups out. The same story is told in C and in Python beside this file.
// Usage: quickstart [STORE]   (default memory:; for example sqlite:///quickstart.db)
#include <cstdio>
#include <initializer_list>
#include <string>

#include "nerava/analytics/analytics.h"

namespace na = nerava::analytics;

static int Fail(const absl::Status& status) {
  return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 1;
}

static na::ChargeStarted Start(const char* session, const char* user, const char* window) {
  na::ChargeStarted event;
  event.session_id = session;
  event.user_id = user;
  event.hub_id = "hub_1";
  event.window_id = window;
  return event;
}

static na::ChargeStopped Stop(const na::ChargeStarted& start, double kwh, double reward_usd) {
  na::ChargeStopped event;
  event.session_id = start.session_id;
  event.user_id = start.user_id;
  event.hub_id = start.hub_id;
  event.window_id = start.window_id;
  event.energy_mwh = na::MicrosFromDouble(kwh).value();
  event.total_reward_microusd = na::MicrosFromDouble(reward_usd).value();
  return event;
}

int main(int argc, char** argv) {
  na::Options options;
  options.database_url = argc > 1 ? argv[1] : "memory:";
  const auto pipeline = na::Pipeline::Open(options);
  if (!pipeline.ok()) return Fail(pipeline.status());

  const na::ChargeStarted s1 = Start("s1", "u1", "green_hour"), s2 = Start("s2", "u2", "");
  na::WalletCredited credit;
  credit.session_id = "s1";
  credit.user_id = "u1";
  credit.amount_cents = 325;
  for (const na::DomainEvent& event : std::initializer_list<na::DomainEvent>{
           s1, Stop(s1, 12.5, 3.25), credit, s2, Stop(s2, 4, 1), Start("s3", "u3", "")}) {
    if (auto accepted = (*pipeline)->Publish(event); !accepted.ok()) return Fail(accepted.status());
  }
  if ((*pipeline)->Flush() != 0) return Fail(absl::UnavailableError("not all events are stored"));

  const na::KpiCalculator& calculator = (*pipeline)->kpis();
  const auto kpis = calculator.GetAllKpis(calculator.LastDays(7).value());
  if (!kpis.ok()) return Fail(kpis.status());
  std::puts(ToJson(kpis->conversion_funnel).c_str());
  std::puts(ToJson(kpis->green_hour_utilization).c_str());
  std::puts(ToJson(kpis->streak_metrics).c_str());
  std::puts(ToJson(kpis->revenue_metrics).c_str());
}
