// Ids for events that come without one. They follow from the content, so that replaying the same
// input again changes nothing.
#pragma once

#include <string>
#include <string_view>

namespace nerava::examples {

// "<session_id>:<kind>", or, when that is longer than an id may be, "<kind>:" and a hash.
std::string SessionEventId(std::string_view session_id, std::string_view kind);

// "content:" and a hash of the event's JSON: the same line is the same event.
std::string ContentEventId(std::string_view json);

}  // namespace nerava::examples
