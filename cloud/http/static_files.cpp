#include "cloud/http/static_files.h"

#include <algorithm>

#include "cloud/http/problem.h"

namespace spillway::cloud::http {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
    "'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

// Whether Accept-Encoding allows it: named, and not with q=0.
bool accepts(std::string_view header, std::string_view coding) {
  while (!header.empty()) {
    std::size_t comma = header.find(',');
    std::string_view item = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    std::string_view name = item.substr(0, item.find_first_of("; "));
    bool never = item.find("q=0") != std::string_view::npos &&
                 item.find_first_of("123456789", item.find("q=0")) == std::string_view::npos;
    if (name == coding) return !never;
  }
  return false;
}

void put_body(Response& response, const Asset& asset, std::string_view accepted) {
  auto use = [&](ByteView bytes, const char* coding) {
    response.fixed = bytes;
    if (coding) response.headers.emplace_back("content-encoding", coding);
  };
  if (!asset.brotli.empty() && accepts(accepted, "br")) return use(asset.brotli, "br");
  if (!asset.gzip.empty() && (accepts(accepted, "gzip") || asset.identity.empty())) {
    return use(asset.gzip, "gzip");
  }
  use(asset.identity, nullptr);
}

// The page for an address that lies `path` deep. Its files are named relative to that, so that a
// proxy may put the dashboard under any prefix, of which the server knows nothing.
std::string page_at(std::string_view path, ByteView page) {
  std::string up;
  for (auto deeper = std::count(path.begin(), path.end(), '/'); deeper > 1; --deeper) up += "../";
  constexpr std::string_view kRooted = "=\"/assets/";
  std::string text(as_text(page));
  for (std::size_t at = 0; (at = text.find(kRooted, at)) != std::string::npos;) {
    text.replace(at + 2, 1, up);
  }
  return text;
}

}  // namespace

const Asset* StaticFiles::find(std::string_view path) const {
  for (const Asset& asset : assets_) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

Response StaticFiles::answer(const Request& request) const {
  if (request.method != Method::get && request.method != Method::head) {
    Response refusal = problem(405, "method-not-allowed", "only GET and HEAD here");
    refusal.headers.emplace_back("allow", "GET, HEAD");
    return refusal;
  }
  const Asset* asset = find(request.path);
  std::string_view last(request.path);
  last.remove_prefix(last.rfind('/') + 1);
  if (!asset && last.find('.') == std::string_view::npos) asset = find("/");
  if (!asset) return problem(404, "not-found", "there is no such file");
  Response response;
  response.content_type = asset->content_type;
  response.headers.emplace_back("etag", asset->etag);
  response.headers.emplace_back("vary", "accept-encoding");
  response.headers.emplace_back(
      "cache-control", asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.emplace_back("content-security-policy", kPolicy);
  if (request.header("if-none-match") == asset->etag) {
    response.status = 304;
    return response;
  }
  if (asset->path == "/") {
    response.body = page_at(request.path, asset->identity);
    return response;
  }
  put_body(response, *asset, request.header("accept-encoding"));
  return response;
}

void harden(Response& response, bool secure) {
  response.headers.emplace_back("x-content-type-options", "nosniff");
  response.headers.emplace_back("referrer-policy", "no-referrer");
  response.headers.emplace_back("cross-origin-resource-policy", "same-origin");
  if (secure) response.headers.emplace_back("strict-transport-security", "max-age=31536000");
}

}  // namespace spillway::cloud::http
