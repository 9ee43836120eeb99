// The SQL of the views that make the compact rows readable.
#pragma once

#include <string>

namespace nerava::analytics::sqlite {

// The CREATE statement for `event_rows` while there is no partition.
std::string CreateEmptyRowsView();
// Those for the views that people read: `analytics_events` and `daily_kpis`.
std::string CreateViews();

}  // namespace nerava::analytics::sqlite
