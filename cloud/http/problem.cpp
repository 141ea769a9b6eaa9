#include "cloud/http/problem.h"

#include <boost/json.hpp>
#include <cmath>

namespace spillway::cloud::http {
namespace {

namespace json = boost::json;

std::string_view title_of(unsigned status) {
  switch (status) {
    case 400: return "Bad request";
    case 401: return "Not logged in";
    case 403: return "Not allowed";
    case 404: return "Not found";
    case 405: return "Method not allowed";
    case 408: return "Too slow";
    case 409: return "Conflict";
    case 412: return "Changed meanwhile";
    case 413: return "Too large";
    case 415: return "Not JSON";
    case 421: return "Not this host";
    case 422: return "Unusable";
    case 428: return "If-Match is missing";
    case 429: return "Too many attempts";
    case 431: return "Headers too large";
    case 501: return "Not supported";
    case 503: return "Not available now";
    case 504: return "Took too long";
    default: return "Internal error";
  }
}

unsigned status_of(Code code) {
  switch (code) {
    case Code::invalid_argument: return 400;
    case Code::not_found: return 404;
    case Code::conflict: return 409;
    case Code::denied: return 403;
    case Code::busy:
    case Code::cancelled:
    case Code::unavailable: return 503;
    case Code::timeout: return 504;
    case Code::unsupported: return 501;
    default: return 500;
  }
}

std::string hyphened(std::string_view words) {
  std::string text(words);
  for (char& c : text) c = c == '_' || c == ' ' ? '-' : c;
  return text;
}

}  // namespace

Response problem(unsigned status, std::string_view type, const std::string& detail) {
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = json::serialize(json::object{{"type", "/problems/" + std::string(type)},
                                               {"title", title_of(status)},
                                               {"status", status},
                                               {"detail", detail}});
  response.headers.emplace_back("cache-control", "no-store");
  return response;
}

Response problem(const Error& error) {
  Response response =
      problem(status_of(error.code), hyphened(to_string(error.code)), error.message);
  if (error.retry_after) {
    auto seconds = std::ceil(std::chrono::duration<double>(*error.retry_after).count());
    response.headers.emplace_back("retry-after", std::to_string(std::int64_t(seconds)));
  }
  return response;
}

}  // namespace spillway::cloud::http
