#include "tests/faults/power/replay.h"

#include <string>
#include <string_view>

#include "tests/faults/power/workload.h"

namespace nerava::analytics::testing {

Replay::Replay(const Recording& recording, Disk::SyncWorks sync_works)
    : records_(recording.records()),
      disk_(recording.before(), std::move(sync_works)),
      honest_(recording.before()) {}

void Replay::AdvanceTo(std::size_t record) {
  for (; next_ < record; ++next_) Apply(next_, records_[next_]);
}

void Replay::Apply(std::size_t number, const Record& record) {
  disk_.Apply(record);
  honest_.Apply(record);
  const record_header& header = record.header;
  if (header.kind == RECORD_OPEN) {
    if (IsJournal(record.path)) {
      journal_.emplace(header.process, header.fd);
    } else {
      journal_.erase({header.process, header.fd});
    }
  } else if (header.kind == RECORD_WRITE && journal_.contains({header.process, header.fd})) {
    last_written_[header.thread] = number;
  } else if (header.kind == RECORD_MARK) {
    const auto written = last_written_.find(header.thread);
    accepted_.push_back({std::stoi(std::string(record.data)), header.process,
                         written != last_written_.end() ? written->second : 0, header.steady_ns});
  }
}

}  // namespace nerava::analytics::testing
