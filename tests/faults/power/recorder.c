/* Preloaded (LD_PRELOAD) into a program, records every call that changes files of one folder, with
 * its data, in the order in which they took effect. Calls go to the kernel directly. What is not
 * seen (stdio, mmap, duplicated descriptors) shows: the test compares the folder with the record. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

#define EXPORT __attribute__((visibility("default")))
#define MAX_FDS 4096

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* a call and its record are one step */
static char folder[PATH_MAX];
static size_t folder_size; /* 0: nothing is recorded */
static int record_fd = -1;
static long sync_us;
static char recorded[MAX_FDS]; /* by descriptor: open in the folder */

static void fail(const char* what) {
  fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char* name = getenv(RECORD_FOLDER);
  const char* file = getenv(RECORD_FILE);
  const char* delay = getenv(RECORD_SYNC_US);
  if (name == NULL || file == NULL) return;
  if (strlen(name) >= sizeof folder) fail("folder");
  record_fd =
      (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (record_fd < 0) fail(file);
  sync_us = delay != NULL ? atol(delay) : 0;
  strcpy(folder, name);
  folder_size = strlen(name);
}

/* The path relative to the folder, in `full`; NULL when it is not in there. */
static const char* relative(int directory, const char* path, char full[2 * PATH_MAX]) {
  if (folder_size == 0 || path == NULL) return NULL;
  if (path[0] == '/') {
    snprintf(full, 2 * PATH_MAX, "%s", path);
  } else {
    char link[64];
    char base[PATH_MAX];
    snprintf(link, sizeof link, directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d",
             directory);
    const ssize_t size = readlink(link, base, sizeof base - 1);
    if (size < 0) return NULL;
    base[size] = '\0';
    snprintf(full, 2 * PATH_MAX, "%s/%s", base, path);
  }
  if (strncmp(full, folder, folder_size) != 0) return NULL;
  const char* rest = full + folder_size;
  if (*rest != '/' && *rest != '\0') return NULL;
  while (*rest == '/') ++rest;
  /* ".", or something that ends with "/." */
  char* end = full + strlen(full);
  if (end > rest && end[-1] == '.' && (end - 1 == rest || end[-2] == '/')) {
    end[-1] = '\0';
    if (end - 1 > rest) end[-2] = '\0';
  }
  return rest;
}

static int is_recorded(int fd) { return fd >= 0 && fd < MAX_FDS && recorded[fd]; }

/* The mutex is held. */
static void put(struct record_header header, const char* path, const char* other,
                const void* data) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  header.process = (int32_t)getpid();
  header.thread = (int32_t)syscall(SYS_gettid);
  header.steady_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  header.path = path != NULL ? (uint32_t)strlen(path) : 0;
  header.other_path = other != NULL ? (uint32_t)strlen(other) : 0;
  const size_t data_size = data != NULL ? (size_t)header.length : 0;
  const struct iovec parts[] = {{&header, sizeof header},
                                {(void*)path, header.path},
                                {(void*)other, header.other_path},
                                {(void*)data, data_size}};
  const long size = (long)(sizeof header + header.path + header.other_path + data_size);
  if (syscall(SYS_writev, record_fd, parts, 4) != size) fail("cannot write the record");
}

EXPORT void nerava_record_mark(const char* text) {
  pthread_mutex_lock(&mutex);
  put((struct record_header){.kind = RECORD_MARK, .length = (int64_t)strlen(text)}, NULL, NULL,
      text);
  pthread_mutex_unlock(&mutex);
}

/* Not between a call of another thread and its record. */
EXPORT void _exit(int status) {
  pthread_mutex_lock(&mutex);
  for (;;) syscall(SYS_exit_group, status);
}

