#include "nerava/analytics/producer.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

#include "lib/base/fork.h"
#include "lib/event/convert.h"
#include "lib/event/fields.h"
#include "lib/event/validate.h"
#include "nerava/analytics/json.h"
#include "nerava/analytics/pseudonym.h"

namespace nerava::analytics {
namespace {

constexpr TextField kProducerRegion =
    Required(TextField{"the producer's region", FieldKind::kRegion});

}  // namespace

// A forked child counts from 0.
struct Producer::Counters final : ForkListener {
  Counters() : ForkListener(Order::kOther) { Watch(); }
  ~Counters() override { Unwatch(); }

  void AfterForkInChild() override {
    published = 0;
    for (std::atomic<std::uint64_t>& count : rejected) count = 0;
  }

  absl::Status Reject(absl::Status status) {
    const auto reason = static_cast<std::size_t>(ReasonOf(status));
    rejected[reason].fetch_add(1, std::memory_order_relaxed);
    return status;
  }

  std::atomic<std::uint64_t> published{0};
  std::array<std::atomic<std::uint64_t>, kRejectReasonCount> rejected{};
};

Producer::Producer(ProducerOptions options, Bus* bus, const Clock& clock)
    : options_(std::move(options)),
      region_valid_(CheckText(kProducerRegion, options_.region)),
      bus_(bus),
      clock_(clock),
      counters_(std::make_unique<Counters>()) {}

Producer::~Producer() = default;

absl::StatusOr<AnalyticsEvent> Producer::Convert(DomainEvent event) const {
  absl::StatusOr<AnalyticsEvent> result(absl::in_place);
  if (absl::Status s = ConvertInto(event, &*result); !s.ok()) return s;
  return result;
}

absl::StatusOr<AnalyticsEvent> Producer::ConvertJson(std::string_view json) {
  absl::StatusOr<DomainEvent> event = ParseDomainEvent(json);
  if (!event.ok()) return counters_->Reject(event.status());
  absl::StatusOr<AnalyticsEvent> converted = Convert(*std::move(event));
  if (!converted.ok()) return counters_->Reject(converted.status());
  return converted;
}

absl::StatusOr<EventPtr> Producer::Publish(DomainEvent&& event) {
  if (bus_ == nullptr) {
    return absl::FailedPreconditionError("this producer was made without a bus: it only converts");
  }
  // Default-initialized: it need not be zeroed first.
  auto accepted = std::make_shared_for_overwrite<AnalyticsEvent>();
  if (absl::Status s = ConvertInto(event, accepted.get()); !s.ok()) return counters_->Reject(s);
  if (absl::Status s = bus_->Publish(accepted); !s.ok()) {
    return ReasonOf(s) == RejectReason::kOther ? s : counters_->Reject(s);
  }
  counters_->published.fetch_add(1, std::memory_order_relaxed);
  return accepted;
}

absl::StatusOr<EventPtr> Producer::Publish(const DomainEvent& event) {
  return Publish(DomainEvent(event));
}

absl::StatusOr<EventPtr> Producer::PublishJson(std::string_view json) {
  absl::StatusOr<DomainEvent> event = ParseDomainEvent(json);
  if (!event.ok()) return counters_->Reject(event.status());
  return Publish(*std::move(event));
}

ProducerStats Producer::stats() const {
  ProducerStats stats;
  stats.published = counters_->published.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    stats.rejected_by_reason[i] = counters_->rejected[i].load(std::memory_order_relaxed);
    stats.rejected += stats.rejected_by_reason[i];
  }
  return stats;
}

absl::Status Producer::ConvertInto(DomainEvent& event, AnalyticsEvent* result) const {
  if (!region_valid_.ok()) return region_valid_;
  absl::Status status = nerava::analytics::Convert(event, options_.region, clock_.Now(), result);
  if (!status.ok() || options_.user_id_key.empty() || result->user_id.empty()) return status;
  std::string pseudonym = PseudonymOf(result->user_id, options_.user_id_key);
  if (result->aggregate_id == result->user_id) result->aggregate_id = pseudonym;
  result->user_id = std::move(pseudonym);
  return absl::OkStatus();
}

}  // namespace nerava::analytics
