#include "lib/bus/registry.h"

#include <algorithm>
#include <utility>

namespace nerava::analytics {

Registry::Registry() : ForkListener(Order::kOther) { Watch(); }

Registry::Lists::Lists(const List& subscribers) {
  for (const auto& subscriber : subscribers) {
    if (subscriber->type() != kEveryType) by_type_[subscriber->type()];
  }
  for (const bool required : {true, false}) {
    for (const auto& subscriber : subscribers) {
      if (subscriber->required() != required) continue;
      if (subscriber->type() != kEveryType) {
        by_type_[subscriber->type()].push_back(subscriber);
        continue;
      }
      every_type_.push_back(subscriber);
      for (auto& [type, list] : by_type_) list.push_back(subscriber);
    }
  }
}

// What is replaced is freed after the lock is released: it may hold the last reference to a
// handler, whose destructor may call the bus.
void Registry::Add(std::shared_ptr<Subscriber> subscriber) {
  std::shared_ptr<const Lists> lists;
  MutexLock lock(mutex_);
  subscribers_.push_back(std::move(subscriber));
  lists = std::make_shared<Lists>(subscribers_);
  lists_.swap(lists);
}

void Registry::Remove(const Subscriber& subscriber) {
  std::shared_ptr<const Lists> lists;
  MutexLock lock(mutex_);
  std::erase_if(subscribers_, [&](const auto& other) { return other.get() == &subscriber; });
  lists = std::make_shared<Lists>(subscribers_);
  lists_.swap(lists);
}

std::shared_ptr<const Registry::Lists> Registry::lists() const {
  MutexLock lock(mutex_);
  return lists_;
}

std::size_t Registry::size() const {
  MutexLock lock(mutex_);
  return subscribers_.size();
}

}  // namespace nerava::analytics
