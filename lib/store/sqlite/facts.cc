#include "lib/store/sqlite/facts.h"

#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "lib/base/bytes.h"
#include "lib/store/sqlite/totals_codec.h"

namespace nerava::analytics::sqlite {
namespace {

constexpr std::int64_t kSlotMicros = 300'000'000;
// Of a row. Appending rewrites all of it; each row costs some bytes and a step.
constexpr std::int64_t kFullBytes = 4000;
constexpr std::int64_t kMostParts = std::int64_t{1} << 40;

// More sessions than a batch can have at one moment: so many of no file add up to an overflow.
constexpr std::int64_t kMostOfAMoment = std::int64_t{1} << 20;

// Seconds since 1970.
std::int64_t SlotOf(std::int64_t micros) { return (micros - micros % kSlotMicros) / 1'000'000; }

// Bits of what is present: the times, and from kTotalsBit on the totals.
constexpr std::uint64_t kTimeToStop = 1;
constexpr std::uint64_t kTimeToCredit = 2;
constexpr std::size_t kTotalsBit = 2;

absl::Status Damaged(std::int64_t slot) {
  return absl::DataLossError(fmt::format(
      "the stored facts of {} are damaged",
      absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(slot), absl::UTCTimeZone())));
}

// docs/storage.md describes the format.
void Encode(const Fact& fact, std::int64_t hub, std::int64_t window, std::int64_t user,
            std::string* out) {
  const std::uint64_t present = PresentTotals(fact.totals) << kTotalsBit |
                                (fact.time_to_stop ? kTimeToStop : 0) |
                                (fact.time_to_credit ? kTimeToCredit : 0);
  AppendVarint(static_cast<std::uint64_t>(absl::ToUnixMicros(fact.time) % kSlotMicros), out);
  AppendVarint(static_cast<std::uint64_t>(hub), out);
  AppendVarint(static_cast<std::uint64_t>(window), out);
  AppendVarint(static_cast<std::uint64_t>(user), out);
  if (user != 0) AppendSigned(fact.user_sessions, out);
  AppendVarint(present, out);
  for (const auto& time : {fact.time_to_stop, fact.time_to_credit}) {
    if (time) AppendSigned(absl::ToInt64Microseconds(*time), out);
  }
  AppendTotals(fact.totals, out);
}

// Decodes one fact after the other. A scan of months has millions.
class Decoder {
 public:
  // Numbers of names, and what the fact itself has but its time.
  std::int64_t micros = 0;  // in the slot
  std::int64_t hub = 0;
  std::int64_t window = 0;
  std::int64_t user = 0;
  Fact fact;

  // False when the bytes are none.
  bool Next(ByteReader* reader) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    constexpr std::int64_t kMostUsers = std::numeric_limits<std::uint32_t>::max();
    for (std::int64_t* const number : {&micros, &hub, &window, &user}) {
      std::uint64_t value = 0;
      if (!reader->Varint(&value) || value > kMost) return false;
      *number = static_cast<std::int64_t>(value);
    }
    if (micros >= kSlotMicros || user > kMostUsers) return false;
    fact.user_sessions = 0;
    if (user != 0) {
      std::int64_t sessions = 0;
      if (!reader->Signed(&sessions) || sessions > kMostOfAMoment || sessions < -kMostOfAMoment) {
        return false;
      }
      fact.user_sessions = sessions;
    }
    return NextChanges(reader);
  }

 private:
  bool NextChanges(ByteReader* reader) {
    // Only what the one before had.
    for (; set_ != 0; set_ &= set_ - 1) LowestTotal(set_, &fact.totals) = 0;
    std::uint64_t present = 0;
    if (!reader->Varint(&present) ||
        !NextTime((present & kTimeToStop) != 0, reader, &fact.time_to_stop) ||
        !NextTime((present & kTimeToCredit) != 0, reader, &fact.time_to_credit) ||
        (fact.time_to_stop && *fact.time_to_stop < absl::ZeroDuration())) {
      return false;
    }
    set_ = present >> kTotalsBit;
    return ReadTotals(set_, kMostOfAMoment, reader, &fact.totals);
  }