static int do_open(int directory, const char* path, int flags, mode_t mode) {
  char full[2 * PATH_MAX];
  const char* name = relative(directory, path, full);
  pthread_mutex_lock(&mutex);
  const int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
  if (fd >= MAX_FDS) fail("too many open files");
  if (fd >= 0) recorded[fd] = name != NULL;
  if (fd >= 0 && name != NULL) {
    put((struct record_header){.kind = RECORD_OPEN, .fd = fd, .offset = flags}, name, NULL, NULL);
  }
  pthread_mutex_unlock(&mutex);
  return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

EXPORT int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return do_open(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return do_open(directory, path, flags, mode);
}

EXPORT int creat(const char* path, mode_t mode) {
  return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int close(int fd) {
  pthread_mutex_lock(&mutex);
  if (is_recorded(fd)) {
    put((struct record_header){.kind = RECORD_CLOSE, .fd = fd}, NULL, NULL, NULL);
    recorded[fd] = 0;
  }
  const int result = (int)syscall(SYS_close, fd);
  pthread_mutex_unlock(&mutex);
  return result;
}

EXPORT ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  if (!is_recorded(fd)) return syscall(SYS_pwrite64, fd, data, size, offset);
  pthread_mutex_lock(&mutex);
  const ssize_t written = syscall(SYS_pwrite64, fd, data, size, offset);
  if (written > 0) {
    put((struct record_header){.kind = RECORD_WRITE, .fd = fd, .offset = offset, .length = written},
        NULL, NULL, data);
  }
  pthread_mutex_unlock(&mutex);
  return written;
}

EXPORT ssize_t write(int fd, const void* data, size_t size) {
  if (!is_recorded(fd)) return syscall(SYS_write, fd, data, size);
  pthread_mutex_lock(&mutex);
  const ssize_t written = syscall(SYS_write, fd, data, size);
  if (written > 0) {
    const off_t end = lseek(fd, 0, SEEK_CUR); /* also with O_APPEND */
    put(
        (struct record_header){
            .kind = RECORD_WRITE, .fd = fd, .offset = end - written, .length = written},
        NULL, NULL, data);
  }
  pthread_mutex_unlock(&mutex);
  return written;
}

/* In as many writes as there are parts: less atomic than the kernel's, and so allowed. */
EXPORT ssize_t writev(int fd, const struct iovec* parts, int count) {
  if (!is_recorded(fd)) return syscall(SYS_writev, fd, parts, count);
  ssize_t total = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t written = write(fd, parts[i].iov_base, parts[i].iov_len);
    if (written < 0) return total > 0 ? total : written;
    total += written;
    if ((size_t)written < parts[i].iov_len) break;
  }
  return total;
}

EXPORT ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  if (!is_recorded(fd)) return syscall(SYS_pwritev, fd, parts, count, offset, 0);
  ssize_t total = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t written = pwrite(fd, parts[i].iov_base, parts[i].iov_len, offset + total);
    if (written < 0) return total > 0 ? total : written;
    total += written;
    if ((size_t)written < parts[i].iov_len) break;
  }
  return total;
}

