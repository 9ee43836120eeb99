// The bus hands every accepted event to its subscribers and keeps the last ones for inspection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "nerava/analytics/analytics_event.h"

namespace nerava::analytics {

struct BusOptions {
  // How many events recent() can look back on. Default 1,000; 0 keeps none. Each costs its memory.
  std::size_t recent_capacity = 1000;

  // Told about every failure of a subscriber that is not required: the subscribed type, the event
  // and the error. Called on the publishing thread, without locks; may be empty. What it throws is
  // swallowed.
  std::function<void(std::string_view type, const AnalyticsEvent& event, const absl::Status& error)>
      on_error = {};
};

// All count for this process; a forked child begins at 0, with the subscribers it had.
struct BusStats {
  std::uint64_t published = 0;         // events every required subscriber took
  std::uint64_t refused = 0;           // events a required subscriber refused
  std::uint64_t deliveries = 0;        // calls of handlers that returned OK
  std::uint64_t handler_failures = 0;  // calls that returned an error or threw (required ones too)
  std::size_t subscribers = 0;
};

// Keeps a subscription alive: the handler is called until this is destroyed or Reset(). Destruction
// waits for running calls of the handler on other threads, so that what the handler refers to may
// be freed afterwards. From inside a handler, this one or any other, it does not wait (two handlers
// that end each other's subscription would wait for ever): calls that run go on, none begins, and
// the handler is freed when those publishes end. Let it own what it refers to then. May outlive the
// bus. Movable, not copyable; one thread at a time.
class Subscription {
 public:
  Subscription();
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();
  void Reset();
  bool active() const;

 private:
  friend class Bus;
  struct Entry;
  explicit Subscription(std::shared_ptr<Entry> entry);
  std::shared_ptr<Entry> entry_;
};

// Thread-safe. Handlers run on the publishing thread, outside all locks, and may call the bus.
class Bus {
 public:
  // An error returned (or an exception thrown) is counted and reported, and harms no other handler.
  using Handler = std::function<absl::Status(const EventPtr& event)>;

  enum class Delivery {
    // Called after all required ones took the event.
    kBestEffort,
    // Called first; the first error stops the event, and Publish returns it. For the batch writer:
    // nobody hears of an event that was not accepted.
    kRequired,
  };

  explicit Bus(BusOptions options = {});
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  // `type` is an exact event type, with or without "analytics_", or "*" for all. InvalidArgument
  // when it is empty or over-long, or the handler empty; then `*subscription` is left inactive.
  absl::Status Subscribe(std::string_view type, Handler handler, Subscription* subscription,
                         Delivery delivery = Delivery::kBestEffort);

  // Delivers, then keeps the event for recent(). The error of a required subscriber, else OK.
  absl::Status Publish(EventPtr event);

  // The kept events, oldest first; an empty argument matches all.
  std::vector<EventPtr> Recent(std::string_view type = {},
                               std::string_view aggregate_id = {}) const;

  // Keeps those no longer that `which` says; it must not call the bus.
  void Forget(absl::FunctionRef<bool(const AnalyticsEvent& event)> which);

  BusStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nerava::analytics
