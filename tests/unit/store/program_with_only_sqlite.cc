// A program that has SQLite and the store in it: program FILE. Prints why the store was not opened.
#include <cstdio>
#include <string>

#include "nerava/analytics/store.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto store = nerava::analytics::OpenStore(std::string("sqlite:///") + argv[1]);
  if (store.ok()) return 0;
  std::puts(std::string(store.status().message()).c_str());
  return 1;
}
