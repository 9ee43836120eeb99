// One connection with what belongs to it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "lib/store/sqlite/aggregates.h"
#include "lib/store/sqlite/database.h"
#include "lib/store/sqlite/dictionary.h"
#include "lib/store/sqlite/event_rows.h"

namespace nerava::analytics::sqlite {

// One thread at a time.
struct Connection {
  explicit Connection(std::unique_ptr<Database> opened)
      : database(std::move(opened)),
        names(*database, "names"),
        users(*database, "users"),
        rows(names, users),
        aggregates(*database, names, users) {}

  // What a run of the retention dropped is overwritten in the file, and the file cut, by a checkpoint.
  bool checkpoint_after_run = false;
  bool checkpoint = false;  // now

  // How many persons had been erased when the last transaction began.
  std::int64_t erasures = 0;

  const std::unique_ptr<Database> database;
  Dictionary names;
  Dictionary users;
  EventRows rows;
  Aggregates aggregates;
};

}  // namespace nerava::analytics::sqlite
