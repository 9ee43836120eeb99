// What of a request comes before its body.
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <optional>

#include "nerava/analytics/http.h"

namespace nerava::examples {

using RequestHead = boost::beast::http::request<boost::beast::http::empty_body>;

// Why it cannot be answered, or null. A proxy in front may see another end of such a request than is seen
// here, so nothing that follows on the connection may be taken for the next one.
std::optional<analytics::HttpResponse> CheckHead(const RequestHead& head);

// Without body. Headers of one name are one, with ", " between; a target that is a whole URL is its path
// and query, and its authority the Host.
analytics::HttpRequest HeadOf(const RequestHead& head);

// Whether the client waits for "100 Continue" before it sends the body.
bool AwaitsContinue(const RequestHead& head);

}  // namespace nerava::examples
