// How accepted events survive until the store has them: the options and counters of the journal.
// docs/reliability.md says what each promise rests on and how it was tested.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace nerava::analytics {

// When Write returns, and so what a crash can cost.
enum class Durability : std::uint8_t {
  // Once the event is queued. A crash of the process loses what is queued. Cheapest.
  kMemory = 0,
  // Once the event is written to the journal: kill -9 loses nothing, a power failure at most what
  // came within the last sync_interval.
  kProcess = 1,
  // Once the journal is on the disk (fdatasync, shared by writers that wait together): nothing is
  // lost.
  kPower = 2,
};

struct JournalOptions {
  // Default: kProcess for stores that name a folder for it (Store::JournalFolder), such as SQLite;
  // else kMemory.
  std::optional<Durability> durability = {};
  // Where journals are kept; each store gets a folder of its own in it, by its Description. Default
  // "": the store's own, for SQLite the database's path + ".journal"; for a store that names none
  // nerava-analytics in $STATE_DIRECTORY (systemd), else $XDG_STATE_HOME, else ~/.local/state, else,
  // as root, /var/lib. Made with mode 0700 if missing; must not be a symbolic link nor writable by
  // others.
  std::string directory = {};
  // With kProcess: at most how long an accepted event stays unsynced. Default 1 s; 1 ms..1 h.
  // Smaller loses less when the power fails, and costs more fdatasync calls.
  absl::Duration sync_interval = absl::Seconds(1);
  // Bound of the journal's files, those of dead processes not counted. When it is reached, the
  // journal is as full as a queue: see BatchWriterOptions::overflow. Default 1 GiB; at least
  // 2 segments.
  std::int64_t max_bytes = 1 << 30;
  // Size of one file, which is removed once all of its events are safe in the store. Default 4 MiB;
  // 256 KiB..1 GiB. After a crash at most about that much is offered again for nothing.
  std::int64_t segment_bytes = 4 << 20;
};

struct JournalStats {
  std::uint64_t bytes = 0;     // of this process's files on disk, preallocated space included
  std::uint64_t segments = 0;  // files
  std::uint64_t syncs = 0;     // fdatasync calls that succeeded
  std::uint64_t sync_errors = 0;
  std::uint64_t write_errors = 0;  // events were not accepted for it
  std::string
      last_error;  // of the last write or sync that failed; empty once one succeeded after it
  std::uint64_t adopted_segments = 0;      // files of dead processes taken over
  std::uint64_t torn_tails = 0;            // of those, with an unfinished end, which never counted
  std::uint64_t quarantined_segments = 0;  // of those, damaged: kept aside for a person to look at
};

}  // namespace nerava::analytics
