// Other copies of SQLite in this process.
//
// POSIX drops all locks that a process has on a file when it closes any descriptor of it. SQLite
// works around that with a list of the files it has open; a second copy has a list of its own, so
// that each would undo the other's locks on a file that both open, and commits would be lost.
#pragma once

#include "absl/status/status.h"

namespace nerava::analytics::sqlite {

// FailedPrecondition when a copy is loaded besides the one that this library calls, with the paths of
// both. Found are copies that export their symbols, and those hidden in the program itself or in a
// library whose path tells (with "sqlite", "apsw" or "libpython" in it). Some milliseconds; next to
// nothing when no library was loaded since the last call. Thread-safe.
absl::Status CheckForOtherCopies();

}  // namespace nerava::analytics::sqlite
