/* A program that has SQLite in it, and opens a store with the C library: program FILE. Prints why the
 * store was not opened. */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "nerava_analytics.h"

int main(int argc, char** argv) {
  char url[4096];
  nva_store* store = NULL;
  sqlite3* own = NULL;
  void* library = dlopen(NERAVA_ANALYTICS, RTLD_NOW);
  if (argc != 2 || library == NULL || sqlite3_open(":memory:", &own) != SQLITE_OK) return 2;
  sqlite3_close(own);
  nva_status (*open)(nva_string, const nva_store_options*, nva_store**);
  const char* (*message)(void);
  *(void**)&open = dlsym(library, "nva_store_open");
  *(void**)&message = dlsym(library, "nva_last_error_message");
  snprintf(url, sizeof url, "sqlite:///%s", argv[1]);
  nva_string text = {url, strlen(url)};
  if (open(text, NULL, &store) == NVA_OK) return 0;
  puts(message());
  return 1;
}
