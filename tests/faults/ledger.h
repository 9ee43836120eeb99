// What became of each event that was published, kept beside the library: one line in a file, one
// write(2) each, so that it survives what kills the publisher.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace nerava::analytics::testing {

// Appends to the file. Thread-safe; forked children may share it.
class LedgerWriter {
 public:
  explicit LedgerWriter(const std::string& file);
  void Attempted(std::string_view event_id) const { Write('?', event_id); }
  void Accepted(std::string_view event_id) const { Write('+', event_id); }
  void Refused(std::string_view event_id) const { Write('-', event_id); }

 private:
  void Write(char what, std::string_view event_id) const;
  const int file_;
};

// An event in none of the last two was being published when its process died: it may be stored.
struct Ledger {
  static Ledger Read(const std::string& file);
  std::set<std::string> attempted, accepted, refused;
};

}  // namespace nerava::analytics::testing
