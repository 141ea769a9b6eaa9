#include "cloud/ctl/api.h"

#include <boost/json.hpp>
#include <chrono>
#include <thread>

namespace spillway::ctl {
namespace {

using cloud::http::Response;
constexpr int kReconnects = 30;

Code code_of(unsigned status) {
  switch (status) {
    case 400:
    case 422: return Code::invalid_argument;
    case 401:
    case 403: return Code::denied;
    case 404: return Code::not_found;
    case 409:
    case 412: return Code::conflict;
    case 429:
    case 503: return Code::busy;
    case 504: return Code::timeout;
    default: return Code::internal;
  }
}

// How another site answers a path that it does not have, or has elsewhere.
bool unknown_there(unsigned status) { return status / 100 == 3 || status == 404 || status == 405; }

// Whoever finds nobody at the default address has most likely named none.
Error unreachable(Error error) {
  if (error.code == Code::unavailable) {
    error.message += "; is spillway-cloud running there? --url names another address";
  }
  return error;
}

}  // namespace

Api::Api(cloud::http::Client client, const Target& target)
    : client_(std::move(client)), url_(target.url) {
  if (!target.token.empty()) headers_.emplace_back("authorization", "Bearer " + target.token);
}

Result<Api> Api::open(const Target& target) {
  auto client = cloud::http::Client::make({target.url, target.ca});
  if (!client) return client.error();
  return Api(*std::move(client), target);
}

Result<Api> Api::log_in(std::string_view link, const std::string& ca) {
  constexpr std::string_view kCode = "/login#code=";
  const auto at = link.find(kCode);
  if (at == std::string_view::npos) {
    return fail(Code::invalid_argument,
                "not a link to log in with; it ends in " + std::string(kCode) + "…");
  }
  auto api = open({std::string(link.substr(0, at)), "", ca});
  if (!api) return api;
  const json::object code{{"code", link.substr(at + kCode.size())}};
  auto response = api->client_.send(Method::post, "/api/v1/session", {}, json::serialize(code));
  if (!response) return response.error();
  auto session = api->read(*response);
  if (!session) return session.error();
  const json::object* body = session->if_object();
  const json::value* csrf = body ? body->if_contains("csrf") : nullptr;
  if (!csrf || !csrf->is_string()) return fail(Code::corrupt, "the cloud's answer is no session");
  api->headers_.emplace_back("x-csrf-token", std::string(csrf->get_string()));
  for (const auto& [name, value] : response->headers) {
    if (name == "set-cookie") {
      api->headers_.emplace_back("cookie", value.substr(0, value.find(';')));
    }
  }
  return api;
}

Error Api::stranger() const {
  return fail(Code::corrupt, "what answers at " + url_ +
                                 " is no spillway-cloud; is a prefix missing or wrong in --url?");
}

Result<json::value> Api::read(const Response& response) const {
  json::value body;
  if (response.content_type.find("json") != std::string::npos) {
    boost::system::error_code error;
    body = json::parse(response.body, error);
    if (error) body = nullptr;
  }
  constexpr unsigned kNoContent = 204, kRefusals = 300;
  if (response.status < kRefusals) {
    if (response.status == kNoContent || body.is_object()) return body;
    return stranger();
  }
  const json::object* problem = body.if_object();
  const json::value* detail = problem ? problem->if_contains("detail") : nullptr;
  // What the cloud refuses it explains; a proxy in front of it may be out of reach of it, or
  // refuse.
  if (!detail && unknown_there(response.status)) return stranger();
  std::string message = detail && detail->is_string()
                            ? std::string(detail->get_string())
                            : "the cloud answered " + std::to_string(response.status);
  if (response.status == 401 && headers_.empty()) {
    message += "; name a token by SPWCTL_TOKEN, --token-file or a context";
  }
  return fail(code_of(response.status), message);
}

Result<json::value> Api::call(Method method, const std::string& path, const json::value* body,
                              const cloud::http::Headers& more) {
  cloud::http::Headers headers = headers_;
  headers.insert(headers.end(), more.begin(), more.end());
  auto response = client_.send(method, "/api/v1" + path, headers,
                               body ? json::serialize(*body) : std::string());
  if (!response) return unreachable(response.error());
  return read(*response);
}

Status Api::list(const std::string& path, std::uint64_t most,
                 const std::function<bool(const json::value&)>& each) {
  std::string cursor;
  for (;;) {
    const std::uint64_t limit = std::min<std::uint64_t>(most, 1000);
    std::string target = path + (path.find('?') == std::string::npos ? "?" : "&") +
                         "limit=" + std::to_string(limit) +
                         (cursor.empty() ? "" : "&cursor=" + cursor);
    auto page = get(target);
    if (!page) return page.error();
    const json::object* object = page->if_object();
    const json::value* items = object ? object->if_contains("items") : nullptr;
    if (!items || !items->is_array()) return stranger();
    for (const json::value& item : items->get_array()) {
      if (most == 0 || !each(item)) return {};
      --most;
    }
    const json::value* next = object->if_contains("next");
    if (most == 0 || !next || !next->is_string()) return {};
    cursor = next->get_string();
  }
}

Status Api::watch(const std::function<bool(const std::string& event, const json::value&)>& each) {
  std::string position;
  for (int failures = 0;;) {
    cloud::http::Headers headers = headers_;
    if (!position.empty()) headers.emplace_back("last-event-id", position);
    bool done = false;
    auto response = client_.stream("/api/v1/stream", headers, [&](const auto& event) {
      failures = 0;
      position = event.id;
      boost::system::error_code error;
      json::value data = json::parse(event.data, error);
      done = !error && !each(event.name, data);
      return !done;
    });
    if (done) return {};
    if (response) {
      auto refused = read(*response);
      return refused ? stranger() : refused.error();
    }
    if (++failures > kReconnects || position.empty()) return unreachable(response.error());
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

int exit_code(const Error& error) {
  switch (error.code) {
    case Code::invalid_argument: return 2;
    case Code::not_found: return 3;
    case Code::denied: return 4;
    case Code::conflict: return 5;
    case Code::unavailable:
    case Code::busy:
    case Code::timeout: return 6;
    default: return 1;
  }
}

std::string escaped(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~,=";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string safe;
  for (char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      safe += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      safe += '%';
      safe += kHex[byte >> 4];
      safe += kHex[byte & 15];
    }
  }
  return safe;
}

}  // namespace spillway::ctl
