#include "cloud/api/service.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "cloud/api/routes.h"
#include "cloud/api/views_json.h"
#include "common/process/log.h"

namespace spillway::cloud::api {
namespace {

using process::Level;

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::size_t kMaxKey = 100;               // bytes of an Idempotency-Key
constexpr std::uint64_t kIdRange = 1'000'000'007;  // keeps the ids of requests short
constexpr std::size_t kMaxDepth = 16;              // of a body's JSON
constexpr std::uint64_t kOpenBody = 4096;          // bytes from those whom nobody knows yet
constexpr std::size_t kMaxTarget = 500;            // bytes of a path in the audit
constexpr std::size_t kMaxCallers = 10'000;        // whose refusals are counted
constexpr std::size_t kMaxLate = 1000;             // lines of the audit that wait for a disk
constexpr double kRefusalBurst = 10, kRefusalsPerSecond = 1.0 / 60;  // of one caller, written

bool writes(Method method) { return method != Method::get && method != Method::head; }

Result<json::object> parse_body(const Request& request) {
  if (request.body.empty()) return json::object();
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

// Forms can be sent by any page; JSON only by one that this server lets.
bool needs_json(const Request& request) {
  std::string_view length = request.header("content-length");
  return request.method == Method::post || request.method == Method::put ||
         request.method == Method::patch || (!length.empty() && length != "0") ||
         !request.header("transfer-encoding").empty();
}

// A proxy on this machine carries the requests of others. One that does not say so, and names the
// server by its address, cannot be told from a client here: that is for the configuration to know.
bool from_here(const Request& request) {
  if (!request.from_loopback || !http::names_this_machine(request.header("host"))) return false;
  return std::none_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
    const std::string& name = header.first;
    return name.starts_with("x-forwarded-") || name == "forwarded" || name == "via" ||
           name == "x-real-ip";
  });
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
    : options_(std::move(options)),
      parts_(std::move(parts)),
      files_(parts_.assets),
      refusals_(kRefusalBurst, kRefusalsPerSecond) {}

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options, ServiceParts parts) {
  std::unique_ptr<Service> made(new Service(std::move(options), std::move(parts)));
  Service* self = made.get();
  self->bridge_ = std::make_unique<LoopBridge>(*self->parts_.loop, *self->parts_.fleet);
  // The store answers on the server's thread, which is not there yet: nothing is asked before.
  auto opened = access::AccessStore::open(
      self->options_.state_dir + "/access.db",
      [self](std::function<void()> call) { self->server_->post(std::move(call)); });
  if (!opened) return opened.error();
  if (opened->recovered.quarantined) {
    process::log(Level::error, "tokens and sessions were damaged; they were set aside",
                 {{"damaged", *opened->recovered.quarantined}});
  }
  self->store_ = std::move(opened->store);
  self->hub_ = std::make_unique<StreamHub>(*self->bridge_, self->options_.start);
  self->access_ = std::make_unique<access::Access>(
      *self->store_, std::move(opened->recovered),
      [self](const Digest& session) { self->hub_->end_session(session); });
  bool link = self->options_.link || !self->access_->has_tokens();
  std::string code = link ? self->access_->make_link_code() : std::string();
  auto server = http::Server::prepare(
      self->options_.server,
      [self](const Request& request, const Answer& answer) { self->handle(request, answer); },
      [self](const Request& request) { return self->admit(request); });
  if (!server) return server.error();
  self->server_ = *std::move(server);
  std::vector<std::string> names = self->server_->certified_names();
  names.insert(names.end(), self->options_.names.begin(), self->options_.names.end());
  self->names_ = http::OwnNames(std::move(names));
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
  if (!kept) process::log(Level::warning, "cannot write the link", {{"file", path}});
}

void Service::link_used() { ::unlink((options_.state_dir + "/link.txt").c_str()); }

std::string Service::next_id() {
  return std::to_string(options_.start % kIdRange) + "-" + std::to_string(++requests_);
}

void Service::finish(Response& response, const std::string& id) const {
  http::harden(response, secure());
  response.headers.emplace_back("x-request-id", id);
}

// What the headers say is decided before a body is read.
http::Admission Service::admit(const Request& request) {
  Duration now = parts_.wall();
  Entry entry = enter(request, now);
  bool open = entry.match.route && !entry.match.route->scope;
  if (!entry.refusal) return {std::nullopt, open ? std::optional(kOpenBody) : std::nullopt};
  std::string id = next_id();
  if (entry.who) audit_refusal(entry, request, id, now);
  finish(*entry.refusal, id);
  return {std::move(entry.refusal), {}};
}

void Service::handle(const Request& request, const Answer& answer) {
  std::string id = next_id();
  process(request, id, [this, answer, id](Response response) {
    finish(response, id);
    answer(std::move(response));
  });
}

// Which operation it is, and who asks for it; or why not. No route: a file.
Service::Entry Service::enter(const Request& request, Duration now) {
  Entry entry;
  std::string_view path(request.path);
  bool probe = path == "/healthz" || path == "/readyz";
  if (!probe) entry.refusal = names_.misdirected(request);
  if (entry.refusal) return entry;
  bool process_route = probe || path == "/metrics";
  if (!process_route && path != kPrefix && !path.starts_with("/api/")) {
    if (writes(request.method)) entry.refusal = files_.answer(request);
    return entry;
  }
  if (!process_route) {
    path = path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : std::string_view();
  }
  if (!path.empty()) entry.match = find_route(request.method, path);
  if (!entry.match.route && entry.match.allowed.empty()) {
    entry.refusal = problem(404, "not-found", "there is no such resource; see openapi.json");
  } else if (!entry.match.route) {
    entry.refusal = problem(405, "method-not-allowed", "allowed here: " + entry.match.allowed);
    entry.refusal->headers.emplace_back("allow", entry.match.allowed);
  } else {
    authorise(entry, request, now);
  }
  return entry;
}

void Service::authorise(Entry& entry, const Request& request, Duration now) {
  const Route& route = *entry.match.route;
  std::optional<Scope> needed = route.scope;
  if (request.path == "/metrics" && options_.open_metrics && from_here(request)) needed.reset();
  if (needed) {
    access::Access::Identified found = access_->identify(request, writes(request.method), now);
    entry.who = std::move(found.who);
    if (found.refused) {
      entry.refusal = unauthorized(*found.refused);
      return;
    }
    if (entry.who->scope < *needed) {
      entry.refusal =
          problem(403, "scope",
                  "this needs the scope '" + std::string(to_string(*needed)) + "', and '" +
                      entry.who->name + "' has '" + std::string(to_string(entry.who->scope)) + "'");
      return;
    }
  }
  if (!writes(request.method)) return;
  entry.refusal = names_.foreign(request);
  if (!entry.refusal && needs_json(request) && !http::is_json(request.header("content-type"))) {
    entry.refusal = problem(415, "not-json", "a write needs Content-Type: application/json");
  }
}

void Service::process(const Request& request, const std::string& id, const Answer& answer) {
  Call call;
  call.now = parts_.wall();
  Entry entry = enter(request, call.now);
  if (entry.refusal) return answer(*std::move(entry.refusal));
  if (!entry.match.route) return answer(files_.answer(request));
  call.request = request;
  call.id = id;
  call.path = std::move(entry.match.parameters);
  if (entry.who) call.who = *std::move(entry.who);
  Result<http::Parameters> query = http::parse_query(request.query);
  if (!query) return answer(problem(query.error()));
  call.query = *std::move(query);
  Result<json::object> body = parse_body(request);
  if (!body) return answer(problem(body.error()));
  call.body = *std::move(body);
  call_route(*entry.match.route, call, answer);
}

void Service::call_route(const Route& route, const Call& call, Answer answer) {
  if (!writes(call.request.method)) return route.run(*this, call, answer);
  std::optional<Answer> fresh = once(route, call, std::move(answer));
  if (!fresh) return;
  Answer kept = audited(route, call, *std::move(fresh));
  route.run(*this, call, kept);
}

// Guards a POST by its Idempotency-Key: the answer that its route is to give, which is kept;
// nothing when the request was answered before, or is being answered now.
std::optional<Answer> Service::once(const Route& route, const Call& call, Answer answer) {
  std::string key(call.request.header("idempotency-key"));
  if (key.empty() || call.request.method != Method::post || !route.scope) return answer;
  if (key.size() > kMaxKey) {
    answer(problem(400, "invalid-argument", "Idempotency-Key: has more than 100 bytes"));
    return std::nullopt;
  }
  if (route.keeps_keys) return answer;
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

// Strangers leave nothing: what they open is written once it is known who they are.
Answer Service::audited(const Route& route, const Call& call, Answer answer) {
  if (!route.scope) return answer;
  access::AuditRow row = audit_row(route, call.request, call.who, call.id, call.now);
  return [this, row, answer = std::move(answer)](const Response& response) {
    access::AuditRow line = row;
    line.status = response.status;
    write_audit(line, [answer, response] { answer(response); });
  };
}

void Service::audit_login(const Call& call, const Principal& who, const Response& response,
                          const Answer& answer) {
  const Route& route = *find_route(Method::post, "/session").route;
  access::AuditRow row = audit_row(route, call.request, who, call.id, call.now);
  row.status = response.status;
  write_audit(row, [answer, response] { answer(response); });
}

access::AuditRow Service::audit_row(const Route& route, const Request& request,
                                    const Principal& who, const std::string& id, Duration now) {
  access::AuditRow row;
  row.at = now;
  row.who = who.name;
  row.from = request.peer;
  row.operation = route.operation;
  row.target = request.path.substr(0, kMaxTarget);
  row.request = id;
  row.token = who.token;
  if (who.session) row.session = access::id_of(*who.session);
  return row;
}

// Bounded by caller: whoever asks for what is not theirs again and again must not push out what
// others did.
void Service::audit_refusal(const Entry& entry, const Request& request, const std::string& id,
                            Duration now) {
  access::AuditRow row = audit_row(*entry.match.route, request, *entry.who, id, now);
  row.status = entry.refusal->status;
  std::string caller = row.token + "/" + row.session;
  if (unwritten_.size() >= kMaxCallers) unwritten_.clear();
  std::uint64_t& unwritten = unwritten_[caller];
  if (refusals_.wait(caller, now) > Duration::zero()) {
    ++unwritten;
    return;
  }
  refusals_.failed(caller, now);
  row.unwritten = std::exchange(unwritten, 0);
  write_audit(row, [] {});
}

// What a disk does not take goes with the next that it takes.
void Service::write_audit(const access::AuditRow& row, std::function<void()> then) {
  store_->add(row, [this, row, then = std::move(then)](const Result<void>& kept) {
    if (!kept) {
      process::log_once(Level::error, "audit", "the audit cannot be written",
                        {{"problem", kept.error().message}});
      if (late_.size() < kMaxLate) late_.push_back(row);
    } else {
      for (const access::AuditRow& late : std::exchange(late_, {})) write_audit(late, [] {});
    }
    then();
  });
}

}  // namespace spillway::cloud::api
