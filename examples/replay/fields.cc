#include "examples/replay/fields.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "nerava/analytics/money.h"
#include "nerava/analytics/timestamp.h"

namespace nerava::examples {
namespace {

constexpr std::size_t kNone = kFields.size();
constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// "Session-ID" -> "sessionid".
std::string Squeeze(std::string_view name) {
  std::string squeezed;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) squeezed += static_cast<char>(std::tolower(byte));
  }
  return squeezed;
}

bool CanBe(FieldType type, std::string_view value) {
  std::string text(ValueOrMissing(value));
  if (text.empty()) return true;
  RepairCentury(&text);
  switch (type) {
    case FieldType::kTime:
      return analytics::ParseTimestamp(text).ok();
    case FieldType::kNumber:
      return analytics::MicrosFromDecimal(text).ok();
    case FieldType::kText:
    case FieldType::kObject:
      return true;
  }
  return true;
}

}  // namespace

std::string_view ValueOrMissing(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  text = text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
  return text == "NA" || text == "null" || text == "NULL" ? "" : text;
}

bool RepairCentury(std::string* time) {
  const bool below_1000 = time->size() > 4 && (*time)[0] == '0' && (*time)[4] == '-' &&
                          std::all_of(time->begin() + 1, time->begin() + 4, IsDigit);
  if (below_1000) (*time)[0] = '2';
  return below_1000;
}

std::string Describe(const Layout& layout, absl::Span<const std::string> names) {
  std::string used;
  std::string unused;
  for (std::size_t column = 0; column < names.size(); ++column) {
    const std::size_t field = layout.field_of_column[column];
    if (field == kNone) {
      unused += fmt::format(" {}", names[column]);
    } else {
      used += fmt::format("{}{}={}", used.empty() ? "" : " ", kFields[field].name, names[column]);
    }
  }
  return unused.empty() ? used : fmt::format("{}; not used:{}", used, unused);
}

absl::StatusOr<ColumnNames> ColumnNames::Create(const std::vector<std::string>& mappings) {
  ColumnNames names;
  for (const std::string& mapping : mappings) {
    const std::size_t equals = mapping.find('=');
    const std::size_t field = FieldIndex(std::string_view(mapping).substr(0, equals));
    if (equals == std::string::npos || equals + 1 == mapping.size() || field == kNone) {
      std::string known;
      for (const Field& candidate : kFields) known += fmt::format(" {}", candidate.name);
      return absl::InvalidArgumentError(
          fmt::format("'{}' must be FIELD=COLUMN with one of these fields:{}", mapping, known));
    }
    if (!names.field_by_column_.emplace(mapping.substr(equals + 1), field).second) {
      return absl::InvalidArgumentError(fmt::format("'{}': the column is mapped twice", mapping));
    }
  }
  return names;
}

std::optional<std::string> ColumnNames::MissingColumn(absl::Span<const std::string> names) const {
  for (const auto& [column, field] : field_by_column_) {
    if (std::find(names.begin(), names.end(), column) == names.end()) return column;
  }
  return std::nullopt;
}

ColumnNames::Match ColumnNames::MatchOf(const std::string& name, bool is_event,
                                        const std::string* value) const {
  const auto mapped = field_by_column_.find(name);
  if (mapped != field_by_column_.end()) return {mapped->second, 0};
  const std::string squeezed = Squeeze(name);
  const std::string alias = fmt::format(" {} ", squeezed);
  for (std::size_t index = 0; index < kFields.size(); ++index) {
    const Field& field = kFields[index];
    if (!is_event && field.aliases.empty()) continue;  // no field of a session
    if (name == field.name) return {index, 1};
    if (squeezed == Squeeze(field.name)) return {index, 2};
    if (!is_event && field.aliases.find(alias) != std::string_view::npos &&
        (value == nullptr || CanBe(field.type, *value))) {
      return {index, 3};
    }
  }
  return {kNone, 0};
}

absl::StatusOr<Layout> ColumnNames::Resolve(absl::Span<const std::string> names,
                                            absl::Span<const std::string> first_row) const {
  Layout layout;
  layout.is_event = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return MatchOf(name, true, nullptr).field == FieldIndex("event_type");
  });
  layout.field_of_column.assign(names.size(), kNone);

  struct Chosen {
    std::size_t column = kNoColumn;
    int rank = 0;
  };
  std::array<Chosen, kFields.size()> chosen;
  for (std::size_t column = 0; column < names.size(); ++column) {
    const std::string* value = column < first_row.size() ? &first_row[column] : nullptr;
    const Match match = MatchOf(names[column], layout.is_event, value);
    if (match.field == kNone) continue;
    Chosen& best = chosen[match.field];
    if (best.column != kNoColumn && best.rank < match.rank) continue;
    if (best.column != kNoColumn && best.rank == match.rank) {
      const std::string_view field = kFields[match.field].name;
      return absl::InvalidArgumentError(
          fmt::format("columns '{}' and '{}' could both be {}: say which with --column {}=...",
                      names[best.column], names[column], field, field));
    }
    if (best.column != kNoColumn) layout.field_of_column[best.column] = kNone;
    best = {column, match.rank};
    layout.field_of_column[column] = match.field;
  }

  for (std::size_t column = 0; column < names.size(); ++column) {
    const std::size_t field = layout.field_of_column[column];
    if (field == kNone) continue;
    layout.renames |= names[column] != kFields[field].name;
    layout.has_time |= kFields[field].type == FieldType::kTime;
  }
  return layout;
}

}  // namespace nerava::examples
