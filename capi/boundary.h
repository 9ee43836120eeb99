// The boundary between C and C++: everything a nva_ function needs to check its arguments, to call
// the library, and to turn whatever happens into a status. Nothing that is thrown gets past
// Guarded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "capi/nerava_analytics.h"

namespace nerava::analytics::capi {

// Thrown inside a Guarded body to end it with a status; never leaves it.
struct Failure {
  absl::Status status;
};

void ClearLastError() noexcept;

// Makes `status` the thread's last error (none when OK) and returns its number.
nva_status Report(const absl::Status& status) noexcept;

// Report for the exception being handled.
nva_status ReportException() noexcept;

// Runs the body of a nva_ function, which returns void or an absl::Status and may throw.
template <typename Body>
nva_status Guarded(Body&& body) noexcept {
  ClearLastError();
  try {
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return Report(absl::OkStatus());
    } else {
      return Report(body());
    }
  } catch (...) {
    return ReportException();
  }
}

// What a callback of the caller's returned, with the message it set. `who` names it when it set
// none. Call ClearLastError before the callback.
absl::Status FromCallback(nva_status status, std::string_view who);

[[noreturn]] void Fail(std::string message);  // InvalidArgument

inline void Check(absl::Status status) {
  if (!status.ok()) throw Failure{std::move(status)};
}

template <typename T>
T Value(absl::StatusOr<T> value) {
  if (!value.ok()) throw Failure{value.status()};
  return *std::move(value);
}

template <typename T>
T& Require(T* pointer, std::string_view name) {
  if (pointer == nullptr) Fail(std::string(name) + " must not be NULL");
  return *pointer;
}

// An output pointer, set to nothing first.
template <typename T>
T*& Out(T** out) {
  Require(out, "the output pointer") = nullptr;
  return *out;
}

std::string_view View(nva_string text, std::string_view name);
inline std::string Text(nva_string text, std::string_view name) {
  return std::string(View(text, name));
}
// Never NULL, so that C code may use what it gets.
inline nva_string Borrow(std::string_view text) {
  return {text.empty() ? "" : text.data(), text.size()};
}

// A copy for the caller, from malloc.
char* Duplicate(std::string_view text);

// The size of a struct when it first came; less is no such struct.
template <typename T>
inline constexpr std::uint32_t kFirstSize = sizeof(T);
template <>
inline constexpr std::uint32_t kFirstSize<nva_kpi_summary> = offsetof(nva_kpi_summary,
                                                                      owed_microusd);

// Copies a struct of the caller's. One of a newer version is taken when what this library does not
// know in it is zero.
template <typename T>
T Read(const T* in, std::string_view name) {
  const std::uint32_t size = Require(in, name).struct_size;
  if (size < sizeof(T)) {
    Fail(std::string(name) + "->struct_size is too small: fill the struct with its _init function");
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(in);
  for (std::size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] != 0) {
      Fail(std::string(name) +
           " sets what only a newer library knows: update the library, or leave "
           "it at its default");
    }
  }
  return *in;
}

// Fills a struct of the caller's, `size` bytes large, as far as it goes; what this library does not
// know becomes zero.
template <typename T>
void Write(T value, T* out, std::uint32_t size, std::string_view name) {
  Require(out, name);
  if (size < kFirstSize<T>) Fail("struct_size is too small: pass sizeof *" + std::string(name));
  value.struct_size = size;
  std::memset(static_cast<void*>(out), 0, size);
  std::memcpy(static_cast<void*>(out), &value, std::min<std::size_t>(size, sizeof(T)));
}

// Takes over `user_data` of a callback struct: `destroy` runs with the last copy of the result.
std::shared_ptr<void> TakeOver(void* user_data, void (*destroy)(void*));

// How many events are left is also an error, so that nobody need look at it.
absl::Status ReportUnsent(std::size_t left, std::uint64_t* unsent);

inline absl::Time FromMicros(std::int64_t us) {
  return us == NVA_TIME_NONE ? absl::InfinitePast() : absl::FromUnixMicros(us);
}
inline std::int64_t ToMicros(absl::Time time) {
  return time == absl::InfinitePast() ? NVA_TIME_NONE : absl::ToUnixMicros(time);
}
// A timeout of a call; negative is without limit.
inline absl::Duration Timeout(std::int64_t ms) {
  return ms < 0 ? absl::InfiniteDuration() : absl::Milliseconds(ms);
}

}  // namespace nerava::analytics::capi
