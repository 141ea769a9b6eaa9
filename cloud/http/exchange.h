#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/http/event_queue.h"
#include "spillway/bytes.h"

// Requests and responses as plain values, whatever carries them.
namespace spillway::cloud::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, other };
std::string_view to_string(Method method);

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  Method method = Method::get;
  std::string path;   // without the query, still percent-encoded
  std::string query;  // without the question mark
  Headers headers;    // names in lower case
  std::string body;
  std::string peer;            // address without port
  bool from_loopback = false;  // the peer is on this machine
  bool secure = false;         // came over TLS

  // The first of that (lower-case) name; empty when there is none.
  std::string_view header(std::string_view name) const;
  // A cookie's value; empty when there is none.
  std::string_view cookie(std::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string content_type;
  Headers headers;
  std::string body;
  ByteView fixed;                      // used instead of body when not empty; outlives the program
  std::shared_ptr<EventQueue> events;  // set: an event stream, which ends when either side wants
};

// Call it once, from any thread. Later calls, and calls after the client gave up, do nothing.
using Answer = std::function<void(Response)>;

}  // namespace spillway::cloud::http
