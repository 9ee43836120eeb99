// Who is subscribed to what.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "lib/base/fork.h"
#include "lib/base/hash_map.h"
#include "lib/base/mutex.h"
#include "lib/bus/subscriber.h"

namespace nerava::analytics {

// Thread-safe. Publishers get an immutable list and call its handlers without any lock; every
// change makes new lists. Someone just removed may thus still be in a list that a publisher holds:
// Subscriber::Call() turns it away. The Bus owns it, Subscriptions refer to it weakly. A forked child
// has it as it was, without the calls on threads that do not exist there.
class Registry final : private ForkListener {
 public:
  using List = std::vector<std::shared_ptr<Subscriber>>;
  static constexpr char kEveryType[] = "*";

  // As they were at one moment.
  class Lists {
   public:
    explicit Lists(const List& subscribers);

    // The subscribers to an analytics type, "*" included: required ones first, both in the order in
    // which they subscribed.
    const List& Of(const std::string& type) const {
      if (by_type_.empty()) return every_type_;
      const auto found = by_type_.find(type);
      return found == by_type_.end() ? every_type_ : found->second;
    }

   private:
    HashMap<std::string, List> by_type_;
    List every_type_;  // for types that nobody named
  };

  Registry();
  ~Registry() override { Unwatch(); }

  void Add(std::shared_ptr<Subscriber> subscriber);
  void Remove(const Subscriber& subscriber);

  std::shared_ptr<const Lists> lists() const;

  std::size_t size() const;

 private:
  void BeforeFork() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Lock(); }
  void AfterForkInParent() ABSL_NO_THREAD_SAFETY_ANALYSIS override { mutex_.Unlock(); }
  void AfterForkInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS override {
    for (const auto& subscriber : subscribers_) subscriber->ForgetOtherThreads();
    mutex_.Unlock();
  }

  mutable Mutex mutex_;
  List subscribers_ ABSL_GUARDED_BY(mutex_);  // in the order in which they subscribed
  std::shared_ptr<const Lists> lists_ ABSL_GUARDED_BY(mutex_) = std::make_shared<Lists>(List());
};

}  // namespace nerava::analytics
