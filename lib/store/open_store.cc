#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/store/memory/memory_store.h"
#include "lib/store/sqlite/sqlite_store.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

absl::Status ReadTransaction::EventsAfter(std::int64_t, std::int64_t, PositionSink) {
  return absl::UnimplementedError("the store does not tell in which order events were committed");
}
absl::StatusOr<std::int64_t> ReadTransaction::LastPosition() {
  return absl::UnimplementedError("the store does not tell in which order events were committed");
}

absl::StatusOr<RetentionStep> Store::Retain(const Horizons&, absl::Duration) {
  return absl::UnimplementedError(
      fmt::format("the store {} does not drop old events; it keeps them for ever, or sees to that "
                  "itself",
                  Description()));
}

absl::StatusOr<std::shared_ptr<Store>> OpenStore(std::string_view url, StoreOptions options) {
  constexpr std::string_view kSqlite = "sqlite:///";
  if (url == "memory:") return NewMemoryStore();
  if (url.substr(0, kSqlite.size()) == kSqlite) {
    std::string path(url.substr(kSqlite.size()));
    if (path.empty() || path == ":memory:" || path.find('?') != std::string::npos ||
        path.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(
          fmt::format("\"{}\" names no SQLite file; write sqlite:///relative.db or "
                      "sqlite:////absolute.db without parameters, or memory: for no file",
                      url));
    }
    return OpenSqliteStore(std::move(path), std::move(options));
  }
  // The URL may hold a password: only its scheme is shown.
  return absl::InvalidArgumentError(fmt::format(
      "database URL with scheme \"{}\" is not supported; use memory:, sqlite:///relative.db or "
      "sqlite:////absolute.db",
      url.substr(0, std::min<std::size_t>(url.find(':'), 20))));
}

}  // namespace nerava::analytics
