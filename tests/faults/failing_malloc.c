#define _GNU_SOURCE
#include "tests/faults/failing_malloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* The ones of libc, which these replace. */
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

static atomic_int armed;
static atomic_long seen;
static atomic_long failing;

void FailMalloc(long n) {
  atomic_store(&seen, 0);
  atomic_store(&failing, n);
  atomic_store(&armed, 1);
}

long StopFailing(void) {
  atomic_store(&armed, 0);
  return atomic_load(&seen);
}

static int Fails(void) {
  if (!atomic_load(&armed)) return 0;
  if (atomic_fetch_add(&seen, 1) + 1 != atomic_load(&failing)) return 0;
  errno = ENOMEM;
  return 1;
}

void* malloc(size_t size) { return Fails() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return Fails() ? NULL : __libc_calloc(count, size); }
void* realloc(void* memory, size_t size) { return Fails() ? NULL : __libc_realloc(memory, size); }
void* memalign(size_t alignment, size_t size) {
  return Fails() ? NULL : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) {
  void* made = memalign(alignment, size);
  if (made == NULL) return ENOMEM;
  *memory = made;
  return 0;
}
