// Any bytes as the JSON of an event: refused with a short reason, or read; and what was read can be
// written and read again.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "nerava/analytics/json.h"
#include "nerava/analytics/producer.h"
#include "tests/fuzz/require.h"

namespace nerava::analytics::fuzz {
namespace {

struct FixedClock final : Clock {
  absl::Time Now() const override { return absl::FromUnixSeconds(1'800'000'000); }
};
const FixedClock fixed_clock;

absl::StatusOr<AnalyticsEvent> Convert(std::string_view json) {
  absl::StatusOr<DomainEvent> event = ParseDomainEvent(json);
  if (!event.ok()) return event.status();
  const Producer producer({}, nullptr, fixed_clock);
  return producer.Convert(*std::move(event));
}

bool Same(const AnalyticsEvent& a, const AnalyticsEvent& b) {
  return a.SamePayload(b) && a.time == b.time && a.kind() == b.kind() &&
         a.AggregateId() == b.AggregateId() && a.event_id == b.event_id && a.version == b.version;
}

void Check(std::string_view json) {
  const absl::StatusOr<AnalyticsEvent> event = Convert(json);
  if (!event.ok()) {
    Require(absl::IsInvalidArgument(event.status()), "the code is " + event.status().ToString());
    Require(event.status().message().size() < 500, "the message is long");
    return;
  }
  const std::string written = ToJson(*event);
  Require(nlohmann::json::accept(written), "what is written is no JSON: " + written);
  const absl::StatusOr<AnalyticsEvent> again = Convert(written);
  Require(again.ok(), "its own JSON is refused: " + again.status().ToString() + ": " + written);
  Require(Same(*event, *again), "its own JSON is another event: " + written);
  Require(ToJson(*again) == written, "its own JSON is written otherwise: " + written);

  // The domain event, too. One without an id is given another each time.
  DomainEvent domain = *ParseDomainEvent(json);
  std::visit([&](auto& e) { e.header.event_id = event->event_id; }, domain);
  const std::string domain_json = ToJson(domain);
  const absl::StatusOr<AnalyticsEvent> converted = Convert(domain_json);
  Require(converted.ok(), "the domain event's JSON is refused: " + domain_json);
  Require(Same(*event, *converted), "the domain event's JSON is another event: " + domain_json);
}

}  // namespace
}  // namespace nerava::analytics::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nerava::analytics::fuzz::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
