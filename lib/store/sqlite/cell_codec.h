// What sessions at a hub and in a window add up to, as stored bytes; docs/storage.md describes them.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/store/sqlite/totals_codec.h"
#include "nerava/analytics/totals.h"

namespace nerava::analytics::sqlite {

// Names go by number, 0 is the empty one.
struct Cell {
  std::int64_t hub = 0;
  std::int64_t window = 0;
  Totals totals = {};
  std::string_view users = {};
};

inline void AppendCell(const Cell& cell, std::string* out) {
  AppendVarint(static_cast<std::uint64_t>(cell.hub), out);
  AppendVarint(static_cast<std::uint64_t>(cell.window), out);
  AppendVarint(PresentTotals(cell.totals), out);
  AppendTotals(cell.totals, out);
  AppendVarint(cell.users.size(), out);
  *out += cell.users;
}

// False when the bytes are none. The users point into them.
inline bool ReadCell(ByteReader* reader, Cell* cell) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  constexpr std::int64_t kMostSessions = std::int64_t{1} << 40;  // more than sixteen days can have
  std::uint64_t hub = 0;
  std::uint64_t window = 0;
  std::uint64_t present = 0;
  if (!reader->Varint(&hub) || !reader->Varint(&window) || !reader->Varint(&present) ||
      hub > kMost || window > kMost) {
    return false;
  }
  cell->hub = static_cast<std::int64_t>(hub);
  cell->window = static_cast<std::int64_t>(window);
  cell->totals = {};
  return ReadTotals(present, kMostSessions, reader, &cell->totals) && reader->Text(&cell->users);
}

}  // namespace nerava::analytics::sqlite
