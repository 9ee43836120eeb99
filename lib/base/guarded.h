// Calls of what a host may have written, a store say, whose exceptions become a status.
#pragma once

#include <exception>
#include <new>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "lib/base/out_of_memory.h"

namespace nerava::analytics {

// What `call` returns, an absl::Status or StatusOr; ResourceExhausted when memory ran out, Unavailable
// for whatever else it throws.
template <typename Call>
auto GuardedFromStore(Call call) -> decltype(call()) try {
  return call();
} catch (const std::bad_alloc&) {
  return OutOfMemory();
} catch (const std::exception& error) {
  return absl::UnavailableError(fmt::format("the store threw: {}", error.what()));
} catch (...) {
  return absl::UnavailableError("the store threw something that is no std::exception");
}

}  // namespace nerava::analytics