  static bool NextTime(bool present, ByteReader* reader, std::optional<absl::Duration>* time) {
    time->reset();
    if (!present) return true;
    std::int64_t micros = 0;
    if (!ReadAmount(reader, &micros)) return false;
    *time = absl::Microseconds(micros);
    return true;
  }

  std::uint64_t set_ = 0;  // the totals that are
};

}  // namespace

absl::Status Facts::Read(absl::Time from, absl::Time to, const KpiFilter& filter,
                         AggregateTable::FactSink sink) {
  Wanted wanted{absl::ToUnixMicros(from), absl::ToUnixMicros(to)};
  const std::pair<const std::string*, std::int64_t*> names[] = {
      {&filter.region, &wanted.region},
      {&filter.hub_id, &wanted.hub},
      {&filter.window_id, &wanted.window}};
  for (const auto& [name, out] : names) {
    if (name->empty()) continue;
    auto number = names_.Find(*name);
    if (!number.ok()) return number.status();
    if (!number->has_value()) return absl::OkStatus();  // never seen
    *out = **number;
  }
  auto rows =
      database_.Prepare(wanted.region == kAny ? "SELECT slot, region, facts FROM facts "
                                                "WHERE slot >= ?1 AND slot < ?2"
                                              : "SELECT slot, region, facts FROM facts "
                                                "WHERE slot >= ?1 AND slot < ?2 AND region = ?3");
  if (!rows.ok()) return rows.status();
  (*rows)->Bind(1, SlotOf(wanted.from));
  (*rows)->Bind(2, wanted.to / 1'000'000 + 1);
  if (wanted.region != kAny) (*rows)->Bind(3, wanted.region);
  absl::Status status = ReadRows(**rows, wanted, sink);
  (*rows)->Reset();
  return status;
}

absl::Status Facts::ReadRows(Statement& rows, const Wanted& wanted, AggregateTable::FactSink sink) {
  NamesAtHand regions(names_);
  NamesAtHand hubs(names_);
  NamesAtHand windows(names_);
  Decoder decoder;
  Fact& fact = decoder.fact;
  while (rows.Step()) {
    const std::int64_t slot = rows.Integer(0);
    const auto region = regions.Find(rows.Integer(1));
    if (!region.ok()) return region.status();
    for (ByteReader reader(rows.Bytes(2)); !reader.empty();) {
      if (!decoder.Next(&reader)) {
        return Damaged(slot);
      }
      const std::int64_t micros = slot * 1'000'000 + decoder.micros;
      if (micros < wanted.from || micros >= wanted.to ||
          (wanted.hub != kAny && decoder.hub != wanted.hub) ||
          (wanted.window != kAny && decoder.window != wanted.window)) {
        continue;
      }
      const auto hub = hubs.Find(decoder.hub);
      if (!hub.ok()) return hub.status();
      const auto window = windows.Find(decoder.window);
      if (!window.ok()) return window.status();
      fact.time = absl::FromUnixMicros(micros);
      fact.region = *region;
      fact.hub_id = *hub;
      fact.window_id = *window;
      if (absl::Status taken = sink(fact, static_cast<std::uint32_t>(decoder.user)); !taken.ok())
        return taken;
    }
  }
  return rows.status();
}

