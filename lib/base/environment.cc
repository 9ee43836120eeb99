#include "lib/base/environment.h"

#include <cstdlib>

namespace nerava::analytics {

std::string EnvironmentVariable(const char* name) {
  const char* const value = secure_getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace nerava::analytics
