#include "lib/bus/subscriber.h"

#include <exception>
#include <new>

#include "fmt/format.h"
#include "lib/base/out_of_memory.h"

namespace nerava::analytics {

class Subscriber::RunningCall {
 public:
  explicit RunningCall(Subscriber& subscriber)
      : subscriber_(subscriber),
        outer_(innermost_),
        admitted_((subscriber.state_.fetch_add(1) & kCancelled) == 0) {
    innermost_ = this;
  }
  ~RunningCall() {
    innermost_ = outer_;
    if ((subscriber_.state_.fetch_sub(1) & kCancelled) != 0) subscriber_.state_.notify_all();
  }
  RunningCall(const RunningCall&) = delete;
  RunningCall& operator=(const RunningCall&) = delete;

  bool admitted() const { return admitted_; }

  static bool AnyOnThisThread() { return innermost_ != nullptr; }

  static std::uint32_t CountOnThisThread(const Subscriber& subscriber) {
    std::uint32_t count = 0;
    for (const RunningCall* call = innermost_; call != nullptr; call = call->outer_) {
      if (&call->subscriber_ == &subscriber) ++count;
    }
    return count;
  }

 private:
  // A handler may publish, so that calls nest: this thread's are a list.
  static thread_local const RunningCall* innermost_;

  Subscriber& subscriber_;
  const RunningCall* const outer_;
  const bool admitted_;
};

thread_local const Subscriber::RunningCall* Subscriber::RunningCall::innermost_ = nullptr;

namespace {

absl::Status Threw(const char* what) noexcept {
  try {
    return absl::InternalError(fmt::format("the handler threw: {}", what));
  } catch (...) {
    return OutOfMemory();
  }
}

}  // namespace

bool Subscriber::Call(const EventPtr& event, absl::Status* status) noexcept {
  RunningCall call(*this);
  if (!call.admitted()) return false;
  try {
    *status = handler_(event);
  } catch (const std::bad_alloc&) {
    *status = OutOfMemory();
  } catch (const std::exception& error) {
    *status = Threw(error.what());
  } catch (...) {
    *status = Threw("something that is no std::exception");
  }
  return true;
}

void Subscriber::Cancel() {
  std::uint32_t state = state_.fetch_or(kCancelled) | kCancelled;
  // Inside a handler, of whomever, waiting might be for a call that in turn waits for this one.
  if (RunningCall::AnyOnThisThread()) return;
  while (state != kCancelled) {
    state_.wait(state);
    state = state_.load();
  }
  handler_ = nullptr;
}

void Subscriber::ForgetOtherThreads() {
  state_ = (state_ & kCancelled) | RunningCall::CountOnThisThread(*this);
}

}  // namespace nerava::analytics
