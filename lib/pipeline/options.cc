#include "nerava/analytics/options.h"

#include "fmt/format.h"
#include "lib/event/fields.h"
#include "lib/event/validate.h"
#include "lib/pipeline/validate.h"
#include "lib/store/validate.h"
#include "lib/writer/validate.h"
#include "nerava/analytics/pseudonym.h"

namespace nerava::analytics {

absl::Status ValidateRegion(std::string_view name, const std::string& region) {
  return CheckText(Required(TextField{name, FieldKind::kRegion}), region);
}

absl::Status ValidateWithoutStore(const Options& options) {
  if (absl::Status region = ValidateRegion("region", options.region); !region.ok()) return region;
  const std::size_t key = options.user_id_key.size();
  if (key > 0 && (key < kMinUserIdKeyBytes || key > kMaxUserIdKeyBytes)) {
    return absl::InvalidArgumentError(fmt::format(
        "user_id_key has {} bytes; it must be a secret of {} to {}, such as openssl rand -hex 32 "
        "prints, or empty",
        key, kMinUserIdKeyBytes, kMaxUserIdKeyBytes));
  }
  if (absl::Status kept = options.data_retention.Validate(); !kept.ok()) return kept;
  if (absl::Status cache = options.kpi_cache.Validate(); !cache.ok()) return cache;
  if (absl::Status alerts = options.alerts.Validate(); !alerts.ok()) return alerts;
  return nerava::analytics::Validate(options.writer);
}

absl::Status Options::Validate() const {
  if (absl::Status rest = ValidateWithoutStore(*this); !rest.ok()) return rest;
  if (database_url.empty()) {
    return absl::InvalidArgumentError(
        "database_url is empty; it must be a URL such as sqlite:////var/lib/nerava/analytics.db");
  }
  return nerava::analytics::Validate(store);
}

}  // namespace nerava::analytics
