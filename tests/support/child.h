// A forked child, and how it and its parent wait for each other.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

// ThreadSanitizer supports no threads in the child of a process with threads, and AddressSanitizer's
// allocator may be locked there for good.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define NERAVA_CAN_FORK 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define NERAVA_CAN_FORK 0
#endif
#endif
#ifndef NERAVA_CAN_FORK
#define NERAVA_CAN_FORK 1
#endif

namespace nerava::analytics::testing {

// Runs `body` in a fork of this process; what it returns is the exit code.
class Child {
 public:
  explicit Child(const std::function<int()>& body) : pid_(fork()) {
    if (pid_ != 0) return;
    alarm(120);  // a child that hangs fails
    int code = 255;
    try {
      code = body();
    } catch (...) {
    }
    _exit(code);
  }
  ~Child() { Wait(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The exit code; -1 when a signal ended it.
  int Wait() {
    int status = 0;
    if (pid_ > 0 && waitpid(pid_, &status, 0) == pid_) {
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      pid_ = -1;
    }
    return code_;
  }

 private:
  pid_t pid_;
  int code_ = -1;
};

inline int InChild(const std::function<int()>& body) { return Child(body).Wait(); }

// One process gives it, another waits for it. Make it before the fork.
class Signal {
 public:
  Signal() {
    if (pipe(fds_) != 0) std::abort();
  }
  ~Signal() {
    close(fds_[0]);
    close(fds_[1]);
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  bool Give() const { return write(fds_[1], "", 1) == 1; }
  bool Await() const {
    char byte = 0;
    return read(fds_[0], &byte, 1) == 1;
  }

 private:
  int fds_[2];
};

}  // namespace nerava::analytics::testing
