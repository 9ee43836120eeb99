/* What the recorder writes and the simulation reads: one file of these headers, each followed by its
 * paths or data, in the order in which the calls took effect. All calls succeeded. */
#ifndef NERAVA_TESTS_FAULTS_POWER_RECORD_H_
#define NERAVA_TESTS_FAULTS_POWER_RECORD_H_

#include <stdint.h>

/* Environment of a recorded program. */
#define RECORD_FOLDER "NERAVA_RECORD_FOLDER" /* whose files are recorded; absolute, no links */
#define RECORD_FILE "NERAVA_RECORD_FILE"     /* where the record is appended; outside the folder */
#define RECORD_SYNC_US "NERAVA_RECORD_SYNC_US" /* a sync takes this long more, as on a disk */

enum record_kind {
  RECORD_OPEN = 1,   /* fd, path; flags in `offset`: it may have been created or truncated */
  RECORD_CLOSE,      /* fd */
  RECORD_WRITE,      /* fd, offset, data */
  RECORD_RESIZE,     /* fd, size in `offset` */
  RECORD_ALLOCATE,   /* fd, offset, length in `length`: zeros, and the file at least as long */
  RECORD_RENAME,     /* path, second path */
  RECORD_LINK,       /* path, second path */
  RECORD_UNLINK,     /* path of a file */
  RECORD_MKDIR,      /* path */
  RECORD_RMDIR,      /* path */
  RECORD_SYNC_BEGIN, /* fd, fsync or fdatasync; ends at the thread's next RECORD_SYNC_END */
  RECORD_SYNC_END,   /* fd */
  RECORD_MARK        /* text in `data`, from the program: see nerava_record_mark */
};

struct record_header {
  uint32_t kind;
  int32_t process; /* file descriptors count for it */
  int32_t thread;
  int32_t fd;
  int64_t offset;
  int64_t length;    /* of the data; of the space for RECORD_ALLOCATE, which has no data */
  int64_t steady_ns; /* CLOCK_MONOTONIC, when the call had returned */
  uint32_t path;     /* bytes of the path that follows, relative to the folder; "" is the folder */
  uint32_t other_path; /* bytes of the second path, after the first */
};

/* Puts a mark into the record. The recorder defines it: find it with dlsym(). */
typedef void (*record_mark_function)(const char* text);
#define RECORD_MARK_FUNCTION "nerava_record_mark"

#endif /* NERAVA_TESTS_FAULTS_POWER_RECORD_H_ */
