#pragma once

#include <span>

#include "cloud/http/asset.h"
#include "cloud/http/exchange.h"

namespace spillway::cloud::http {

// The dashboard's files: negotiated encoding, ETags, a strict Content-Security-Policy. Paths that
// are no file's and look like none are the app's own and get its page. Any thread.
class StaticFiles {
 public:
  explicit StaticFiles(std::span<const Asset> assets) : assets_(assets) {}
  Response answer(const Request& request) const;

 private:
  const Asset* find(std::string_view path) const;
  std::span<const Asset> assets_;
};

// Headers that every answer carries.
void harden(Response& response, bool secure);

}  // namespace spillway::cloud::http
