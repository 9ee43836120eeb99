// One handler on the bus, and the calls of it that are running.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "nerava/analytics/analytics_event.h"
#include "nerava/analytics/bus.h"

namespace nerava::analytics {

// Thread-safe: the handler runs on any number of threads at a time, and may cancel itself. No lock:
// calls are counted in one atomic, whose top bit says that the subscriber was cancelled.
class Subscriber {
 public:
  Subscriber(std::string type, Bus::Handler handler, Bus::Delivery delivery)
      : type_(std::move(type)),
        required_(delivery == Bus::Delivery::kRequired),
        handler_(std::move(handler)) {}
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  const std::string& type() const { return type_; }  // an analytics type, or "*"
  bool required() const { return required_; }

  // False when it was cancelled: the handler is then not called. An exception of the handler
  // becomes an Internal error in `*status`.
  bool Call(const EventPtr& event, absl::Status* status) noexcept;

  // After it no call begins. Waits for calls that run on other threads, and then frees the handler;
  // from inside any handler it returns at once, and the handler is freed with this.
  void Cancel();

  // In a forked child: forgets the calls that ran on the parent's other threads.
  void ForgetOtherThreads();

 private:
  static constexpr std::uint32_t kCancelled = 1u << 31;

  // Counts a call for as long as it lives.
  class RunningCall;

  const std::string type_;
  const bool required_;
  Bus::Handler handler_;  // looked at only by calls that began before kCancelled was set
  std::atomic<std::uint32_t> state_{0};  // number of calls | kCancelled
};

}  // namespace nerava::analytics
