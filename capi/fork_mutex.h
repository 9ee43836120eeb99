// A lock that nobody holds in a forked child.
#pragma once

#include <mutex>

namespace nerava::analytics::capi {

// fork() waits for who holds it; so who does must neither fork nor wait for somebody who does.
class ForkMutex {
 public:
  ForkMutex();
  ~ForkMutex();
  ForkMutex(const ForkMutex&) = delete;
  ForkMutex& operator=(const ForkMutex&) = delete;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

}  // namespace nerava::analytics::capi
