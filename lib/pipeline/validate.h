// The ranges of options that more than one place checks.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "nerava/analytics/options.h"

namespace nerava::analytics {

// `name` is what the message calls it: an option or an environment variable.
absl::Status ValidateRegion(std::string_view name, const std::string& region);

// All but database_url and store, which do not matter to a pipeline with a store of the caller's.
absl::Status ValidateWithoutStore(const Options& options);

}  // namespace nerava::analytics
