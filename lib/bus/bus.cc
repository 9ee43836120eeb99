#include "nerava/analytics/bus.h"

#include <atomic>
#include <utility>

#include "fmt/format.h"
#include "lib/base/fork.h"
#include "lib/bus/recent_events.h"
#include "lib/bus/registry.h"
#include "lib/bus/subscriber.h"
#include "lib/event/fields.h"
#include "lib/event/validate.h"

namespace nerava::analytics {

struct Subscription::Entry {
  std::shared_ptr<Subscriber> subscriber;
  std::weak_ptr<Registry> registry;
};

Subscription::Subscription() = default;
Subscription::Subscription(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
Subscription::Subscription(Subscription&&) noexcept = default;

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    Reset();
    entry_ = std::move(other.entry_);
  }
  return *this;
}

Subscription::~Subscription() { Reset(); }

void Subscription::Reset() {
  // Taken first: what the handler's destructor does may come back here.
  const std::shared_ptr<Entry> entry = std::exchange(entry_, nullptr);
  if (entry == nullptr) return;
  if (const auto registry = entry->registry.lock()) registry->Remove(*entry->subscriber);
  entry->subscriber->Cancel();
}

bool Subscription::active() const { return entry_ != nullptr && !entry_->registry.expired(); }

namespace {

constexpr TextField kSubscribedType =
    Required(TextField{"the event type to subscribe to", FieldKind::kType});

}  // namespace

struct Bus::Impl final : ForkListener {
  explicit Impl(BusOptions options_in)
      : ForkListener(Order::kOther),
        options(std::move(options_in)),
        recent(options.recent_capacity) {
    Watch();
  }
  ~Impl() override { Unwatch(); }

  void AfterForkInChild() override {
    for (auto* counter : {&published, &refused, &deliveries, &handler_failures}) *counter = 0;
  }

  void Report(const Subscriber& subscriber, const AnalyticsEvent& event,
              const absl::Status& error) const {
    if (!options.on_error) return;
    try {
      options.on_error(subscriber.type(), event, error);
    } catch (...) {  // as the header says: nobody is left to tell
    }
  }

  const BusOptions options;
  const std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  RecentEvents recent;
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> deliveries{0};
  std::atomic<std::uint64_t> handler_failures{0};
};

Bus::Bus(BusOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Bus::~Bus() = default;

absl::Status Bus::Subscribe(std::string_view type, Handler handler, Subscription* subscription,
                            Delivery delivery) {
  subscription->Reset();
  std::string name(type);
  if (absl::Status valid = CheckText(kSubscribedType, name); !valid.ok()) return valid;
  if (!handler) {
    return absl::InvalidArgumentError(
        fmt::format("the handler for \"{}\" is empty; pass a function to call", type));
  }
  auto entry = std::make_shared<Subscription::Entry>();
  entry->subscriber = std::make_shared<Subscriber>(
      name == Registry::kEveryType ? std::move(name) : AnalyticsType(name), std::move(handler),
      delivery);
  entry->registry = impl_->registry;
  impl_->registry->Add(entry->subscriber);
  *subscription = Subscription(std::move(entry));
  return absl::OkStatus();
}

absl::Status Bus::Publish(EventPtr event) {
  if (event == nullptr) {
    return absl::InvalidArgumentError("there is no event to publish: the pointer is null");
  }
  const std::shared_ptr<const Registry::Lists> lists = impl_->registry->lists();
  for (const std::shared_ptr<Subscriber>& subscriber : lists->Of(event->event_type)) {
    absl::Status status;
    if (!subscriber->Call(event, &status)) continue;
    if (status.ok()) {
      ++impl_->deliveries;
      continue;
    }
    ++impl_->handler_failures;
    if (subscriber->required()) {
      ++impl_->refused;
      return status;
    }
    impl_->Report(*subscriber, *event, status);
  }
  ++impl_->published;
  impl_->recent.Add(std::move(event));
  return absl::OkStatus();
}

std::vector<EventPtr> Bus::Recent(std::string_view type, std::string_view aggregate_id) const {
  return impl_->recent.Find(type.empty() ? std::string() : AnalyticsType(type), aggregate_id);
}

void Bus::Forget(absl::FunctionRef<bool(const AnalyticsEvent& event)> which) {
  impl_->recent.Remove(which);
}

BusStats Bus::stats() const {
  return {.published = impl_->published,
          .refused = impl_->refused,
          .deliveries = impl_->deliveries,
          .handler_failures = impl_->handler_failures,
          .subscribers = impl_->registry->size()};
}

}  // namespace nerava::analytics
