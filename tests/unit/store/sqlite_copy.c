/* What a library that brings its own SQLite is made of. */
#include <sqlite3.h>

const char* sqlite_copy_version(void) { return sqlite3_libversion(); }
