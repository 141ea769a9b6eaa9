#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/http/exchange.h"

namespace spillway::cloud::http {

// What this server is called, and so which pages may speak to it. A name that somebody else made
// point here (DNS rebinding) is none of its own; numbers and localhost always are, because nobody
// else can make them point here. Any thread.
class OwnNames {
 public:
  // Besides those: names as in "cloud.example" or "*.example".
  explicit OwnNames(std::vector<std::string> names = {});

  // The answer to a request for somebody else; nothing when it is for this server.
  std::optional<Response> misdirected(const Request& request) const;
  // The answer to a write that a browser sends for another site's page.
  std::optional<Response> foreign(const Request& request) const;

 private:
  bool knows(std::string_view host) const;
  std::vector<std::string> names_;
};

// Whether a Host header is one that only those on this machine write.
bool names_this_machine(std::string_view authority);

// A body's type is JSON: the type itself and not one that begins like it, whatever its parameters.
bool is_json(std::string_view content_type);

}  // namespace spillway::cloud::http
