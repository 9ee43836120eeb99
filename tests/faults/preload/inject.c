/* Faults in the file calls of a program, for LD_PRELOAD. SQLite and the journal both call through
 * libc, so both are met. Configured by the environment:
 *
 *   FAULT_PATH   only calls on files whose path contains this text; without it nothing happens
 *   FAULT_CALLS  only these calls: "write,pwrite,..."; default: all. Variants go by the plain name:
 *                openat, open64 and creat are "open", renameat is "rename", and so on
 *   FAULT_AT     the n-th of these calls, counted from 1 over all threads, or
 *   FAULT_EVERY  every n-th of them, or
 *   FAULT_WHILE  all of them while this file exists
 *   FAULT_DO     kill: SIGKILL before the call      kill-after: SIGKILL after it
 *                short: transfers half              drop: reports success and does nothing
 *                EIO, ENOSPC, EINTR, EMFILE: fails so
 *   FAULT_LOG    a file that gets a line for each of these calls: its name and path
 *
 *   FAULT_CLOCK  the wall clock jumps at every n-th look: by an hour or a year, to and fro
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum fault { kNone, kFail, kKillAfter, kShort, kDrop };

static atomic_long calls_seen;

/* What FAULT_DO says; `error` is set for kFail. */
static enum fault Wanted(int* error) {
  static const struct {
    const char* name;
    int error;
  } kErrors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"EMFILE", EMFILE}};
  const char* what = getenv("FAULT_DO");
  if (what == NULL) return kNone;
  if (strcmp(what, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(what, "kill-after") == 0) return kKillAfter;
  if (strcmp(what, "short") == 0) return kShort;
  if (strcmp(what, "drop") == 0) return kDrop;
  for (size_t i = 0; i < sizeof kErrors / sizeof *kErrors; ++i) {
    if (strcmp(what, kErrors[i].name) != 0) continue;
    *error = kErrors[i].error;
    return kFail;
  }
  fprintf(stderr, "inject: FAULT_DO=%s is not known\n", what);
  abort();
}

static int Listed(const char* call) {
  const char* list = getenv("FAULT_CALLS");
  const size_t size = strlen(call);
  for (const char* at = list; at != NULL; at = strchr(at, ',')) {
    if (*at == ',') ++at;
    if (strncmp(at, call, size) == 0 && (at[size] == ',' || at[size] == '\0')) return 1;
  }
  return list == NULL;
}

static int IsDue(long n) {
  const char* at = getenv("FAULT_AT");
  const char* every = getenv("FAULT_EVERY");
  const char* file = getenv("FAULT_WHILE");
  return (at != NULL && n == atol(at)) || (every != NULL && n % atol(every) == 0) ||
         (file != NULL && syscall(SYS_faccessat, AT_FDCWD, file, F_OK) == 0);
}

/* The fault that this call meets: on `name` below the folder `fd`, or on `fd` itself. */
static enum fault Meet(const char* call, int fd, const char* name, int* error) {
  const int saved = errno;
  const char* wanted = getenv("FAULT_PATH");
  if (wanted == NULL || !Listed(call)) return kNone;
  char path[2 * PATH_MAX] = "";
  if (fd >= 0 && (name == NULL || name[0] != '/')) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const long size = syscall(SYS_readlinkat, AT_FDCWD, link, path, (size_t)PATH_MAX);
    path[size > 0 ? size : 0] = '\0';
  }
  if (name != NULL) {
    const size_t size = strlen(path);
    snprintf(path + size, sizeof path - size, "%s%s", size > 0 ? "/" : "", name);
  }
  enum fault fault = kNone;
  if (strstr(path, wanted) != NULL) {
    const long n = atomic_fetch_add(&calls_seen, 1) + 1;
    const char* log = getenv("FAULT_LOG");
    if (log != NULL) {
      char line[3 * PATH_MAX];
      const int size = snprintf(line, sizeof line, "%s %s\n", call, path);
      const long out = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
      syscall(SYS_write, out, line, (size_t)size);
      syscall(SYS_close, out);
    }
    if (IsDue(n)) fault = Wanted(error);
  }
  errno = saved;
  return fault;
}

/* Defines `name` so that it meets faults as `call` first. The arguments of the real one follow. */
#define REAL(result, name, parameters) \
  static result(*real) parameters;     \
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, #name)
#define MEET(call, fd, path, failed, dropped)            \
  int error = 0;                                         \
  const enum fault fault = Meet(call, fd, path, &error); \
  if (fault == kFail) return errno = error, failed;      \
  if (fault == kDrop) return dropped
#define FINISH(result)                              \
  if (fault == kKillAfter) kill(getpid(), SIGKILL); \
  return result

#define CALL(name, call, fd, path, parameters, ...) \
  int name parameters {                             \
    REAL(int, name, parameters);                    \
    MEET(call, fd, path, -1, 0);                    \
    const int result = real(__VA_ARGS__);           \
    FINISH(result);                                 \
  }
/* The same for those that move `size` bytes. */
#define TRANSFER(name, call, parameters, ...)   \
  ssize_t name parameters {                     \
    REAL(ssize_t, name, parameters);            \
    MEET(call, fd, NULL, -1, (ssize_t)size);    \
    if (fault == kShort && size > 1) size /= 2; \
    const ssize_t result = real(__VA_ARGS__);   \
    FINISH(result);                             \
  }
#define OPEN(name, fd, parameters, ...)         \
  int name parameters {                         \
    REAL(int, name, parameters);                \
    mode_t mode = 0;                            \
    if ((flags & O_CREAT) != 0) {               \
      va_list rest;                             \
      va_start(rest, flags);                    \
      mode = va_arg(rest, mode_t);              \
      va_end(rest);                             \
    }                                           \
    MEET("open", fd, path, -1, -1);             \
    const int result = real(__VA_ARGS__, mode); \
    FINISH(result);                             \
  }

