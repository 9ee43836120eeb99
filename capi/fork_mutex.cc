#include "capi/fork_mutex.h"

#include <pthread.h>

#include <set>

namespace nerava::analytics::capi {
namespace {

// All that exist. Never destroyed. Its handlers are registered after those of the library, and so
// called before them ahead of a fork: nothing of the library's is locked while they wait.
struct Registry {
  std::mutex mutex;
  std::set<ForkMutex*> locks;
};

Registry* MakeRegistry();

Registry& All() {
  static Registry& registry = *MakeRegistry();
  return registry;
}

void LockAll() {
  All().mutex.lock();
  for (ForkMutex* lock : All().locks) lock->lock();
}

void UnlockAll() {
  for (ForkMutex* lock : All().locks) lock->unlock();
  All().mutex.unlock();
}

Registry* MakeRegistry() {
  pthread_atfork(LockAll, UnlockAll, UnlockAll);
  return new Registry;
}

}  // namespace

ForkMutex::ForkMutex() {
  const std::lock_guard lock(All().mutex);
  All().locks.insert(this);
}

ForkMutex::~ForkMutex() {
  const std::lock_guard lock(All().mutex);
  All().locks.erase(this);
}

}  // namespace nerava::analytics::capi
