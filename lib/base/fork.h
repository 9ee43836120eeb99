// What must happen around fork(), in one place: one set of pthread_atfork handlers for the library.
#pragma once

#include <cstdint>

namespace nerava::analytics {

// How many forks lie between the program's start and this process. Changes only in a child, before
// fork() returns there. A relaxed load: cheap enough for every publish.
std::uint32_t ForkGeneration();

// Told about every fork() of the process while it lives. The three run on the forking thread: the
// first in the parent before, then one of the others on either side. Lock what must not be
// half-changed in the child in BeforeFork, and unlock it in the other two. Register in the
// constructor of the most derived class (`Watch`), since virtual functions are called.
class ForkListener {
 public:
  // Listeners of kStore are called first before a fork and last after it: they may wait for a
  // transaction, and nothing else should be locked meanwhile.
  enum class Order : std::uint8_t { kStore = 0, kOther = 1 };

  explicit ForkListener(Order order) : order_(order) {}
  ForkListener(const ForkListener&) = delete;
  ForkListener& operator=(const ForkListener&) = delete;

  virtual void BeforeFork() {}
  virtual void AfterForkInParent() {}
  virtual void AfterForkInChild() {}

 protected:
  // Waits for a fork that is under way.
  void Watch();
  void Unwatch();  // call it in the destructor of the class that called Watch
  virtual ~ForkListener() = default;

 private:
  friend struct ForkRegistry;
  const Order order_;
};

}  // namespace nerava::analytics
