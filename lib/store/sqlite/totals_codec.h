// Totals as stored bytes, of which most are small or zero.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/base/bytes.h"
#include "lib/projection/checked_totals.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics::sqlite {

// Bit k stands for the k-th of these.
inline constexpr auto kTotalsFields = Totals::Fields();

inline std::uint64_t PresentTotals(const Totals& totals) {
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < kTotalsFields.size(); ++i) {
    if (totals.*kTotalsFields[i].member != 0) present |= std::uint64_t{1} << i;
  }
  return present;
}

inline std::int64_t& LowestTotal(std::uint64_t present, Totals* totals) {
  return totals->*kTotalsFields[static_cast<std::size_t>(std::countr_zero(present))].member;
}

// Those that are not zero, in order.
inline void AppendTotals(const Totals& totals, std::string* out) {
  for (const Totals::Field& field : kTotalsFields) {
    if (totals.*field.member != 0) AppendSigned(totals.*field.member, out);
  }
}

// False for what no sum or time reaches, too.
inline bool ReadAmount(ByteReader* reader, std::int64_t* amount) {
  constexpr std::int64_t kMaxAmount = std::int64_t{1} << 60;
  return reader->Signed(amount) && *amount <= kMaxAmount && *amount >= -kMaxAmount;
}

// Sets those that are present; the others stay as they are. False when the bytes are none, or count
// more than `most` of anything.
inline bool ReadTotals(std::uint64_t present, std::int64_t most, ByteReader* reader,
                       Totals* totals) {
  if (present >> kTotalsFields.size() != 0) return false;
  for (std::uint64_t left = present; left != 0; left &= left - 1) {
    std::int64_t value = 0;
    if (!ReadAmount(reader, &value)) return false;
    const bool counts = !IsAmount(kTotalsFields[static_cast<std::size_t>(std::countr_zero(left))]);
    if (counts && (value > most || value < -most)) return false;
    LowestTotal(left, totals) = value;
  }
  return true;
}

}  // namespace nerava::analytics::sqlite
