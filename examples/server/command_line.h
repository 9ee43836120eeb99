// What the server is told by its flags and its environment.
#pragma once

#include <optional>
#include <string>

#include "examples/server/server.h"
#include "nerava/analytics/options.h"

namespace nerava::examples {

struct Settings {
  analytics::Options pipeline;
  ServerOptions server;
  GateOptions gate;
  std::string redis;  // URL; empty: none
};

// Flags before environment before defaults. The exit code, when the program is to end: after --help, or for
// what it says is wrong.
std::optional<int> ParseCommandLine(int argc, char** argv, Settings* settings);

}  // namespace nerava::examples
