// What publishers under fault and those who check on them agree on: the files in a test's folder,
// the options, the events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "nerava/analytics/domain_event.h"
#include "nerava/analytics/options.h"

namespace nerava::analytics::testing {

struct Scene {
  // Makes the disk if it is missing.
  explicit Scene(std::string folder_in);

  // The library's files are on the "disk", a folder that may be a full or failing file system.
  std::string disk() const { return folder + "/disk"; }
  std::string database() const { return disk() + "/events.db"; }
  std::string journal() const { return database() + ".journal"; }
  std::string ledger() const { return folder + "/ledger"; }
  // What the publisher printed last.
  std::string output() const { return folder + "/output"; }

  // Small segments, batches and pauses, so that much happens in a short time.
  Options MakeOptions(Durability durability = Durability::kProcess) const;

  std::string folder;
};

// The n-th event of a thread of a run: start, stop and credit of one session after the other, over
// three days. The same arguments give the same event. `padding`: bytes of properties.
DomainEvent ChargingLoad(std::uint32_t run, std::uint32_t thread, std::uint64_t n,
                         std::size_t padding = 0);

// The event_id that ChargingLoad gives it.
std::string ChargingLoadId(std::uint32_t run, std::uint32_t thread, std::uint64_t n);

}  // namespace nerava::analytics::testing
