// The names that rows may use, and which column of an input is which.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace nerava::examples {

enum class FieldType : std::uint8_t { kText, kTime, kNumber, kObject };

struct Field {
  std::string_view name;  // the contract's
  FieldType type;
  // Further names of it in tables of sessions: lower case, without separators, each between spaces.
  // Empty for what sessions do not have.
  std::string_view aliases = "";
};

inline constexpr std::array kFields = std::to_array<Field>({
    {"event_type", FieldType::kText},
    {"event_id", FieldType::kText},
    {"timestamp", FieldType::kTime},
    {"aggregate_id", FieldType::kText},
    {"version", FieldType::kNumber},
    {"properties", FieldType::kObject},
    {"session_id", FieldType::kText, " session transactionid chargingsessionid "},
    {"user_id", FieldType::kText, " user driverid driver customerid "},
    {"hub_id", FieldType::kText, " hub stationid station chargerid chargepointid evseid "},
    {"region", FieldType::kText, " regionid locationid location siteid site "},
    {"window_id", FieldType::kText, " window incentivewindow "},
    {"started_at", FieldType::kTime,
     " started start created createdat starttime startdate starttimestamp connectiontime begin "},
    {"stopped_at", FieldType::kTime,
     " stopped stop ended endedat end endtime enddate endtimestamp stoptime disconnecttime "},
    {"kwh_consumed", FieldType::kNumber,
     " kwh kwhtotal totalkwh kwhdelivered energykwh energy energydelivered "},
    {"grid_reward_usd", FieldType::kNumber, " gridreward "},
    {"merchant_reward_usd", FieldType::kNumber, " merchantreward "},
    {"total_reward_usd", FieldType::kNumber, " totalreward rewardusd reward "},
    {"amount_cents", FieldType::kNumber, " creditcents creditedcents "},
    {"new_balance_cents", FieldType::kNumber, " balancecents "},
    {"credited_at", FieldType::kTime, " credited credittime "},
    {"window_label", FieldType::kText},
    {"price_per_kwh", FieldType::kNumber},
    {"multiplier", FieldType::kNumber},
    {"activated_at", FieldType::kTime},
    {"deactivated_at", FieldType::kTime},
    {"email", FieldType::kText},
    {"auth_provider", FieldType::kText},
    {"created_at", FieldType::kTime},
    {"pass_type", FieldType::kText},
    {"installed_at", FieldType::kTime},
    {"earned_at", FieldType::kTime},
    {"merchant_id", FieldType::kText},
    {"redemption_id", FieldType::kText},
    {"redeemed_at", FieldType::kTime},
    {"completed_at", FieldType::kTime},
});

// The index of a contract name; kFields.size() when there is none.
constexpr std::size_t FieldIndex(std::string_view name) {
  std::size_t index = 0;
  while (index < kFields.size() && kFields[index].name != name) ++index;
  return index;
}

// "" for what stands for a missing value: nothing, NA, null.
std::string_view ValueOrMissing(std::string_view text);

// A year below 1000 becomes one of this century: "0014-11-18 ..." is 2014. Whether it was one.
bool RepairCentury(std::string* time);

// Which field each column is.
struct Layout {
  bool is_event = false;  // rows are domain events, not sessions
  bool renames = false;   // a column has another name than its field
  bool has_time = false;
  std::vector<std::size_t> field_of_column;  // kFields.size(): none
};

// For people: "session_id=sessionId user_id=userId; not used: weekday".
std::string Describe(const Layout& layout, absl::Span<const std::string> names);

// Reads column names. Immutable.
class ColumnNames {
 public:
  // `mappings`: "session_id=sessionId". InvalidArgument for one that is not like it.
  static absl::StatusOr<ColumnNames> Create(const std::vector<std::string>& mappings);

  // Rows with an event type are domain events, others sessions. A mapping wins over the contract's
  // names, those over other spellings of them ("sessionId"), and those, in sessions, over aliases
  // ("kwhTotal"). `first_row` tells aliases apart: a column whose value cannot be the field's is
  // not the field. InvalidArgument when two are left.
  absl::StatusOr<Layout> Resolve(absl::Span<const std::string> names,
                                 absl::Span<const std::string> first_row) const;

  // The first mapped column that is not among `names`, if any.
  std::optional<std::string> MissingColumn(absl::Span<const std::string> names) const;

 private:
  struct Match {
    std::size_t field;  // kFields.size(): none
    int rank;           // smaller is surer
  };
  Match MatchOf(const std::string& name, bool is_event, const std::string* value) const;

  std::map<std::string, std::size_t, std::less<>> field_by_column_;
};

}  // namespace nerava::examples
