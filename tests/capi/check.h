/* The few lines of a test framework that the C tests need. */
#ifndef NERAVA_TESTS_CAPI_CHECK_H_
#define NERAVA_TESTS_CAPI_CHECK_H_

#include <stdio.h>
#include <string.h>

#include "nerava_analytics.h"

static int check_failures = 0;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      ++check_failures;                                                                            \
      fprintf(stderr, "%s:%d: CHECK(%s) failed; last error: %s\n", __FILE__, __LINE__, #condition, \
              nva_last_error_message());                                                           \
    }                                                                                              \
  } while (0)

#define CHECK_OK(call) CHECK((call) == NVA_OK)

/* The call fails with this status, and says why. */
#define CHECK_FAILS(expected, call)             \
  do {                                          \
    CHECK((call) == (expected));                \
    CHECK(nva_last_error_message()[0] != '\0'); \
  } while (0)

#define CHECK_CONTAINS(text, part) CHECK((text) != NULL && strstr((text), (part)) != NULL)

#define RUN(test)                                                             \
  do {                                                                        \
    const int before = check_failures;                                        \
    test();                                                                   \
    printf("%s %s\n", check_failures == before ? "ok    " : "FAILED", #test); \
  } while (0)

#define RESULT (check_failures == 0 ? 0 : 1)

#endif
