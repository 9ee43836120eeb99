#include "lib/store/sqlite/event_rows.h"

#include <array>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "lib/event/event_type.h"
#include "nerava/analytics/limits.h"

namespace nerava::analytics::sqlite {
namespace {

// The columns of a partition, in the order of the table.
enum Column {
  kId,
  kEventId,
  kType,
  kTime,
  kRegion,
  kAggregate,
  kVersion,
  kSession,
  kUser,
  kHub,
  kWindow,
  kEnergy,
  kGridReward,
  kMerchantReward,
  kTotalReward,
  kAmount,
  kNewBalance,
  kFields,
  kProperties,
  kCreatedAt,
  kColumnCount
};

// More than the JSON of any event that a Producer makes.
constexpr std::size_t kMaxTextOfJson = 1 << 20;

struct NumberColumn {
  Column column;
  std::optional<std::int64_t> AnalyticsEvent::*member;
  std::int64_t max;
};
constexpr std::array<NumberColumn, 6> kNumbers = {
    {{kEnergy, &AnalyticsEvent::energy_mwh, kMaxMilliwattHours},
     {kGridReward, &AnalyticsEvent::grid_reward_microusd, kMaxMicroUsd},
     {kMerchantReward, &AnalyticsEvent::merchant_reward_microusd, kMaxMicroUsd},
     {kTotalReward, &AnalyticsEvent::total_reward_microusd, kMaxMicroUsd},
     {kAmount, &AnalyticsEvent::amount_cents, kMaxCents},
     {kNewBalance, &AnalyticsEvent::new_balance_cents, kMaxCents}}};

struct NameColumn {
  Column column;
  std::string AnalyticsEvent::*member;
};
constexpr std::array<NameColumn, 4> kNames = {{{kType, kTypeName},
                                               {kRegion, &AnalyticsEvent::region},
                                               {kHub, &AnalyticsEvent::hub_id},
                                               {kWindow, &AnalyticsEvent::window_id}}};

// The value of each hexadecimal digit in lower case, -1 for other characters.
constexpr std::array<signed char, 256> kHexValues = [] {
  std::array<signed char, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<signed char>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<signed char>(10 + i);
  }
  return values;
}();

int HexValue(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

constexpr bool IsDash(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

// Whether `text` is a UUID in its canonical spelling; then its bytes.
bool ParseUuid(std::string_view text, std::array<char, 16>* uuid) {
  if (text.size() != 36) return false;
  int wrong = 0;
  std::size_t at = 0;
  for (char& byte : *uuid) {
    if (IsDash(at)) wrong |= text[at++] != '-' ? -1 : 0;
    const int high = HexValue(text[at]);
    const int low = HexValue(text[at + 1]);
    wrong |= high | low;
    byte = static_cast<char>((high << 4) | low);
    at += 2;
  }
  return wrong >= 0;
}

std::string UuidText(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (const char c : bytes) {
    if (IsDash(text.size())) text.push_back('-');
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace

StoredId::StoredId(std::string_view id) : text_(id), is_uuid_(ParseUuid(id, &uuid_)) {}

void StoredId::Bind(Statement& statement, int index) const {
  if (is_uuid_) {
    statement.BindBlob(index, key());
  } else {
    statement.BindText(index, text_);
  }
}

bool StoredId::Read(const Statement& statement, int column, std::string* id) {
  const bool uuid = statement.ColumnType(column) == SQLITE_BLOB;
  const std::string_view bytes = statement.Bytes(column);
  if (bytes.size() > kMaxTextBytes || (uuid && bytes.size() != 16)) return false;
  *id = uuid ? UuidText(bytes) : std::string(bytes);
  return true;
}

const char* FindFault(const AnalyticsEvent& event) {
  if (event.event_id.empty()) return "it has no event_id";
  if (event.event_type.name().empty()) return "it has no event_type";
  if (event.region.empty()) return "it has no region";
  if (event.time < absl::UnixEpoch() || event.time >= absl::FromUnixSeconds(253402300800)) {
    return "its time lies outside of the years 1970 to 9999";
  }
  for (const std::string* text :
       {&event.event_id, &event.event_type.name(), &event.region, &event.hub_id, &event.window_id,
        &event.user_id, &event.session_id, &event.aggregate_id}) {
    if (text->size() > kMaxTextBytes) return "one of its ids and names is longer than 1,000 bytes";
  }
  for (const std::string* json : {&event.fields, &event.properties}) {
    if (json->size() > kMaxTextOfJson) return "its fields or properties are longer than 1 MiB";
  }
  for (const NumberColumn& number : kNumbers) {
    const std::int64_t value = (event.*number.member).value_or(0);
    if (value < -number.max || value > number.max) return "one of its amounts is out of range";
  }
  return nullptr;
}

std::string_view EventRows::Columns() {
  return "id, event_id, type, time, region, aggregate, version, session, user, hub, \"window\", "
         "energy_mwh, grid_reward_microusd, merchant_reward_microusd, total_reward_microusd, "
         "amount_cents, new_balance_cents, fields, properties, created_at";
}

std::string EventRows::InsertSql(std::string_view table) {
  std::string parameters = "?1";
  for (int i = 2; i <= kColumnCount; ++i) parameters += fmt::format(", ?{}", i);
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table, Columns(), parameters);
}

absl::Status EventRows::Insert(Statement& statement, std::int64_t id, const AnalyticsEvent& event,
                               absl::Time created_at) {
  statement.Bind(kId + 1, id);
  const StoredId event_id(event.event_id);
  event_id.Bind(statement, kEventId + 1);
  statement.Bind(kTime + 1, absl::ToUnixMicros(event.time));
  statement.Bind(kVersion + 1, event.version);
  statement.Bind(kCreatedAt + 1, absl::ToUnixMicros(created_at));

  for (const NameColumn& name : kNames) {
    const std::string& text = TextOf(event, name.member);
    if (text.empty()) continue;
    auto number = names_.FindOrAdd(text);
    if (!number.ok()) return number.status();
    statement.Bind(name.column + 1, *number);
  }
  if (!event.user_id.empty()) {
    auto number = users_.FindOrAdd(event.user_id);
    if (!number.ok()) return number.status();
    statement.Bind(kUser + 1, *number);
  }

  std::optional<StoredId> session;
  if (!event.session_id.empty()) {
    session.emplace(event.session_id);
    session->Bind(statement, kSession + 1);
  }
  std::optional<StoredId> aggregate;
  if (event.AggregateId() == event.session_id) {
    statement.BindNull(kAggregate + 1);
  } else if (event.AggregateId() == event.user_id) {
    statement.Bind(kAggregate + 1, 0);
  } else {
    aggregate.emplace(event.AggregateId());
    aggregate->Bind(statement, kAggregate + 1);
  }

  for (const NumberColumn& number : kNumbers) {
    const auto& value = event.*number.member;
    if (value.has_value()) statement.Bind(number.column + 1, *value);
  }
  if (!event.fields.empty()) statement.BindText(kFields + 1, event.fields);
  if (!event.properties.empty()) statement.BindText(kProperties + 1, event.properties);
  return statement.Run();
}

absl::StatusOr<AnalyticsEvent> EventRows::Read(const Statement& statement) {
  AnalyticsEvent event;
  bool whole = StoredId::Read(statement, kEventId, &event.event_id);
  event.time = absl::FromUnixMicros(statement.Integer(kTime));
  event.version = static_cast<std::int32_t>(statement.Integer(kVersion));
  for (const NameColumn& name : kNames) {
    if (statement.IsNull(name.column)) continue;
    auto text = names_.Text(statement.Integer(name.column));
    if (!text.ok()) return text.status();
    SetText(name.member, *text, &event);
  }
  if (!statement.IsNull(kUser)) {
    auto text = users_.Text(statement.Integer(kUser));
    if (!text.ok()) return text.status();
    event.user_id = *std::move(text);
  }
  if (!statement.IsNull(kSession)) {
    whole = StoredId::Read(statement, kSession, &event.session_id) && whole;
  }
  switch (statement.ColumnType(kAggregate)) {
    case SQLITE_NULL:
      if (event.AggregateId() != event.session_id) event.aggregate_id = event.session_id;
      break;
    case SQLITE_INTEGER:
      if (event.AggregateId() != event.user_id) event.aggregate_id = event.user_id;
      break;
    default:
      whole = StoredId::Read(statement, kAggregate, &event.aggregate_id) && whole;
  }
  for (const NumberColumn& number : kNumbers) {
    if (!statement.IsNull(number.column)) {
      event.*number.member = statement.Integer(number.column);
    }
  }
  const std::pair<Column, std::string AnalyticsEvent::*> texts[] = {
      {kFields, &AnalyticsEvent::fields}, {kProperties, &AnalyticsEvent::properties}};
  for (const auto& [column, member] : texts) {
    const std::string_view text = statement.Bytes(column);
    whole = whole && text.size() <= kMaxTextOfJson;
    if (whole) event.*member = text;
  }
  const char* const fault = whole ? FindFault(event) : "one of its values has a wrong size";
  if (fault == nullptr) return event;
  return absl::DataLossError(
      fmt::format("the stored event {} is damaged: {}", statement.Integer(kId), fault));
}

absl::Status EventRows::ReadAll(Statement& statement,
                                absl::FunctionRef<void(AnalyticsEvent event)> sink) {
  while (statement.Step()) {
    auto event = Read(statement);
    if (!event.ok()) return event.status();
    sink(*std::move(event));
  }
  absl::Status status = statement.status();
  statement.Reset();
  return status;
}

}  // namespace nerava::analytics::sqlite
