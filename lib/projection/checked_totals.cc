#include "lib/projection/checked_totals.h"

#include <cstdint>

#include "fmt/format.h"

namespace nerava::analytics {
namespace {

constexpr std::int64_t kMaxCount = std::int64_t{1} << 42;
constexpr std::int64_t kMaxAmount = std::int64_t{1} << 61;

}  // namespace

absl::Status AddChecked(const Totals& added, Totals* sum) {
  for (const Totals::Field& field : Totals::Fields()) {
    const std::int64_t max = IsAmount(field) ? kMaxAmount : kMaxCount;
    const std::int64_t value = added.*field.member;
    std::int64_t& total = sum->*field.member;
    const bool overflow = __builtin_add_overflow(total, value, &total);
    if (overflow || total < -max || total > max) {
      return absl::DataLossError(fmt::format(
          "the stored total {} is damaged: {} is beyond what can be", field.name, value));
    }
  }
  return absl::OkStatus();
}

}  // namespace nerava::analytics
