// The embedded default: one SQLite file, compact day partitions, aggregates and user sets beside
// them. docs/storage.md describes the file.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

absl::StatusOr<std::shared_ptr<Store>> OpenSqliteStore(std::string path, StoreOptions options);

}  // namespace nerava::analytics