absl::Status Facts::Add(absl::Span<const Fact> facts) {
  // In the order of the table: neighbours share pages.
  std::map<Cell, std::string> cells;
  for (const Fact& fact : facts) {
    auto region = NumberOf(fact.region);
    if (!region.ok()) return region.status();
    auto hub = NumberOf(fact.hub_id);
    if (!hub.ok()) return hub.status();
    auto window = NumberOf(fact.window_id);
    if (!window.ok()) return window.status();
    std::int64_t user = 0;
    if (!fact.user_id.empty()) {
      auto number = users_.FindOrAdd(fact.user_id);
      if (!number.ok()) return number.status();
      user = *number;
    }
    Encode(fact, *hub, *window, user, &cells[{SlotOf(absl::ToUnixMicros(fact.time)), *region}]);
  }
  for (const auto& [cell, bytes] : cells) {
    if (absl::Status status = Append(cell, bytes); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Facts::Append(const Cell& cell, std::string_view bytes) {
  auto last = database_.Prepare(
      "SELECT part, length(facts) FROM facts WHERE slot = ?1 AND region = ?2 "
      "ORDER BY part DESC LIMIT 1");
  if (!last.ok()) return last.status();
  (*last)->Bind(1, cell.slot);
  (*last)->Bind(2, cell.region);
  const bool found = (*last)->Step();
  if (!(*last)->status().ok()) return (*last)->status();
  if (found && ((*last)->Integer(0) < 0 || (*last)->Integer(0) > kMostParts)) {
    return absl::DataLossError("a stored part of facts has a number that none has");
  }
  const bool append = found && (*last)->Integer(1) < kFullBytes;
  const std::int64_t part = found ? (*last)->Integer(0) + (append ? 0 : 1) : 0;
  (*last)->Reset();

  auto write = database_.Prepare(append ? "UPDATE facts SET facts = CAST(facts || ?4 AS BLOB) "
                                          "WHERE slot = ?1 AND region = ?2 AND part = ?3"
                                        : "INSERT INTO facts VALUES (?1, ?2, ?3, ?4)");
  if (!write.ok()) return write.status();
  (*write)->Bind(1, cell.slot);
  (*write)->Bind(2, cell.region);
  (*write)->Bind(3, part);
  (*write)->BindBlob(4, bytes);
  return (*write)->Run();
}

absl::Status Facts::ForgetUser(std::uint32_t user) {
  struct Row {
    std::int64_t slot, region, part;
    std::string facts;
  };
  // All of them: who a session's was may have changed, so that sets of users do not tell where they are.
  auto statement = database_.Prepare("SELECT slot, region, part, facts FROM facts");
  if (!statement.ok()) return statement.status();
  Statement& rows = **statement;
  std::vector<Row> changed;
  Decoder decoder;
  Fact& fact = decoder.fact;
  while (rows.Step()) {
    const std::int64_t slot = rows.Integer(0);
    const std::string_view bytes = rows.Bytes(3);
    bool found = false;
    for (ByteReader reader(bytes); !reader.empty();) {
      if (!decoder.Next(&reader)) return Damaged(slot);
      found = found || decoder.user == user;
    }
    if (!found) continue;
    Row& row = changed.emplace_back(Row{slot, rows.Integer(1), rows.Integer(2), {}});
    for (ByteReader reader(bytes); !reader.empty();) {
      if (!decoder.Next(&reader)) return Damaged(slot);
      fact.time = absl::FromUnixMicros(decoder.micros);
      std::int64_t kept = decoder.user;
      Totals& totals = fact.totals;
      const std::int64_t with_user = totals.sessions_with_user;
      if (kept == user) {
        kept = 0;
        totals.sessions_with_user -= fact.user_sessions;
      }
      Encode(fact, decoder.hub, decoder.window, kept, &row.facts);
      totals.sessions_with_user = with_user;  // the decoder's
    }
  }
  absl::Status status = rows.status();
  rows.Reset();
  if (!status.ok()) return status;
  auto update = database_.Prepare(
      "UPDATE facts SET facts = ?4 WHERE slot = ?1 AND region = ?2 AND part = ?3");
  if (!update.ok()) return update.status();
  for (const Row& row : changed) {
    (*update)->Bind(1, row.slot);
    (*update)->Bind(2, row.region);
    (*update)->Bind(3, row.part);
    (*update)->BindBlob(4, row.facts);
    if (absl::Status written = (*update)->Run(); !written.ok()) return written;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> Facts::NumberOf(std::string_view name) {
  if (name.empty()) return 0;
  return names_.FindOrAdd(name);
}

}  // namespace nerava::analytics::sqlite
