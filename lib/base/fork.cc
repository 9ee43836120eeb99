#include "lib/base/fork.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "lib/base/mutex.h"

namespace nerava::analytics {
namespace {

std::atomic<std::uint32_t> fork_generation{0};

}  // namespace

// Never destroyed. Its lock is held from before a fork to after it, on both sides.
struct ForkRegistry {
  static ForkRegistry& Get() {
    static ForkRegistry& registry = *Make();
    return registry;
  }

  static ForkRegistry* Make() {
    pthread_atfork([] { Get().Before(); }, [] { Get().AfterInParent(); },
                   [] { Get().AfterInChild(); });
    return new ForkRegistry;
  }

  void Before() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex.Lock();
    for (ForkListener* listener : listeners) listener->BeforeFork();
  }

  void AfterInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (auto it = listeners.rbegin(); it != listeners.rend(); ++it) (*it)->AfterForkInParent();
    mutex.Unlock();
  }

  void AfterInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    fork_generation.fetch_add(1, std::memory_order_relaxed);
    for (auto it = listeners.rbegin(); it != listeners.rend(); ++it) (*it)->AfterForkInChild();
    mutex.Unlock();
  }

  void Add(ForkListener* listener) {
    MutexLock lock(mutex);
    const auto later = std::find_if(listeners.begin(), listeners.end(), [&](const auto* other) {
      return other->order_ > listener->order_;
    });
    listeners.insert(later, listener);
  }

  void Remove(ForkListener* listener) {
    MutexLock lock(mutex);
    std::erase(listeners, listener);
  }

  Mutex mutex;
  std::vector<ForkListener*> listeners ABSL_GUARDED_BY(mutex);  // by order
};

namespace {

// From the start of the program: what asks for the generation need not register first. And before
// whatever else is initialized then: handlers that are registered later are called earlier ahead of a
// fork, and those of the C ABI must be.
struct AtStart {
  AtStart() { ForkRegistry::Get(); }
};
__attribute__((init_priority(1000))) const AtStart at_start;

}  // namespace

std::uint32_t ForkGeneration() { return fork_generation.load(std::memory_order_relaxed); }

void ForkListener::Watch() { ForkRegistry::Get().Add(this); }
void ForkListener::Unwatch() { ForkRegistry::Get().Remove(this); }

}  // namespace nerava::analytics
