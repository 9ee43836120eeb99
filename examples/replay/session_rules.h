// How a session's row becomes domain events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/replay/row_reader.h"
#include "nerava/analytics/domain_event.h"

namespace nerava::examples {

// A time of the UTC day, in which a session that names no window begins.
class DailyWindow {
 public:
  // "green_hour=10:00-14:00"; the end is not included, and may be past midnight. InvalidArgument
  // for anything else.
  static absl::StatusOr<DailyWindow> Parse(std::string_view text);

  const std::string& id() const { return id_; }
  bool Contains(absl::Time time) const;

 private:
  std::string id_;
  int begin_minute_ = 0;
  int end_minute_ = 0;
};

struct SessionRules {
  std::optional<std::int64_t> microusd_per_kwh;
  std::vector<DailyWindow> windows;  // the first that contains the start wins

  // InvalidArgument naming the field when the row is bad. Ids follow from the session's, so that
  // the same row always gives the same events:
  //   charge_started   when started_at is there
  //   charge_stopped   when stopped_at is there; a total reward that is not there is energy times
  //                    microusd_per_kwh, if that is set
  //   wallet_credited  of amount_cents, or else, when credited_at is there or microusd_per_kwh set
  //                    it, of the total reward in whole cents, if that is not 0; needs a user
  absl::StatusOr<std::vector<analytics::DomainEvent>> ToEvents(const Row& row) const;
};

}  // namespace nerava::examples
