#include <boost/json.hpp>

#include "cloud/api/paging.h"
#include "cloud/api/routes.h"
#include "cloud/api/service.h"
#include "cloud/api/views_json.h"

namespace spillway::cloud::api {
namespace {

constexpr std::size_t kName = 63, kSecret = 200;                     // bytes
constexpr double kShortest = 60, kLongest = 10 * 365 * 24 * 3600.0;  // seconds, of a token

std::optional<Scope> scope_of(std::string_view text) {
  for (std::size_t i = 0; i < access::kScopes.size(); ++i) {
    if (access::kScopes[i] == text) return Scope(i);
  }
  return std::nullopt;
}

json::object me(const Principal& who) {
  return {{"name", who.name},
          {"scope", to_string(who.scope)},
          {"expires", time_or_null(who.expires)},
          {"csrf", who.csrf.empty() ? json::value(nullptr) : json::value(who.csrf)}};
}

// Without a path it is that of what the browser asked, <prefix>/api/v1: all that needs it, whatever
// a proxy puts in front, and nothing else on the same host.
std::string cookie_line(const std::string& value, std::chrono::seconds age, bool secure) {
  return std::string(access::Access::kCookie) + "=" + value +
         "; Max-Age=" + std::to_string(age.count()) + "; HttpOnly; SameSite=Strict" +
         (secure ? "; Secure" : "");
}

void login(Service& service, const Call& call, const Answer& answer) {
  BodyReader body(call.body);
  std::string code = body.text("code", kSecret).value_or("");
  std::string token = body.text("token", kSecret).value_or("");
  if (code.empty() == token.empty()) body.refuse("code", "either it or token, and not both");
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  service.access().login(
      call.request, code, token, call.now,
      [&service, call, answer,
       by_link = !code.empty()](const Result<access::Access::Opened>& opened) {
        if (!opened) {
          Response refusal = problem(opened.error());
          bool busy = opened.error().code == Code::busy;
          Response said =
              problem(busy                                  ? 429
                      : opened.error().code == Code::denied ? 401
                                                            : 503,
                      busy ? "too-many-attempts" : "not-logged-in", opened.error().message);
          said.headers = std::move(refusal.headers);
          return answer(std::move(said));
        }
        if (by_link) service.link_used();
        Response response = json_response(me(opened->principal));
        response.headers.emplace_back(
            "set-cookie",
            cookie_line(opened->cookie, access::Access::kSessionTime, service.secure()));
        service.audit_login(call, opened->principal, response, answer);
      });
}

void session(Service&, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  answer(json_response(me(call.who)));
}

void logout(Service& service, const Call& call, const Answer& answer) {
  service.access().logout(call.who, [answer, secure = service.secure()](const Result<void>& ended) {
    if (!ended) return answer(problem(ended.error()));
    Response response{204, "", {}, "", {}, nullptr};
    response.headers.emplace_back("set-cookie", cookie_line("", std::chrono::seconds(0), secure));
    answer(std::move(response));
  });
}

void tokens(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  answer(json_response(json::object{{"items", json_list(service.access().tokens())}}));
}

void create(Service& service, const Call& call, const Answer& answer) {
  BodyReader body(call.body);
  std::string name = body.required("name", body.text("name", kName));
  std::string scope = body.required("scope", body.text("scope", kName));
  auto expires = body.number("expires_in_s", kShortest, kLongest);
  auto known = scope_of(scope);
  if (name.empty()) body.refuse("name", "must not be empty");
  if (!known) body.refuse("scope", "must be read, operate or admin");
  if (Status read = body.finish(); !read) return answer(problem(read.error()));
  std::optional<Duration> expires_in;
  if (expires) {
    expires_in = std::chrono::round<Duration>(std::chrono::duration<double>(*expires));
  }
  service.access().create_token(name, *known, expires_in, call.now,
                                [answer](const Result<access::Access::Created>& created) {
                                  if (!created) return answer(problem(created.error()));
                                  json::object token = json_of(created->row).as_object();
                                  token["secret"] = created->secret;
                                  answer(json_response(token, 201));
                                });
}

void revoke(Service& service, const Call& call, const Answer& answer) {
  const std::string& id = call.at("token");
  service.access().revoke_token(id, [&service, id, answer](const Result<void>& revoked) {
    if (!revoked) return answer(problem(revoked.error()));
    service.hub().end_token(id);
    answer(Response{204, "", {}, "", {}, nullptr});
  });
}

void sessions(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  json::array items;
  for (const access::SessionRow& row : service.access().sessions(call.now)) {
    json::object item = json_of(row).as_object();
    item["own"] = call.who.session == row.secret;
    items.push_back(std::move(item));
  }
  answer(json_response(json::object{{"items", std::move(items)}}));
}

void end_session(Service& service, const Call& call, const Answer& answer) {
  service.access().end_session(call.at("session"), [answer](const Result<void>& ended) {
    if (!ended) return answer(problem(ended.error()));
    answer(Response{204, "", {}, "", {}, nullptr});
  });
}

void failed_logins(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  json::array items;
  for (const access::FailedLogins::Sum& sum : service.access().failed()) {
    items.push_back(json::object{{"from", sum.from},
                                 {"count", sum.count},
                                 {"first", time_or_null(sum.first)},
                                 {"last", time_or_null(sum.last)}});
  }
  answer(json_response(json::object{{"items", std::move(items)}}));
}

void audit(Service& service, const Call& call, const Answer& answer) {
  QueryReader query(call.query);
  Paging paging(call, query, service.access().cursor_key());
  if (Status read = query.finish(); !read) return answer(problem(read.error()));
  if (!paging.status()) return answer(problem(paging.status().error()));
  service.store().audit(paging.before(), paging.limit(),
                        [answer, paging](const Result<std::vector<access::AuditRow>>& lines) {
                          if (!lines) return answer(problem(lines.error()));
                          std::optional<std::string> next;
                          if (lines->size() == paging.limit())
                            next = paging.next(std::to_string(lines->back().seq));
                          answer(json_response(page_of(*lines, next)));
                        });
}

}  // namespace

std::span<const Route> access_routes() {
  static constexpr Route kRoutes[] = {
      {Method::post, "/session", "login", std::nullopt, login},
      {Method::get, "/session", "getSession", Scope::read, session},
      {Method::del, "/session", "logout", Scope::read, logout},
      {Method::get, "/tokens", "listTokens", Scope::admin, tokens},
      {Method::post, "/tokens", "createToken", Scope::admin, create},
      {Method::del, "/tokens/{token}", "revokeToken", Scope::admin, revoke},
      {Method::get, "/sessions", "listSessions", Scope::admin, sessions},
      {Method::del, "/sessions/{session}", "endSession", Scope::admin, end_session},
      {Method::get, "/audit", "listAudit", Scope::admin, audit},
      {Method::get, "/failed-logins", "listFailedLogins", Scope::admin, failed_logins},
  };
  return kRoutes;
}

}  // namespace spillway::cloud::api
