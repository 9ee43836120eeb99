/* An allocator that fails on demand, in place of libc's in the program that links it: its shared
 * libraries and operator new then use it too. */
#ifndef NERAVA_TESTS_FAULTS_FAILING_MALLOC_H_
#define NERAVA_TESTS_FAULTS_FAILING_MALLOC_H_

#ifdef __cplusplus
extern "C" {
#endif

/* From now on allocations of all threads are counted from 1, and the n-th fails; with n = 0 none. */
void FailMalloc(long n);
/* Fails none any more. How many there were. */
long StopFailing(void);

#ifdef __cplusplus
}
#endif

#endif
