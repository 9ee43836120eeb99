#include "nerava/analytics/rejection.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace nerava::analytics {
namespace {

TEST_CASE("a refusal carries its message and its reason") {
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    const auto reason = static_cast<RejectReason>(i);
    const absl::Status status = Refuse(reason, "too much");
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(status.message() == "too much");
    CHECK(ReasonOf(status) == reason);
  }
}

TEST_CASE("every reason has a name of its own") {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    names.emplace(RejectReasonName(static_cast<RejectReason>(i)));
  }
  CHECK(names.size() == kRejectReasonCount);
  CHECK(names.count("missing_field") == 1);
}

TEST_CASE("a status of somebody else has no particular reason") {
  CHECK(ReasonOf(absl::OkStatus()) == RejectReason::kOther);
  CHECK(ReasonOf(absl::InvalidArgumentError("no")) == RejectReason::kOther);
}

}  // namespace
}  // namespace nerava::analytics
