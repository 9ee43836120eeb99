// The verdict after a fault: is every accepted event stored exactly once, and nothing else?
#pragma once

#include <string>

#include "tests/faults/scene.h"

namespace nerava::analytics::testing {

// Opens the scene's database as the next process would, so that what the journal holds is recovered,
// waits until all is stored, closes it, and then looks at the file. Returns what is wrong, a line
// each; empty when
//  - every event accepted by the ledger is stored, once, and none that was refused or never
//    attempted is;
//  - the writer's counters add up, and its journal is gone once it is closed;
//  - the four groups of KPIs are those that SQL computes from the stored events;
//  - SQLite finds the file intact.
std::string Audit(const Scene& scene);

}  // namespace nerava::analytics::testing
