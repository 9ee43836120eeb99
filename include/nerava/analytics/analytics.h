// Everything: what most users include.
#pragma once

#include "nerava/analytics/analytics_event.h"  // IWYU pragma: export
#include "nerava/analytics/batch_writer.h"     // IWYU pragma: export
#include "nerava/analytics/bus.h"              // IWYU pragma: export
#include "nerava/analytics/clock.h"            // IWYU pragma: export
#include "nerava/analytics/data_retention.h"   // IWYU pragma: export
#include "nerava/analytics/domain_event.h"     // IWYU pragma: export
#include "nerava/analytics/erasure.h"          // IWYU pragma: export
#include "nerava/analytics/funnel.h"           // IWYU pragma: export
#include "nerava/analytics/http.h"             // IWYU pragma: export
#include "nerava/analytics/json.h"             // IWYU pragma: export
#include "nerava/analytics/kpi.h"              // IWYU pragma: export
#include "nerava/analytics/kpi_cache.h"        // IWYU pragma: export
#include "nerava/analytics/limits.h"           // IWYU pragma: export
#include "nerava/analytics/load.h"             // IWYU pragma: export
#include "nerava/analytics/money.h"            // IWYU pragma: export
#include "nerava/analytics/options.h"          // IWYU pragma: export
#include "nerava/analytics/people.h"           // IWYU pragma: export
#include "nerava/analytics/pipeline.h"         // IWYU pragma: export
#include "nerava/analytics/producer.h"         // IWYU pragma: export
#include "nerava/analytics/pseudonym.h"        // IWYU pragma: export
#include "nerava/analytics/rejection.h"        // IWYU pragma: export
#include "nerava/analytics/report.h"           // IWYU pragma: export
#include "nerava/analytics/store.h"            // IWYU pragma: export
#include "nerava/analytics/timestamp.h"        // IWYU pragma: export
#include "nerava/analytics/watch.h"            // IWYU pragma: export
