// What is read from requests and written into responses in several places.
#pragma once

#include <string_view>

#include "nerava/analytics/http.h"

namespace nerava::examples {

// {"detail": detail}
analytics::HttpResponse Refusal(int status, std::string_view detail);

// Of the first header of this name; empty if there is none.
std::string_view HeaderOf(const analytics::HttpRequest& request, std::string_view name);

}  // namespace nerava::examples
