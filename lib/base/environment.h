// The only place that reads the environment.
#pragma once

#include <string>

namespace nerava::analytics {

// Empty when it is not set, and in a program that runs with more rights than its caller has.
std::string EnvironmentVariable(const char* name);

}  // namespace nerava::analytics