OPEN(open, -1, (const char* path, int flags, ...), path, flags)
OPEN(open64, -1, (const char* path, int flags, ...), path, flags)
OPEN(openat, dir, (int dir, const char* path, int flags, ...), dir, path, flags)
OPEN(openat64, dir, (int dir, const char* path, int flags, ...), dir, path, flags)
CALL(creat, "open", -1, path, (const char* path, mode_t mode), path, mode)
CALL(creat64, "open", -1, path, (const char* path, mode_t mode), path, mode)

TRANSFER(read, "read", (int fd, void* to, size_t size), fd, to, size)
TRANSFER(pread, "read", (int fd, void* to, size_t size, off_t at), fd, to, size, at)
TRANSFER(pread64, "read", (int fd, void* to, size_t size, off64_t at), fd, to, size, at)
TRANSFER(write, "write", (int fd, const void* from, size_t size), fd, from, size)
TRANSFER(pwrite, "write", (int fd, const void* from, size_t size, off_t at), fd, from, size, at)
TRANSFER(pwrite64, "write", (int fd, const void* from, size_t size, off64_t at), fd, from, size, at)

static size_t BytesOf(const struct iovec* parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  return bytes;
}

/* A short one transfers half of the first part. */
#define VECTOR(name, parameters, ...)                                    \
  ssize_t name parameters {                                              \
    REAL(ssize_t, name, parameters);                                     \
    MEET("write", fd, NULL, -1, (ssize_t)BytesOf(parts, count));         \
    struct iovec half;                                                   \
    if (fault == kShort && count > 0) {                                  \
      half = *parts;                                                     \
      half.iov_len = half.iov_len > 1 ? half.iov_len / 2 : half.iov_len; \
      parts = &half;                                                     \
      count = 1;                                                         \
    }                                                                    \
    const ssize_t result = real(__VA_ARGS__);                            \
    FINISH(result);                                                      \
  }
VECTOR(writev, (int fd, const struct iovec* parts, int count), fd, parts, count)
VECTOR(pwritev, (int fd, const struct iovec* parts, int count, off_t at), fd, parts, count, at)
VECTOR(pwritev64, (int fd, const struct iovec* parts, int count, off64_t at), fd, parts, count, at)

CALL(fsync, "fsync", fd, NULL, (int fd), fd)
CALL(fdatasync, "fsync", fd, NULL, (int fd), fd)
CALL(flock, "flock", fd, NULL, (int fd, int operation), fd, operation)
CALL(ftruncate, "truncate", fd, NULL, (int fd, off_t size), fd, size)
CALL(ftruncate64, "truncate", fd, NULL, (int fd, off64_t size), fd, size)
CALL(truncate, "truncate", -1, path, (const char* path, off_t size), path, size)
CALL(truncate64, "truncate", -1, path, (const char* path, off64_t size), path, size)
CALL(fallocate, "fallocate", fd, NULL, (int fd, int mode, off_t at, off_t size), fd, mode, at, size)
CALL(fallocate64, "fallocate", fd, NULL, (int fd, int mode, off64_t at, off64_t size), fd, mode, at,
     size)

/* Return the error instead of setting errno. */
#define FALLOCATE(name, type)              \
  int name(int fd, type at, type size) {   \
    REAL(int, name, (int, type, type));    \
    MEET("fallocate", fd, NULL, error, 0); \
    const int result = real(fd, at, size); \
    FINISH(result);                        \
  }
FALLOCATE(posix_fallocate, off_t)
FALLOCATE(posix_fallocate64, off64_t)

CALL(mkdir, "mkdir", -1, path, (const char* path, mode_t mode), path, mode)
CALL(mkdirat, "mkdir", dir, path, (int dir, const char* path, mode_t mode), dir, path, mode)
CALL(rmdir, "rmdir", -1, path, (const char* path), path)
CALL(unlink, "unlink", -1, path, (const char* path), path)
CALL(unlinkat, "unlink", dir, path, (int dir, const char* path, int flags), dir, path, flags)
CALL(remove, "unlink", -1, path, (const char* path), path)
CALL(rename, "rename", -1, path, (const char* path, const char* to), path, to)
CALL(renameat, "rename", dir, path, (int dir, const char* path, int to_dir, const char* to), dir,
     path, to_dir, to)
CALL(renameat2, "rename", dir, path,
     (int dir, const char* path, int to_dir, const char* to, unsigned flags), dir, path, to_dir, to,
     flags)
CALL(link, "link", -1, path, (const char* path, const char* to), path, to)
CALL(linkat, "link", dir, path, (int dir, const char* path, int to_dir, const char* to, int flags),
     dir, path, to_dir, to, flags)

DIR* opendir(const char* path) {
  REAL(DIR*, opendir, (const char*));
  MEET("open", -1, path, NULL, NULL);
  DIR* result = real(path);
  FINISH(result);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  static atomic_long looks;
  static const long kJumps[] = {0, 3600, -3600, 365 * 86400, -365 * 86400};
  REAL(int, clock_gettime, (clockid_t, struct timespec*));
  const int result = real(clock, now);
  const char* every = getenv("FAULT_CLOCK");
  if (every == NULL || clock != CLOCK_REALTIME) return result;
  const long jumps = atomic_fetch_add(&looks, 1) / atol(every);
  now->tv_sec += kJumps[jumps % (long)(sizeof kJumps / sizeof *kJumps)];
  return result;
}
