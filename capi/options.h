// Option structs to and from the C++ options, which alone know the defaults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "capi/boundary.h"
#include "capi/events.h"
#include "nerava/analytics/options.h"

namespace nerava::analytics::capi {

// The user's error callback, taken over. Copies share it.
class ErrorCallback {
 public:
  ErrorCallback() = default;
  explicit ErrorCallback(const nva_error_callback& callback)
      : owner_(TakeOver(callback.user_data, callback.destroy)), on_error_(callback.on_error) {}

  explicit operator bool() const { return on_error_ != nullptr; }
  void operator()(const absl::Status& error) const {
    on_error_(owner_.get(), static_cast<nva_status>(error.code()),
              std::string(error.message()).c_str());
  }

 private:
  std::shared_ptr<void> owner_;
  void (*on_error_)(void*, nva_status, const char*) = nullptr;
};

// A string that lives as long as the process: what _init and _from_environment put into structs,
// which own nothing. There are only as many as there are different settings.
nva_string Intern(const std::string& text);

// Calls a C nva_alert_callback.
class AlertCallback {
 public:
  AlertCallback() = default;
  explicit AlertCallback(const nva_alert_callback& callback)
      : owner_(TakeOver(callback.user_data, callback.destroy)), on_alert_(callback.on_alert) {}

  explicit operator bool() const { return on_alert_ != nullptr; }
  void operator()(const Alert& alert) const {
    const nva_alert view = AlertView(alert);
    on_alert_(owner_.get(), &view);
  }

 private:
  std::shared_ptr<void> owner_;
  void (*on_alert_)(void*, const nva_alert*) = nullptr;
};

// As TakeOverOnError.
inline AlertCallback TakeOverOnAlert(const nva_pipeline_options* options) {
  constexpr std::size_t kEnd =
      offsetof(nva_pipeline_options, on_alert) + sizeof(nva_alert_callback);
  if (options == nullptr || options->struct_size < kEnd) return AlertCallback();
  return AlertCallback(options->on_alert);
}

// The first thing to do with a struct that has an on_error: it is taken over even when the struct
// turns out to be invalid, unless it is too small to hold one.
template <typename Struct>
ErrorCallback TakeOverOnError(const Struct* options) {
  constexpr std::size_t kEnd = offsetof(Struct, on_error) + sizeof(nva_error_callback);
  if (options == nullptr || options->struct_size < kEnd) return ErrorCallback();
  return ErrorCallback(options->on_error);
}

inline std::int32_t ToC(Durability durability) {
  return static_cast<std::int32_t>(durability) + NVA_DURABILITY_MEMORY;
}

// What BusOptions::on_error and BatchWriterOptions::on_error call.
void ReportTo(const ErrorCallback& callback, BusOptions* options);
void ReportTo(const ErrorCallback& callback, BatchWriterOptions* options);

// Null: the defaults. Callbacks are left out. Throw Failure.
Options FromStruct(const nva_pipeline_options* options);
BusOptions FromStruct(const nva_bus_options* options);
BatchWriterOptions FromStruct(const nva_batch_writer_options* options);
StoreOptions FromStruct(const nva_store_options* options);

}  // namespace nerava::analytics::capi
