// What the recorded program publishes, so that the test knows what it must find.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "nerava/analytics/domain_event.h"
#include "nerava/analytics/pipeline.h"
#include "tests/faults/power/refusing_store.h"

namespace nerava::analytics::testing {

constexpr absl::Duration kSyncInterval = absl::Milliseconds(20);

// The ids of events end with their number.
inline std::string WorkloadEventId(int number) {
  return fmt::format("00000000-0000-4000-8000-{:012}", number);
}
inline int WorkloadNumber(const std::string& event_id) { return std::stoi(event_id.substr(24)); }

// Events that the store does not take: one in 60, few enough not to trip the breaker.
inline bool IsRefused(int number) { return number % 60 == 59; }

// Sessions of a start, a stop and a credit each, over some days. Each weighs about 1 KiB, so that a
// few hundred fill a segment of the journal.
inline DomainEvent WorkloadEvent(int number) {
  const int session = number / 3;
  const absl::Time time = absl::FromUnixSeconds(1'750'000'000) + absl::Minutes(number);
  const auto fill = [&](auto event) -> DomainEvent {
    event.header.event_id = WorkloadEventId(number);
    event.header.properties = fmt::format(R"({{"note":"{}"}})", std::string(800, 'x'));
    event.session_id = fmt::format("session {}", session);
    event.user_id = fmt::format("user {}", session % 17);
    return event;
  };
  switch (number % 3) {
    case 0: {
      ChargeStarted started;
      started.hub_id = fmt::format("hub {}", session % 5);
      started.window_id = session % 2 == 0 ? "green_hour" : "";
      started.started_at = time;
      return fill(started);
    }
    case 1: {
      ChargeStopped stopped;
      stopped.stopped_at = time;
      stopped.energy_mwh = 1'000'000 + session;
      stopped.total_reward_microusd = 250'000 + session;
      return fill(stopped);
    }
    default: {
      WalletCredited credited;
      credited.amount_cents = 1 + session;
      credited.credited_at = time;
      return fill(credited);
    }
  }
}

inline std::string WorkloadUrl(const std::string& folder) {
  return "sqlite:///" + folder + "/analytics.db";
}

// A pipeline on a SQLite file in `folder`, with the smallest segments and frequent commits, so that a
// second of publishing rotates and trims. `durability`: "memory", "process" or "power"; that of
// "power" is in folders which are made for it.
inline absl::StatusOr<std::unique_ptr<Pipeline>> OpenWorkload(const std::string& folder,
                                                              const std::string& durability) {
  Options options;
  options.writer.batch_size = 20;
  options.writer.flush_interval = absl::Milliseconds(5);
  options.writer.journal.durability = durability == "power"     ? Durability::kPower
                                      : durability == "process" ? Durability::kProcess
                                                                : Durability::kMemory;
  if (durability == "power") options.writer.journal.directory = folder + "/var/lib/journals";
  options.writer.journal.segment_bytes = 256 << 10;
  options.writer.journal.sync_interval = kSyncInterval;
  auto store = OpenStore("sqlite:///" + folder + "/analytics.db");
  if (!store.ok()) return store.status();
  return Pipeline::Open(
      options, std::make_shared<RefusingStore>(*std::move(store), [](const AnalyticsEvent& event) {
        return IsRefused(WorkloadNumber(event.event_id));
      }));
}

// Whether a path in the folder is the journal's.
inline bool IsJournal(std::string_view path) {
  return path.starts_with("analytics.db.journal") || path.starts_with("var");
}

}  // namespace nerava::analytics::testing
