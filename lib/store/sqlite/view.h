// The SQL of the views that make the compact rows readable.
#pragma once

#include <string>

namespace nerava::analytics::sqlite {

// CREATE statements for `event_rows` (no partition yet) and `analytics_events`.
std::string CreateViews();

}  // namespace nerava::analytics::sqlite