EXPORT int ftruncate(int fd, off_t size) {
  if (!is_recorded(fd)) return (int)syscall(SYS_ftruncate, fd, size);
  pthread_mutex_lock(&mutex);
  const int result = (int)syscall(SYS_ftruncate, fd, size);
  if (result == 0) {
    put((struct record_header){.kind = RECORD_RESIZE, .fd = fd, .offset = size}, NULL, NULL, NULL);
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (!is_recorded(fd)) return (int)syscall(SYS_fallocate, fd, mode, offset, length);
  if (mode != 0) fail("fallocate with flags");
  pthread_mutex_lock(&mutex);
  const int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
  if (result == 0) {
    put(
        (struct record_header){
            .kind = RECORD_ALLOCATE, .fd = fd, .offset = offset, .length = length},
        NULL, NULL, NULL);
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t length) {
  return fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

static int sync_file(int fd, long call) {
  if (!is_recorded(fd)) return (int)syscall(call, fd);
  pthread_mutex_lock(&mutex);
  put((struct record_header){.kind = RECORD_SYNC_BEGIN, .fd = fd}, NULL, NULL, NULL);
  pthread_mutex_unlock(&mutex);
  const int result = (int)syscall(call, fd);
  if (sync_us > 0) nanosleep(&(struct timespec){.tv_nsec = sync_us * 1000}, NULL);
  if (result == 0) {
    pthread_mutex_lock(&mutex);
    put((struct record_header){.kind = RECORD_SYNC_END, .fd = fd}, NULL, NULL, NULL);
    pthread_mutex_unlock(&mutex);
  }
  return result;
}

EXPORT int fsync(int fd) { return sync_file(fd, SYS_fsync); }
EXPORT int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

/* A call on one path. */
static int on_path(enum record_kind kind, int directory, const char* path, mode_t mode) {
  char full[2 * PATH_MAX];
  const char* name = relative(directory, path, full);
  pthread_mutex_lock(&mutex);
  int result;
  if (kind == RECORD_MKDIR) {
    result = (int)syscall(SYS_mkdirat, directory, path, mode);
  } else {
    result = (int)syscall(SYS_unlinkat, directory, path, kind == RECORD_RMDIR ? AT_REMOVEDIR : 0);
  }
  if (result == 0 && name != NULL) {
    put((struct record_header){.kind = kind}, name, NULL, NULL);
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

EXPORT int unlinkat(int directory, const char* path, int flags) {
  return on_path((flags & AT_REMOVEDIR) != 0 ? RECORD_RMDIR : RECORD_UNLINK, directory, path, 0);
}
EXPORT int unlink(const char* path) { return on_path(RECORD_UNLINK, AT_FDCWD, path, 0); }
EXPORT int rmdir(const char* path) { return on_path(RECORD_RMDIR, AT_FDCWD, path, 0); }
EXPORT int remove(const char* path) {
  const int result = unlink(path);
  return result != 0 && errno == EISDIR ? rmdir(path) : result;
}
EXPORT int mkdirat(int directory, const char* path, mode_t mode) {
  return on_path(RECORD_MKDIR, directory, path, mode);
}
EXPORT int mkdir(const char* path, mode_t mode) {
  return on_path(RECORD_MKDIR, AT_FDCWD, path, mode);
}

static int on_paths(enum record_kind kind, int from_directory, const char* from, int to_directory,
                    const char* to, unsigned flags) {
  char full_from[2 * PATH_MAX];
  char full_to[2 * PATH_MAX];
  const char* name = relative(from_directory, from, full_from);
  const char* other = relative(to_directory, to, full_to);
  if ((name != NULL) != (other != NULL)) fail("a file moves into or out of the folder");
  pthread_mutex_lock(&mutex);
  const long call = kind == RECORD_RENAME ? SYS_renameat2 : SYS_linkat;
  const int result = (int)syscall(call, from_directory, from, to_directory, to, flags);
  if (result == 0 && name != NULL) {
    put((struct record_header){.kind = kind}, name, other, NULL);
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

EXPORT int renameat2(int from_directory, const char* from, int to_directory, const char* to,
                     unsigned flags) {
  /* RENAME_NOREPLACE is a rename when it succeeds; the others would be something else. */
  if ((flags & ~(unsigned)RENAME_NOREPLACE) != 0) fail("renameat2 with flags");
  return on_paths(RECORD_RENAME, from_directory, from, to_directory, to, flags);
}
EXPORT int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  return on_paths(RECORD_RENAME, from_directory, from, to_directory, to, 0);
}
EXPORT int rename(const char* from, const char* to) {
  return on_paths(RECORD_RENAME, AT_FDCWD, from, AT_FDCWD, to, 0);
}
EXPORT int linkat(int from_directory, const char* from, int to_directory, const char* to,
                  int flags) {
  return on_paths(RECORD_LINK, from_directory, from, to_directory, to, (unsigned)flags);
}
EXPORT int link(const char* from, const char* to) {
  return on_paths(RECORD_LINK, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* The 64-bit names, which are the same. */
EXPORT int open64(const char* path, int flags, ...) __attribute__((alias("open")));
EXPORT int openat64(int directory, const char* path, int flags, ...)
    __attribute__((alias("openat")));
EXPORT int creat64(const char* path, mode_t mode) __attribute__((alias("creat")));
EXPORT ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset)
    __attribute__((alias("pwrite")));
EXPORT ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t offset)
    __attribute__((alias("pwritev")));
EXPORT int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));
EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t length)
    __attribute__((alias("fallocate")));
EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t length)
    __attribute__((alias("posix_fallocate")));
