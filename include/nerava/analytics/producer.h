// The door: domain events come in, are validated and converted, and go out on the bus.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/bus.h"
#include "nerava/analytics/clock.h"
#include "nerava/analytics/domain_event.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics {

struct ProducerOptions {
  // Region of events that name none. 1..50 bytes. Default "default".
  std::string region = "default";
  // With it users get pseudonyms: see Options::user_id_key.
  std::string user_id_key = {};
};

// All count for this process; a forked child begins at 0.
struct ProducerStats {
  std::uint64_t published = 0;  // given to the bus and taken
  // Refused for what they are, here or by a required subscriber: never accepted.
  std::uint64_t rejected = 0;
  std::array<std::uint64_t, kRejectReasonCount> rejected_by_reason{};  // by RejectReason
};

// Thread-safe. Does not own the bus or the clock; both must outlive it.
class Producer {
 public:
  // The bus may be null for a producer that only converts. `options.region` must be valid: Pipeline
  // checks it; a bad one is refused with every event.
  explicit Producer(ProducerOptions options, Bus* bus, const Clock& clock = Clock::System());
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Validates and fills in what is missing. The error says field, value and limit. Counts nothing.
  absl::StatusOr<AnalyticsEvent> Convert(DomainEvent event) const;

  // ParseDomainEvent, then Convert; what is refused is counted as if it had been published.
  absl::StatusOr<AnalyticsEvent> ConvertJson(std::string_view json);

  // Convert, then Bus::Publish. On success the event as it was accepted (with its id and time). On
  // error nothing was accepted: InvalidArgument when the event is refused, else the bus's error.
  absl::StatusOr<EventPtr> Publish(DomainEvent&& event);  // event is then moved from
  absl::StatusOr<EventPtr> Publish(const DomainEvent& event);

  // ParseDomainEvent, then Publish.
  absl::StatusOr<EventPtr> PublishJson(std::string_view json);

  ProducerStats stats() const;

 private:
  struct Counters;
  absl::Status ConvertInto(DomainEvent& event, AnalyticsEvent* result) const;

  const ProducerOptions options_;
  const absl::Status region_valid_;
  Bus* const bus_;
  const Clock& clock_;
  const std::unique_ptr<Counters> counters_;
};

}  // namespace nerava::analytics
