#include "tests/faults/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace nerava::analytics::testing {

constexpr char kEnd = ';';

LedgerWriter::LedgerWriter(const std::string& file)
    : file_(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  if (file_ < 0) throw std::runtime_error("cannot open " + file);
}

void LedgerWriter::Write(char what, std::string_view event_id) const {
  // SIGKILL can cut a write(2) short: a line begins anew whatever is before it, and tells its end.
  std::string line{'\n', what};
  line.append(event_id).push_back(kEnd);
  if (write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("cannot write the ledger");
  }
}

Ledger Ledger::Read(const std::string& file) {
  Ledger ledger;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with(kEnd)) continue;  // cut short: not done yet, or nobody was told
    auto& events = line[0] == '+'   ? ledger.accepted
                   : line[0] == '-' ? ledger.refused
                                    : ledger.attempted;
    events.insert(line.substr(1, line.size() - 2));
  }
  return ledger;
}

}  // namespace nerava::analytics::testing
