// The library's own threads.
#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace nerava::analytics {

// A thread that takes none of the host's signals: handlers expect a thread of the host, and may wait
// for something that one holds. Throws std::system_error when there can be none.
template <typename Body>
std::thread StartThread(Body body) {
  struct AllBlocked {
    AllBlocked() {
      sigset_t all;
      sigfillset(&all);
      // What an instruction of the thread itself raises.
      for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
        sigdelset(&all, fault);
      }
      pthread_sigmask(SIG_BLOCK, &all, &before);
    }
    ~AllBlocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before;
  };
  const AllBlocked inherited;  // from its first instruction on
  return std::thread(std::move(body));
}

}  // namespace nerava::analytics
