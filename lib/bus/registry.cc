#include "lib/bus/registry.h"

#include <algorithm>
#include <utility>

namespace nerava::analytics {

struct Registry::Lists {
  absl::flat_hash_map<std::string, List> by_type;
  List every_type;  // for types that nobody named
};

namespace {

// A member of a shared whole, which it keeps alive.
template <typename Whole, typename Part>
std::shared_ptr<const Part> Within(const std::shared_ptr<const Whole>& whole, const Part& part) {
  return std::shared_ptr<const Part>(whole, &part);
}

}  // namespace

Registry::Registry() : lists_(MakeLists({})) {}

std::shared_ptr<const Registry::Lists> Registry::MakeLists(const List& subscribers) {
  auto lists = std::make_shared<Lists>();
  for (const auto& subscriber : subscribers) {
    if (subscriber->type() != kEveryType) lists->by_type[subscriber->type()];
  }
  for (const bool required : {true, false}) {
    for (const auto& subscriber : subscribers) {
      if (subscriber->required() != required) continue;
      if (subscriber->type() != kEveryType) {
        lists->by_type[subscriber->type()].push_back(subscriber);
        continue;
      }
      lists->every_type.push_back(subscriber);
      for (auto& [type, list] : lists->by_type) list.push_back(subscriber);
    }
  }
  return lists;
}

// What is replaced is freed after the lock is released: it may hold the last reference to a
// handler, whose destructor may call the bus.
void Registry::Add(std::shared_ptr<Subscriber> subscriber) {
  std::shared_ptr<const Lists> lists;
  MutexLock lock(mutex_);
  subscribers_.push_back(std::move(subscriber));
  lists = MakeLists(subscribers_);
  lists_.swap(lists);
}

void Registry::Remove(const Subscriber& subscriber) {
  std::shared_ptr<const Lists> lists;
  MutexLock lock(mutex_);
  std::erase_if(subscribers_, [&](const auto& other) { return other.get() == &subscriber; });
  lists = MakeLists(subscribers_);
  lists_.swap(lists);
}

std::shared_ptr<const Registry::List> Registry::Find(const std::string& type) const {
  std::shared_ptr<const Lists> lists;
  {
    MutexLock lock(mutex_);
    lists = lists_;
  }
  const auto found = lists->by_type.find(type);
  return Within(lists, found == lists->by_type.end() ? lists->every_type : found->second);
}

std::size_t Registry::size() const {
  MutexLock lock(mutex_);
  return subscribers_.size();
}

}  // namespace nerava::analytics
