// The reference: events in a vector, no aggregates, every answer by looking at them. Right by being
// simple; for tests, demos and short-lived processes.
#pragma once

#include <memory>

#include "nerava/analytics/store.h"

namespace nerava::analytics {

std::shared_ptr<Store> NewMemoryStore();

}  // namespace nerava::analytics
