// What every question to a store has around it.
#pragma once

#include <exception>
#include <new>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "lib/base/out_of_memory.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// The period with both bounds rounded up to whole microseconds: events happen at these, so that one is
// in the one if and only if it is in the other. InvalidArgument for what is no period.
absl::StatusOr<Period> CheckedPeriod(const Period& period);

// Answers from one state of the store; what a store throws becomes Unavailable.
template <typename Answer>
absl::StatusOr<Answer> ReadStore(
    Store& store, absl::FunctionRef<absl::StatusOr<Answer>(ReadTransaction&)> ask) try {
  absl::StatusOr<Answer> answer = absl::InternalError("the store did not run the transaction");
  absl::Status status = store.Read([&](ReadTransaction& transaction) {
    answer = ask(transaction);
    return answer.status();
  });
  if (!status.ok()) return status;
  return answer;
} catch (const std::bad_alloc&) {
  return OutOfMemory();
} catch (const std::exception& error) {
  return absl::UnavailableError(fmt::format("the store threw: {}", error.what()));
} catch (...) {
  return absl::UnavailableError("the store threw something that is no std::exception");
}

}  // namespace nerava::analytics
