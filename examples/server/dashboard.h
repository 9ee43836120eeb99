// The dashboard: a page at "/", and what it loads below "/dashboard/". It has no data in it; that it asks for
// as everybody does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nerava/analytics/http.h"

namespace nerava::examples {

// Immutable, and so thread-safe.
class Dashboard {
 public:
  Dashboard();

  // Whether the target, "/?days=7" say, is of the page.
  static bool IsOfPage(std::string_view target);
  // The answer to a request for a file of the page; null: it is for none.
  std::optional<analytics::HttpResponse> Answer(const analytics::HttpRequest& request) const;

 private:
  struct Asset {
    std::string path;
    std::string_view content_type;
    std::string tag;
    std::string_view content;
  };
  std::vector<Asset> assets_;
};

}  // namespace nerava::examples
