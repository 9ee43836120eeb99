// What every question to a store has around it.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "lib/base/guarded.h"
#include "nerava/analytics/kpi.h"
#include "nerava/analytics/store.h"

namespace nerava::analytics {

// The period with both bounds rounded up to whole microseconds: events happen at these, so that one is
// in the one if and only if it is in the other. InvalidArgument for what is no period.
absl::StatusOr<Period> CheckedPeriod(const Period& period);

// What makes a question that no store can answer InvalidArgument once it is being answered.
inline constexpr char kOfTheQuestion[] = "nerava.analytics/question";

// Answers from one state of the store; what a store throws becomes Unavailable. A store has nothing to say of
// the question: its own InvalidArgument becomes Internal.
template <typename Answer>
absl::StatusOr<Answer> ReadStore(Store& store,
                                 absl::FunctionRef<absl::StatusOr<Answer>(ReadTransaction&)> ask) {
  return GuardedFromStore([&]() -> absl::StatusOr<Answer> {
    absl::StatusOr<Answer> answer = absl::InternalError("the store did not run the transaction");
    absl::Status status = store.Read([&](ReadTransaction& transaction) {
      answer = ask(transaction);
      return answer.status();
    });
    if (absl::IsInvalidArgument(status) && !status.GetPayload(kOfTheQuestion)) {
      return absl::InternalError(status.message());
    }
    if (!status.ok()) return status;
    return answer;
  });
}

}  // namespace nerava::analytics
