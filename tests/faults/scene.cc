#include "tests/faults/scene.h"

#include <filesystem>
#include <utility>

#include "fmt/format.h"

namespace nerava::analytics::testing {

Scene::Scene(std::string folder_in) : folder(std::move(folder_in)) {
  std::filesystem::create_directories(disk());
}

Options Scene::MakeOptions(Durability durability) const {
  Options options;
  options.database_url = "sqlite:///" + database();
  options.writer.batch_size = 20;
  options.writer.max_batch_size = 1000;
  options.writer.queue_capacity = 10'000;
  options.writer.flush_interval = absl::Milliseconds(5);
  options.writer.overflow_timeout = absl::Milliseconds(100);
  options.writer.retry_initial_backoff = absl::Milliseconds(1);
  options.writer.retry_max_backoff = absl::Milliseconds(20);
  options.writer.journal.durability = durability;
  options.writer.journal.sync_interval = absl::Milliseconds(10);
  options.writer.journal.segment_bytes = 256 << 10;
  return options;
}

std::string ChargingLoadId(std::uint32_t run, std::uint32_t thread, std::uint64_t n) {
  return fmt::format("{:08x}-{:04x}-4000-8000-{:012x}", run, thread, n);
}

DomainEvent ChargingLoad(std::uint32_t run, std::uint32_t thread, std::uint64_t n,
                         std::size_t padding) {
  const std::uint64_t session = n / 3;
  EventHeader header;
  header.event_id = ChargingLoadId(run, thread, n);
  header.region = fmt::format("region{}", session % 2);
  // 2025-03-01T00:00:00Z and the three days after it; not "in the future" by a clock set back a year.
  header.timestamp =
      absl::FromUnixSeconds(1'740'787'200) +
      absl::Seconds(static_cast<std::int64_t>(session * 7919 % (3 * 86'400) + n % 3));
  if (padding > 0) header.properties = fmt::format(R"({{"padding":"{:x<{}}"}})", "", padding);

  const auto fill = [&](auto event) {
    event.header = header;
    event.session_id = ChargingLoadId(run, thread + 0x8000, session);
    event.user_id = fmt::format("user{}", session % 40);
    return event;
  };
  const auto place = [&](auto event) {
    event.hub_id = fmt::format("hub{}", session % 5);
    event.window_id = session % 3 == 0 ? "green_hour" : "";
    return event;
  };
  switch (n % 3) {
    case 0:
      return place(fill(ChargeStarted{}));
    case 1: {
      ChargeStopped stop = place(fill(ChargeStopped{}));
      stop.energy_mwh = static_cast<std::int64_t>(1'000 * (session % 50'000));
      stop.total_reward_microusd = static_cast<std::int64_t>(10'000 * (session % 900));
      return stop;
    }
    default: {
      WalletCredited credit = fill(WalletCredited{});
      credit.amount_cents = static_cast<std::int64_t>(session % 900);
      return credit;
    }
  }
}

}  // namespace nerava::analytics::testing
