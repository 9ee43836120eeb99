// Who is subscribed to what.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "lib/base/mutex.h"
#include "lib/bus/subscriber.h"

namespace nerava::analytics {

// Thread-safe. Publishers get an immutable list and call its handlers without any lock; every
// change makes new lists. Someone just removed may thus still be in a list that a publisher holds:
// Subscriber::Call() turns it away. The Bus owns it, Subscriptions refer to it weakly.
class Registry {
 public:
  using List = std::vector<std::shared_ptr<Subscriber>>;
  static constexpr char kEveryType[] = "*";

  Registry();

  void Add(std::shared_ptr<Subscriber> subscriber);
  void Remove(const Subscriber& subscriber);

  // The subscribers to an analytics type, "*" included: required ones first, both in the order in
  // which they subscribed.
  std::shared_ptr<const List> Find(const std::string& type) const;

  std::size_t size() const;

 private:
  struct Lists;

  static std::shared_ptr<const Lists> MakeLists(const List& subscribers);

  mutable Mutex mutex_;
  List subscribers_ ABSL_GUARDED_BY(mutex_);  // in the order in which they subscribed
  std::shared_ptr<const Lists> lists_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nerava::analytics
