// The door: domain events come in, are validated and converted, and go out on the bus.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
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
};

struct ProducerStats {
  std::uint64_t published = 0;  // given to the bus and taken
  std::uint64_t rejected = 0;   // refused here, never accepted
  std::array<std::uint64_t, kRejectReasonCount> rejected_by_reason{};  // by RejectReason
};

// Thread-safe. Does not own the bus or the clock; both must outlive it.
class Producer {
 public:
  // The bus may be null for a producer that only converts. `options.region` must be valid: Pipeline
  // checks it; a bad one is refused with every event.
  explicit Producer(ProducerOptions options, Bus* bus, const Clock& clock = Clock::System());
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Validates and fills in what is missing. The error says field, value and limit. Counts nothing.
  absl::StatusOr<AnalyticsEvent> Convert(DomainEvent event) const;

  // ParseDomainEvent, then Convert; what is refused is counted as if it had been published.
  absl::StatusOr<AnalyticsEvent> ConvertJson(std::string_view json);

  // Convert, then Bus::Publish. On success the event as it was accepted (with its id and time). On
  // error nothing was accepted: InvalidArgument when the event is refused, else the bus's error.
  absl::StatusOr<EventPtr> Publish(DomainEvent event);

  // ParseDomainEvent, then Publish.
  absl::StatusOr<EventPtr> PublishJson(std::string_view json);

  ProducerStats stats() const;

 private:
  absl::Status Count(absl::Status status);

  const ProducerOptions options_;
  Bus* const bus_;
  const Clock& clock_;
  std::atomic<std::uint64_t> published_{0};
  std::array<std::atomic<std::uint64_t>, kRejectReasonCount> rejected_{};
};

}  // namespace nerava::analytics
