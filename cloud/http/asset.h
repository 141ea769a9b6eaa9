#pragma once

#include <span>
#include <string_view>

#include "spillway/bytes.h"

namespace spillway::cloud::http {

// One file of the dashboard, in the binary for as long as it runs. Each encoding that is not empty
// can be asked for; at least `identity` or `gzip` is there, of the page `identity`.
struct Asset {
  std::string_view path;          // as asked for, e.g. "/assets/app-3f9c2d.js"; "/" is the page
  std::string_view content_type;  // e.g. "text/javascript; charset=utf-8"
  std::string_view etag;          // quoted, e.g. "\"3f9c2d\""; differs between contents
  bool immutable = false;         // its name changes with its contents: cached for a year
  ByteView identity;
  ByteView gzip;
  ByteView brotli;
};

// Defined by what is built into the program: cloud/web, or the page that says it was left out.
std::span<const Asset> assets();

}  // namespace spillway::cloud::http
