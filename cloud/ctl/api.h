#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "cloud/ctl/contexts.h"
#include "cloud/http/client.h"
#include "spillway/status.h"

namespace spillway::ctl {

namespace json = boost::json;
using cloud::http::Method;

// The cloud's HTTP interface as calls. What it refuses comes as an Error with its words.
class Api {
 public:
  static Result<Api> open(const Target& target);
  // By the one-time link that a cloud's first start prints, http://host:port/login#code=…, as an
  // admin. `ca` as in Target.
  static Result<Api> log_in(std::string_view link, const std::string& ca);

  Result<json::value> call(Method method, const std::string& path,
                           const json::value* body = nullptr,
                           const cloud::http::Headers& headers = {});
  Result<json::value> get(const std::string& path) { return call(Method::get, path); }
  // Every item of a list, page by page, until `each` says false or `most` are there.
  Status list(const std::string& path, std::uint64_t most,
              const std::function<bool(const json::value&)>& each);
  // The event stream, taken up again when it is cut, until `each` says false.
  Status watch(const std::function<bool(const std::string& event, const json::value&)>& each);

 private:
  Api(cloud::http::Client client, const Target& target);
  // An object, or null of an answer without content.
  Result<json::value> read(const cloud::http::Response& response) const;
  Error stranger() const;

  cloud::http::Client client_;
  std::string url_;
  cloud::http::Headers headers_;
};

// The exit code of a failure.
int exit_code(const Error& error);

// A segment of a path or a value of a query.
std::string escaped(std::string_view text);

}  // namespace spillway::ctl
