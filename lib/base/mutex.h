// A lock and a condition that both clang's thread-safety analysis and ThreadSanitizer understand.
//
// They wrap the standard ones rather than absl::Mutex because absl's timed waits run by the wall
// clock (20220623 turns every timeout into an absolute time; a clock that is set back would hold up
// flushes and deadlines), and because ThreadSanitizer sees no lock in a packaged, uninstrumented
// libabsl and reports races that are none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

namespace nerava::analytics {

class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

using SteadyTime = std::chrono::steady_clock::time_point;

inline SteadyTime SteadyNow() { return std::chrono::steady_clock::now(); }

// `timeout` from now; never, for what is longer than about a century, which would overflow.
inline SteadyTime SteadyDeadline(absl::Duration timeout) {
  if (timeout > absl::Hours(24 * 36500)) return SteadyTime::max();
  return SteadyNow() + absl::ToChronoNanoseconds(timeout);
}

// Waits may wake up for nothing: call them in a loop over what is waited for.
class Condition {
 public:
  void Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }

  // False once the deadline has passed.
  bool WaitUntil(Mutex& mutex, SteadyTime deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

// One writer or any number of readers. Not std::shared_mutex, in which readers that overlap keep a
// writer out for ever: here a waiting writer keeps new readers out, and when it is done, those that
// waited for it go first. So neither side starves, and a thread must not lock it twice.
class ABSL_LOCKABLE SharedMutex {
 public:
  SharedMutex() = default;
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    MutexLock lock(mutex_);
    ++writers_;
    while (writing_ || readers_ > 0) changed_.Wait(mutex_);
    writing_ = true;
  }

  void Unlock() ABSL_UNLOCK_FUNCTION() {
    MutexLock lock(mutex_);
    --writers_;
    writing_ = false;
    readers_ += std::exchange(waiting_readers_, 0);
    ++writes_;
    changed_.NotifyAll();
  }

  void ReaderLock() ABSL_SHARED_LOCK_FUNCTION() {
    MutexLock lock(mutex_);
    if (writers_ == 0) {
      ++readers_;
      return;
    }
    ++waiting_readers_;  // Unlock() makes them readers
    const std::uint64_t writes = writes_;
    while (writes_ == writes) changed_.Wait(mutex_);
  }

  void ReaderUnlock() ABSL_UNLOCK_FUNCTION() {
    MutexLock lock(mutex_);
    if (--readers_ == 0 && writers_ > 0) changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  Condition changed_;
  std::size_t writers_ ABSL_GUARDED_BY(mutex_) = 0;  // waiting or writing
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t readers_ ABSL_GUARDED_BY(mutex_) = 0;  // reading
  std::size_t waiting_readers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t writes_ ABSL_GUARDED_BY(mutex_) = 0;  // ended
};

class ABSL_SCOPED_LOCKABLE WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~WriterLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class ABSL_SCOPED_LOCKABLE ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) ABSL_SHARED_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.ReaderLock();
  }
  ~ReaderLock() ABSL_UNLOCK_FUNCTION() { mutex_.ReaderUnlock(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

}  // namespace nerava::analytics
