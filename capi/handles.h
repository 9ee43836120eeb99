// What the opaque handles of the C ABI hold: a share of an object each. A handle on a part of a
// pipeline shares the pipeline, so that handles may be freed in any order.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "capi/nerava_analytics.h"
#include "nerava/analytics/analytics.h"

struct nva_pipeline {
  std::shared_ptr<nerava::analytics::Pipeline> impl;
  std::function<void(const absl::Status& error)> on_error;  // may be empty
  std::atomic<bool> closed{false};
};

struct nva_bus {
  std::shared_ptr<nerava::analytics::Bus> impl;
};

struct nva_subscription {
  nerava::analytics::Subscription impl;
};

struct nva_producer {
  std::shared_ptr<nerava::analytics::Producer> impl;
  bool has_bus = false;
};

struct nva_batch_writer {
  std::shared_ptr<nerava::analytics::BatchWriter> impl;
  std::shared_ptr<nerava::analytics::Store> store;
  std::shared_ptr<nerava::analytics::Producer>
      converter;  // the door for nva_batch_writer_write_json
};

struct nva_store {
  std::shared_ptr<nerava::analytics::Store> impl;
};

struct nva_kpi {
  std::shared_ptr<const nerava::analytics::KpiCalculator> impl;
};
