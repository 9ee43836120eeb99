#include "lib/store/sqlite/state.h"

#include <algorithm>
#include <string>

#include "fmt/format.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr std::int64_t kMaxEvents = std::int64_t{1} << 62;
constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kLastDay = 253402300800;  // 10000-01-01

}  // namespace

absl::StatusOr<State> ReadState(Database& database) {
  auto statement = database.Prepare("SELECT name, value FROM state");
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  State state;
  while (rows.Step()) {
    const std::string_view name = rows.Bytes(0);
    const std::int64_t value = rows.Integer(1);
    const bool counts = name == "last_event" || name == "erasures";
    if (value < 0 || value > (counts ? kMaxEvents : kLastDay) ||
        (!counts && value % kSecondsPerDay != 0)) {
      return absl::DataLossError(
          fmt::format("the stored state \"{}\" is damaged: {}", name, value));
    }
    if (name == "last_event") state.last_event = value;
    if (name == "erasures") state.erasures = value;
    if (value == 0) continue;
    if (name == "events_from") state.kept_from.events = absl::FromUnixSeconds(value);
    if (name == "aggregates_from") state.kept_from.aggregates = absl::FromUnixSeconds(value);
    if (name == "days_from") state.kept_from.days = absl::FromUnixSeconds(value);
    if (name == "blocks_from") state.blocks_from = value;
    if (name == "blocks_to") state.blocks_to = value;
  }
  absl::Status status = rows.status();
  rows.Reset();
  if (!status.ok()) return status;
  return state;
}

absl::Status WriteState(Database& database, std::string_view name, std::int64_t value) {
  auto statement = database.Prepare("UPDATE state SET value = ?2 WHERE name = ?1");
  if (!statement.ok()) return statement.status();
  (*statement)->BindText(1, name);
  (*statement)->Bind(2, value);
  return (*statement)->Run();
}

std::int64_t SecondsOf(absl::Time horizon) {
  return std::max<std::int64_t>(absl::ToUnixSeconds(horizon), 0);
}

}  // namespace nerava::analytics::sqlite
