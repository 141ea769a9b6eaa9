#include "cloud/http/own_names.h"

#include <algorithm>

#include "cloud/http/beast.h"
#include "cloud/http/problem.h"

namespace spillway::cloud::http {
namespace {

constexpr std::size_t kShown = 100;  // bytes of a hostile name

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return low;
}

// "cloud.example:8443", "[::1]:8480": without the port.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool is_number(std::string_view host) {
  SysError error;
  net::ip::make_address(std::string(host), error);
  return !error;
}

}  // namespace

OwnNames::OwnNames(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::string& name : names_) name = lower(name);
}

bool OwnNames::knows(std::string_view host) const {
  if (is_number(host) || host == "localhost") return true;
  std::size_t dot = host.find('.');
  return std::any_of(names_.begin(), names_.end(), [&](std::string_view name) {
    if (!name.starts_with("*.")) return name == host;
    return dot != std::string_view::npos && dot > 0 && host.substr(dot) == name.substr(1);
  });
}

std::optional<Response> OwnNames::misdirected(const Request& request) const {
  std::string host = lower(host_of(request.header("host")));
  if (host.empty()) return problem(400, "malformed-request", "the request names no Host");
  if (host.ends_with('.')) host.pop_back();
  if (knows(host)) return std::nullopt;
  return problem(421, "not-this-host",
                 "this cloud is not called '" + host.substr(0, kShown) +
                     "'; [http] names in its configuration says what it is called");
}

std::optional<Response> OwnNames::foreign(const Request& request) const {
  std::string_view origin = request.header("origin"), site = request.header("sec-fetch-site");
  if (origin.empty() && site.empty()) return std::nullopt;  // no browser
  std::size_t scheme = origin.find("://");
  // A proxy in front may speak TLS while this server does not: the scheme says nothing.
  bool own = scheme != std::string_view::npos &&
             lower(origin.substr(scheme + 3)) == lower(request.header("host"));
  if (own && (site.empty() || site == "same-origin")) return std::nullopt;
  return problem(403, "foreign-page", "another site's page may not change anything here");
}

bool names_this_machine(std::string_view authority) {
  const std::string host = lower(host_of(authority));
  SysError error;
  const auto number = net::ip::make_address(host, error);
  return host == "localhost" || (!error && number.is_loopback());
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return lower(type) == "application/json";
}

}  // namespace spillway::cloud::http
