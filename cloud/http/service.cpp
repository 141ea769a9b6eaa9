#include "cloud/http/service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "cloud/http/routes.h"
#include "cloud/http/views_json.h"
#include "common/runtime/log.h"

namespace spillway::cloud::http {
namespace {

using runtime::Level;

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::size_t kMaxKey = 100;               // bytes of an Idempotency-Key
constexpr std::uint64_t kIdRange = 1'000'000'007;  // keeps the ids of requests short
constexpr std::size_t kMaxDepth = 16;              // of a body's JSON

bool writes(Method method) { return method != Method::get && method != Method::head; }

Result<json::object> parse_body(const Request& request) {
  if (request.body.empty()) return json::object();
  if (!request.header("content-type").starts_with("application/json")) {
    return fail(Code::invalid_argument, "a body needs Content-Type: application/json");
  }
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value value = json::parse(request.body, error, {}, options);
  if (error || !value.is_object()) {
    return fail(Code::invalid_argument,
                "the body is not a JSON object" + (error ? ": " + error.message() : ""));
  }
  return std::move(value.get_object());
}

// denied is 401 for those who are nobody, and 403 for those who may not.
Response unauthorized(const Error& error) {
  Response response =
      error.code == Code::denied ? problem(401, "not-logged-in", error.message) : problem(error);
  if (error.code == Code::denied) response.headers.emplace_back("www-authenticate", "Bearer");
  if (error.code == Code::busy) {
    Response busy = problem(429, "too-many-attempts", error.message);
    busy.headers = std::move(response.headers);
    return busy;
  }
  return response;
}

}  // namespace

Service::Service(ServiceOptions options, ServiceParts parts)
    : options_(std::move(options)), parts_(std::move(parts)), files_(parts_.assets) {}

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options, ServiceParts parts) {
  std::unique_ptr<Service> made(new Service(std::move(options), std::move(parts)));
  Service* self = made.get();
  self->bridge_ = std::make_unique<LoopBridge>(*self->parts_.loop, *self->parts_.fleet);
  // The store answers on the server's thread, which is not there yet: nothing is asked before.
  auto opened = AccessStore::open(
      self->options_.state_dir + "/access.db",
      [self](std::function<void()> call) { self->server_->post(std::move(call)); });
  if (!opened) return opened.error();
  if (opened->recovered.quarantined) {
    runtime::log(Level::error, "tokens and sessions were damaged; they were set aside",
                 {{"damaged", *opened->recovered.quarantined}});
  }
  self->store_ = std::move(opened->store);
  self->access_ = std::make_unique<Access>(*self->store_, std::move(opened->recovered));
  self->hub_ = std::make_unique<StreamHub>(*self->bridge_, self->options_.start);
  bool link = self->options_.link || !self->access_->has_tokens();
  std::string code = link ? self->access_->make_link_code() : std::string();
  auto server = Server::prepare(
      self->options_.server,
      [self](const Request& request, const Answer& answer) { self->handle(request, answer); });
  if (!server) return server.error();
  self->server_ = *std::move(server);
  self->bridge_->connect(*self->server_);
  if (link) self->make_link(code);
  self->subscription_ = self->parts_.fleet->subscribe([self](const FleetChange& change) {
    self->server_->post([self, change] { self->hub_->publish(change, self->parts_.wall()); });
  });
  self->server_->run();
  return made;
}

Service::~Service() {
  subscription_.reset();
  if (server_) server_->stop();  // nothing runs on its thread any more
  bridge_.reset();               // what the loop still has for it is dropped
  store_.reset();                // commits what is queued; its answers are dropped
}

std::string Service::url() const {
  std::string host = options_.server.address;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return (secure() ? "https://" : "http://") + host + ":" + std::to_string(server_->port());
}

void Service::make_link(const std::string& code) {
  link_ = url() + "/login#code=" + code;
  std::string path = options_.state_dir + "/link.txt";
  ::unlink(path.c_str());
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  std::string line = link_ + "\n";
  bool kept = file >= 0 && ::write(file, line.data(), line.size()) == ssize_t(line.size());
  if (file >= 0) ::close(file);
  if (!kept) runtime::log(Level::warning, "cannot write the link", {{"file", path}});
}

void Service::link_used() { ::unlink((options_.state_dir + "/link.txt").c_str()); }

