#include "capi/boundary.h"

#include <cstdlib>
#include <exception>
#include <new>

#include "nerava/analytics/money.h"
#include "nerava/analytics/rejection.h"

namespace nerava::analytics::capi {
namespace {

struct LastError {
  std::string message;
  RejectReason reason = RejectReason::kOther;
};

LastError& ThisThreads() {
  thread_local LastError error;
  return error;
}

void SetMessage(std::string_view message) noexcept {
  try {
    ThisThreads().message = message;
  } catch (...) {
    ThisThreads().message.clear();  // no memory left for saying so
  }
}

}  // namespace

void ClearLastError() noexcept {
  ThisThreads().message.clear();
  ThisThreads().reason = RejectReason::kOther;
}

nva_status Report(const absl::Status& status) noexcept {
  ClearLastError();
  if (status.ok()) return NVA_OK;
  SetMessage({status.message().data(), status.message().size()});
  ThisThreads().reason = ReasonOf(status);
  return static_cast<nva_status>(status.code());
}

nva_status ReportException() noexcept {
  ClearLastError();
  try {
    throw;
  } catch (const Failure& failure) {
    return Report(failure.status);
  } catch (const std::bad_alloc&) {
    SetMessage("out of memory");
    return NVA_RESOURCE_EXHAUSTED;
  } catch (const std::exception& error) {
    SetMessage(error.what());
    return NVA_INTERNAL;
  } catch (...) {
    SetMessage("unknown exception");
    return NVA_INTERNAL;
  }
}

absl::Status FromCallback(nva_status status, std::string_view who) {
  if (status == NVA_OK) return absl::OkStatus();
  const bool known = status > NVA_OK && status <= NVA_UNAUTHENTICATED;
  std::string message = ThisThreads().message;
  if (message.empty()) message = std::string(who) + " returned " + nva_status_name(status);
  return absl::Status(known ? static_cast<absl::StatusCode>(status) : absl::StatusCode::kUnknown,
                      message);
}

void Fail(std::string message) { throw Failure{absl::InvalidArgumentError(message)}; }

std::string_view View(nva_string text, std::string_view name) {
  if (text.size == 0) return {};
  if (text.data == nullptr) Fail(std::string(name) + " is NULL but has a size");
  return {text.data, text.size};
}

char* Duplicate(std::string_view text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  text.copy(copy, text.size());
  copy[text.size()] = '\0';
  return copy;
}

std::shared_ptr<void> TakeOver(void* user_data, void (*destroy)(void*)) {
  // Should this allocation fail, shared_ptr runs the deleter all the same.
  return std::shared_ptr<void>(user_data, [destroy](void* data) {
    if (destroy != nullptr) destroy(data);
  });
}

absl::Status ReportUnsent(std::size_t left, std::uint64_t* unsent) {
  if (unsent != nullptr) *unsent = left;
  if (left == 0) return absl::OkStatus();
  const std::string events = left == 1 ? "1 event is" : std::to_string(left) + " events are";
  return absl::DeadlineExceededError(events + " not stored yet; call again to wait longer");
}

}  // namespace nerava::analytics::capi

namespace {

using nerava::analytics::capi::Guarded;
using nerava::analytics::capi::Require;

}  // namespace

const char* nva_version(void) { return NVA_VERSION_TEXT; }

uint32_t nva_abi_version(void) { return NVA_ABI_VERSION; }

const char* nva_status_name(nva_status status) {
  switch (status) {
    case NVA_OK:
      return "OK";
    case NVA_CANCELLED:
      return "CANCELLED";
    case NVA_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case NVA_DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case NVA_NOT_FOUND:
      return "NOT_FOUND";
    case NVA_ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case NVA_PERMISSION_DENIED:
      return "PERMISSION_DENIED";
    case NVA_RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case NVA_FAILED_PRECONDITION:
      return "FAILED_PRECONDITION";
    case NVA_ABORTED:
      return "ABORTED";
    case NVA_OUT_OF_RANGE:
      return "OUT_OF_RANGE";
    case NVA_UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case NVA_INTERNAL:
      return "INTERNAL";
    case NVA_UNAVAILABLE:
      return "UNAVAILABLE";
    case NVA_DATA_LOSS:
      return "DATA_LOSS";
    case NVA_UNAUTHENTICATED:
      return "UNAUTHENTICATED";
    default:
      return "UNKNOWN_ERROR";
  }
}

const char* nva_last_error_message(void) {
  return nerava::analytics::capi::ThisThreads().message.c_str();
}

int32_t nva_last_reject_reason(void) {
  return static_cast<int32_t>(nerava::analytics::capi::ThisThreads().reason);
}

const char* nva_reject_reason_name(int32_t reason) {
  using nerava::analytics::RejectReason;
  const bool known =
      reason >= 0 && reason < static_cast<int32_t>(nerava::analytics::kRejectReasonCount);
  // The names are literals, so they end with a NUL.
  return RejectReasonName(known ? static_cast<RejectReason>(reason) : RejectReason::kOther).data();
}

void nva_set_error_message(const char* message) {
  nerava::analytics::capi::SetMessage(message == nullptr ? "" : message);
}

void nva_free(void* memory) { std::free(memory); }

nva_status nva_usd_to_cents(double usd, int64_t* cents) {
  return Guarded([&] {
    Require(cents, "cents") = 0;
    *cents = nerava::analytics::capi::Value(nerava::analytics::CentsFromUsd(usd));
  });
}