void Service::handle(const Request& request, const Answer& answer) {
  std::string id = std::to_string(options_.start % kIdRange) + "-" + std::to_string(++requests_);
  process(request, id, [answer, id, secure = secure()](Response response) {
    harden(response, secure);
    response.headers.emplace_back("x-request-id", id);
    answer(std::move(response));
  });
}

void Service::process(const Request& request, const std::string& id, const Answer& answer) {
  std::string_view path(request.path);
  bool process_route = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!process_route && path != kPrefix && !path.starts_with("/api/")) {
    return answer(files_.answer(request));
  }
  if (!process_route) {
    path = path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : std::string_view();
  }
  Match match = path.empty() ? Match() : find_route(request.method, path);
  if (!match.route && match.allowed.empty()) {
    return answer(problem(404, "not-found", "there is no such resource; see openapi.json"));
  }
  if (!match.route) {
    Response refusal = problem(405, "method-not-allowed", "allowed here: " + match.allowed);
    refusal.headers.emplace_back("allow", match.allowed);
    return answer(std::move(refusal));
  }
  Call call;
  call.request = request;
  call.now = parts_.wall();
  call.id = id;
  call.path = std::move(match.parameters);
  if (match.route->scope) {
    Result<Principal> who = access_->identify(request, writes(request.method), call.now);
    if (!who) return answer(unauthorized(who.error()));
    if (who->scope < *match.route->scope) {
      return answer(problem(403, "scope",
                            "this needs the scope '" + std::string(to_string(*match.route->scope)) +
                                "', and '" + who->name + "' has '" +
                                std::string(to_string(who->scope)) + "'"));
    }
    call.who = *std::move(who);
  }
  Result<Parameters> query = parse_query(request.query);
  if (!query) return answer(problem(query.error()));
  call.query = *std::move(query);
  Result<json::object> body = parse_body(request);
  if (!body) return answer(problem(body.error()));
  call.body = *std::move(body);
  call_route(*match.route, call, answer);
}

void Service::call_route(const Route& route, const Call& call, Answer answer) {
  if (!writes(call.request.method)) return route.run(*this, call, answer);
  std::optional<Answer> fresh = once(route, call, std::move(answer));
  if (!fresh) return;
  Answer kept = audited(route, call, *std::move(fresh));
  route.run(*this, call, kept);
}

// Nothing when the request was answered before, or is being answered now.
std::optional<Answer> Service::once(const Route& route, const Call& call, Answer answer) {
  std::string key(call.request.header("idempotency-key"));
  if (key.empty() || call.request.method != Method::post || !route.scope) return answer;
  if (key.size() > kMaxKey) {
    answer(problem(400, "invalid-argument", "Idempotency-Key: has more than 100 bytes"));
    return std::nullopt;
  }
  std::string name = call.who.name + "\n" + call.who.token + "\n" + call.request.path + "\n" + key;
  Repeats::Found found = repeats_.begin(name, call.request.body, call.now);
  switch (found.state) {
    case Repeats::State::other_body:
      answer(problem(422, "key-reused", "this Idempotency-Key came with another body before"));
      return std::nullopt;
    case Repeats::State::under_way:
      answer(problem(409, "under-way", "the request with this Idempotency-Key is under way"));
      return std::nullopt;
    case Repeats::State::answered: answer(*std::move(found.answer)); return std::nullopt;
    case Repeats::State::fresh: break;
  }
  return Answer([this, name, answer = std::move(answer)](Response response) {
    repeats_.end(name, response);
    answer(std::move(response));
  });
}

Answer Service::audited(const Route& route, const Call& call, Answer answer) {
  AuditRow row;
  row.at = call.now;
  row.who = call.who.name;
  row.from = call.request.peer;
  row.operation = route.operation;
  row.target = call.request.path.substr(0, 500);
  row.request = call.id;
  return [this, row, answer = std::move(answer)](const Response& response) {
    AuditRow line = row;
    line.status = response.status;
    store_->add(line, [answer, response](const Result<void>& kept) {
      if (!kept) {
        runtime::log_once(Level::error, "audit", "the audit cannot be written",
                          {{"problem", kept.error().message}});
      }
      answer(response);
    });
  };
}

}  // namespace spillway::cloud::http
