#include "cloud/http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "cloud/http/client.h"
#include "common/process/log.h"
#include "tests/support/eventually.h"
#include "tests/support/pki.h"
#include "tests/support/temp_dir.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud::http;
using namespace std::chrono_literals;

namespace {

// A socket without any notion of HTTP, for clients that do not behave.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  bool send(std::string_view text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size());
  }
  // What came until the server closed, or `time` passed without a byte.
  std::string read(std::chrono::milliseconds time) {
    std::string all;
    char chunk[4096];
    pollfd wait{fd_, POLLIN, 0};
    while (::poll(&wait, 1, int(time.count())) == 1) {
      ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
      if (got <= 0) {
        closed_ = true;
        break;
      }
      all.append(chunk, std::size_t(got));
    }
    return all;
  }
  // True once `text` has come.
  bool read_until(std::string_view text, std::chrono::milliseconds time) {
    auto until = std::chrono::steady_clock::now() + time;
    pollfd wait{fd_, POLLIN, 0};
    char chunk[4096];
    while (got_.find(text) == std::string::npos && std::chrono::steady_clock::now() < until) {
      if (::poll(&wait, 1, 100) != 1) continue;
      ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
      if (got <= 0) return false;
      got_.append(chunk, std::size_t(got));
    }
    return got_.find(text) != std::string::npos;
  }
  bool closed() const { return closed_; }

 private:
  int fd_;
  std::string got_;
  bool connected_ = false, closed_ = false;
};

// The process's limit of open files, put back when it goes.
class FileLimit {
 public:
  explicit FileLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now{std::min(limit, before_.rlim_max), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &now);
  }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

Response plain(std::string body) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

void echo(const Request& request, const Answer& answer) {
  answer(plain(std::string(to_string(request.method)) + " " + request.path + "?" + request.query +
               " " + std::to_string(request.body.size())));
}

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace

TEST_GROUP(HttpServer) {
  std::unique_ptr<Server> server;
  std::vector<std::shared_ptr<EventQueue>> queues;  // the server's thread

  void start(ServerOptions options = {}, Server::Handler handler = echo,
             Server::Gate gate = nullptr) {
    auto started = Server::start(std::move(options), std::move(handler), std::move(gate));
    if (!started) FAIL(started.error().message.c_str());
    server = *std::move(started);
  }
  void start_streams(ServerOptions options) {
    start(std::move(options), [this](const Request&, const Answer& answer) {
      Response response;
      response.content_type = "text/event-stream";
      response.events = std::make_shared<EventQueue>();
      queues.push_back(response.events);
      answer(std::move(response));
    });
  }
  void push(const std::string& text) {
    server->post([this, frame = std::make_shared<const std::string>(text)] {
      for (auto& queue : queues) queue->push(frame);
    });
  }
  Client client(std::chrono::milliseconds timeout = 10s) const {
    auto made = Client::make({"http://127.0.0.1:" + std::to_string(server->port()), "", timeout});
    CHECK(made.ok());
    return *std::move(made);
  }
  void teardown() override { server.reset(); }
};

TEST(HttpServer, answers_many_requests_on_one_connection) {
  start();
  Client one = client();
  for (int i = 0; i < 5; ++i) {
    auto response = one.send(Method::post, "/a%20b?x=1", {}, "four");
    CHECK(response.ok());
    CHECK_EQUAL(200u, response->status);
    STRCMP_EQUAL("POST /a%20b?x=1 4", response->body.c_str());
  }
  CHECK_EQUAL(1u, server->counts().accepted.load());
  CHECK_EQUAL(5u, server->counts().requests.load());
}

TEST(HttpServer, a_client_names_a_host_that_is_an_IPv6_address_in_brackets) {
  ServerOptions here;
  here.address = "::1";
  start(here, [](const Request& request, const Answer& answer) {
    answer(plain(std::string(request.header("host"))));
  });
  const std::string host = "[::1]:" + std::to_string(server->port());
  auto made = Client::make({"http://" + host, ""});
  CHECK(made.ok());
  auto response = made->send(Method::get, "/", {}, {});
  CHECK(response.ok());
  STRCMP_EQUAL(host.c_str(), response->body.c_str());
}

TEST(HttpServer, answers_pipelined_requests_in_order) {
  start();
  RawClient raw(server->port());
  raw.send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = raw.read(5s);
  CHECK(all.find("GET /1") < all.find("GET /2"));
  CHECK(all.find("GET /2") != std::string::npos);
  CHECK(raw.closed());
}

TEST(HttpServer, answers_HEAD_without_a_body) {
  start();
  RawClient raw(server->port());
  raw.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = raw.read(5s);
  CHECK(all.find("Content-Length: 9\r\n") != std::string::npos);
  STRCMP_EQUAL("\r\n\r\n", all.substr(all.size() - 4).c_str());
}

TEST(HttpServer, answers_HEAD_of_an_event_stream_and_ends_it) {
  start_streams({});
  RawClient raw(server->port());
  raw.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string all = raw.read(5s);
  CHECK(all.starts_with("HTTP/1.1 200"));
  STRCMP_EQUAL("\r\n\r\n", all.substr(all.size() - 4).c_str());
  CHECK(raw.closed());
  std::promise<bool> closed;
  server->post([&] { closed.set_value(queues.at(0)->closed()); });
  CHECK(closed.get_future().get());
  CHECK_EQUAL(0u, server->counts().streams.load());
}

TEST(HttpServer, refuses_on_the_headers_before_it_reads_a_body_or_asks_for_it) {
  start({}, echo, [](const Request& request) {
    Admission admission;
    if (request.path == "/no") {
      admission.refusal = plain("no");
      admission.refusal->status = 403;
    }
    admission.body_limit = 10;
    return admission;
  });
  RawClient raw(server->port());
  raw.send("POST /no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
  std::string said = raw.read(5s);
  CHECK(said.starts_with("HTTP/1.1 403"));
  CHECK(raw.closed());
  RawClient long_one(server->port());
  long_one.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  CHECK(long_one.read(5s).starts_with("HTTP/1.1 413"));
  RawClient chunks(server->port());
  chunks.send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n");
  CHECK(chunks.read(5s).starts_with("HTTP/1.1 413"));
  CHECK_EQUAL(0u, server->counts().requests.load());
}

TEST(HttpServer, a_refusal_reaches_also_those_who_send_their_body_at_once) {
  start({}, echo, [](const Request& request) {
    Admission admission;
    if (request.method == Method::post) admission.refusal = plain("no");
    return admission;
  });
  Client one = client();
  for (int i = 0; i < 5; ++i) {
    auto response = one.send(Method::post, "/", {}, std::string(500'000, 'x'));
    CHECK(response.ok());
    STRCMP_EQUAL("no", response->body.c_str());
  }
  CHECK_EQUAL(0u, server->counts().requests.load());
  CHECK_EQUAL(5u, server->counts().refused.load());
}

TEST(HttpServer, a_refused_request_without_a_body_leaves_its_connection_open) {
  start({}, echo, [](const Request& request) {
    Admission admission;
    if (request.path == "/no") admission.refusal = plain("no");
    return admission;
  });
  Client one = client();
  STRCMP_EQUAL("no", one.send(Method::get, "/no")->body.c_str());
  STRCMP_EQUAL("GET /yes? 0", one.send(Method::get, "/yes")->body.c_str());
  CHECK_EQUAL(1u, server->counts().accepted.load());
}

TEST(HttpServer, takes_an_answer_from_another_thread_also_when_it_is_gone_by_then) {
  std::promise<Answer> asked;
  start({}, [&](const Request&, Answer answer) { asked.set_value(std::move(answer)); });
  std::thread late([&] {
    Answer answer = asked.get_future().get();
    answer(plain("from afar"));
    answer(plain("twice"));
    server.reset();
    answer(plain("too late"));
  });
  Client one = client();
  auto response = one.send(Method::get, "/");
  CHECK(response.ok());
  STRCMP_EQUAL("from afar", response->body.c_str());
  late.join();
}

TEST(HttpServer, says_503_when_the_handler_does_not_answer) {
  ServerOptions options;
  options.answer_time = 50ms;
  start(options, [](const Request&, const Answer&) {});
  auto response = client().send(Method::get, "/");
  CHECK(response.ok());
  CHECK_EQUAL(503u, response->status);
}

TEST(HttpServer, refuses_headers_above_8_KiB) {
  start();
  auto response = client().send(Method::get, "/", {{"x-long", std::string(9000, 'x')}});
  CHECK(response.ok());
  CHECK_EQUAL(431u, response->status);
  STRCMP_EQUAL("application/problem+json", response->content_type.c_str());
}

TEST(HttpServer, refuses_bodies_above_1_MiB_before_they_are_sent) {
  start();
  RawClient raw(server->port());
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
  CHECK(raw.read(5s).starts_with("HTTP/1.1 413"));
  CHECK(raw.closed());
}

TEST(HttpServer, refuses_endless_chunks) {
  start();
  RawClient raw(server->port());
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  bool taken = true;
  for (int i = 0; i < 64 && taken; ++i) taken = raw.send(chunk);
  raw.read(5s);
  CHECK(raw.closed());
  CHECK_EQUAL(0u, server->counts().requests.load());
  CHECK_EQUAL(1u, server->counts().malformed.load());
}

TEST(HttpServer, takes_a_body_of_1_MiB) {
  start();
  auto response = client().send(Method::post, "/", {}, std::string(1024 * 1024, 'x'));
  CHECK(response.ok());
  STRCMP_EQUAL("POST /? 1048576", response->body.c_str());
}

TEST(HttpServer, survives_what_is_not_HTTP) {
  start();
  const std::pair<std::string_view, std::string_view> rubbish[] = {
      {"\r\n\r\n\r\n", "HTTP/1.1 400"},
      {"GET\r\n\r\n", "HTTP/1.1 400"},
      {"GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 400"},
      {"\x16\x03\x01\x02\x00\x01\x00", "HTTP/1.1 400"},
      {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400"},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "HTTP/1.1 400"},
      {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400"},
      {"GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 400"},
      {"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 400"}};
  for (const auto& [text, status] : rubbish) {
    RawClient raw(server->port());
    CHECK(raw.send(text));
    std::string said = raw.read(5s);
    STRCMP_EQUAL_TEXT(std::string(status).c_str(), said.substr(0, 12).c_str(), text.data());
    CHECK(raw.closed());
  }
  CHECK_EQUAL(std::size(rubbish), server->counts().malformed + server->counts().requests);
  CHECK_EQUAL(200u, client().send(Method::get, "/")->status);
}

TEST(HttpServer, gives_a_slow_loris_only_so_much_time) {
  ServerOptions options;
  options.header_time = 400ms;
  start(options);
  RawClient raw(server->port());
  auto began = std::chrono::steady_clock::now();
  raw.send("GET / HTTP/1.1\r\n");
  // Each byte comes in time, all of them do not.
  for (int i = 0; i < 100 && raw.send("x") && !raw.closed(); ++i) raw.read(20ms);
  CHECK(raw.closed());
  CHECK(std::chrono::steady_clock::now() - began < 1500ms);
  CHECK(test::eventually(5s, [&] { return server->counts().timed_out == 1; }));
}

TEST(HttpServer, gives_a_slow_body_only_so_much_time) {
  ServerOptions options;
  options.body_time = 300ms;
  start(options);
  RawClient raw(server->port());
  raw.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  for (int i = 0; i < 100 && raw.send("x") && !raw.closed(); ++i) raw.read(20ms);
  CHECK(raw.closed());
  CHECK(test::eventually(5s, [&] { return server->counts().timed_out == 1; }));
  CHECK_EQUAL(0u, server->counts().requests.load());
}

TEST(HttpServer, ends_idle_connections) {
  ServerOptions options;
  options.idle_time = 100ms;
  start(options);
  RawClient raw(server->port());
  raw.send(kGet);
  CHECK(raw.read(5s).starts_with("HTTP/1.1 200"));
  CHECK(raw.closed());
}

TEST(HttpServer, ends_a_client_that_does_not_read_its_answer) {
  ServerOptions options;
  options.write_time = 200ms;
  start(options, [](const Request&, const Answer& answer) {
    answer(plain(std::string(64 * 1024 * 1024, 'x')));
  });
  RawClient raw(server->port());
  raw.send(kGet);
  CHECK(test::eventually(
      5s, [&] { return server->counts().requests == 1 && server->counts().connections == 0; }));
}

TEST(HttpServer, turns_connections_away_beyond_its_limit_and_takes_them_again) {
  ServerOptions options;
  options.max_connections = 10;
  start(options);
  {
    std::vector<RawClient> many;
    many.reserve(10);
    for (int i = 0; i < 10; ++i) many.emplace_back(server->port());
    CHECK(test::eventually(5s, [&] { return server->counts().connections == 10; }));
    RawClient more(server->port());
    CHECK(more.read(5s).starts_with("HTTP/1.1 503"));
    CHECK(more.closed());
  }
  CHECK(test::eventually(5s, [&] { return server->counts().connections == 0; }));
  CHECK_EQUAL(200u, client().send(Method::get, "/")->status);
}

TEST(HttpServer, goes_on_when_there_are_no_file_descriptors_left) {
  start();
  RawClient held(server->port());
  CHECK(test::eventually(5s, [&] { return server->counts().connections == 1; }));
  auto limit = std::make_unique<FileLimit>(64);
  std::vector<int> taken;
  for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
  ::close(taken.back());
  taken.pop_back();
  RawClient waits(server->port());  // takes the last one: the server has none for it
  waits.send(kGet);
  held.send(kGet);
  bool served = held.read_until("HTTP/1.1 200", 2s);
  for (int fd : taken) ::close(fd);
  limit.reset();
  CHECK(served);
  CHECK(waits.read_until("HTTP/1.1 200", 5s));
}

TEST(HttpServer, feeds_two_thousand_event_streams) {
  FileLimit limit(8192);
  start_streams({});
  std::vector<RawClient> clients;
  for (int i = 0; i < 2000; ++i) {
    clients.emplace_back(server->port());
    CHECK(clients.back().connected());
    clients.back().send(kGet);
  }
  CHECK(test::eventually(60s, [&] { return server->counts().streams == 2000; }));
  push("data: one\n\n");
  for (RawClient& each : clients) CHECK(each.read_until("data: one", 10s));
  clients.clear();
  // A push at a time: each is two thousand frames, and a busy machine would get them faster than it
  // writes them.
  bool gone = false;
  for (int i = 0; i < 30 && !gone; ++i) {
    push("data: two\n\n");
    gone = test::eventually(2s, [&] { return server->counts().streams == 0; });
  }
  CHECK(gone);
}

TEST(HttpServer, keeps_no_more_than_the_bound_for_a_stream_that_does_not_read) {
  start_streams({});
  RawClient raw(server->port());
  raw.send(kGet);
  CHECK(test::eventually(5s, [&] { return server->counts().streams == 1; }));
  for (int i = 0; i < 100; ++i) push("data: " + std::string(1024 * 1024, 'x') + "\n\n");
  std::promise<bool> behind;
  server->post([&] { behind.set_value(queues[0]->take_behind()); });
  CHECK(behind.get_future().get());
}

TEST(HttpServer, keeps_a_silent_stream_open) {
  ServerOptions options;
  options.heartbeat = 50ms;
  start_streams(options);
  RawClient raw(server->port());
  raw.send(kGet);
  CHECK(raw.read_until(": still here\n\n: still here\n\n", 5s));
}

TEST(HttpServer, feeds_streams_also_to_those_who_ask_nothing_more) {
  ServerOptions options;
  options.heartbeat = 50ms;
  start_streams(options);
  for (const std::string asked : {"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}) {
    RawClient raw(server->port());
    raw.send(asked);
    CHECK(raw.read_until(": still here\n\n: still here\n\n", 5s));
  }
}

TEST(HttpServer, drains_idle_connections_and_streams_but_answers_what_was_asked) {
  std::promise<Answer> asked;
  start({}, [&](const Request& request, Answer answer) {
    if (request.path == "/slow") return asked.set_value(std::move(answer));
    echo(request, answer);
  });
  RawClient idle(server->port()), slow(server->port());
  idle.send(kGet);
  idle.read(200ms);
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  Answer answer = asked.get_future().get();
  server->drain();
  idle.read(5s);
  CHECK(idle.closed());
  answer(plain("still"));
  CHECK(slow.read(5s).ends_with("still"));
  CHECK(slow.closed());
}

TEST(HttpServer, speaks_TLS_to_those_who_trust_it) {
  test::TempDir directory("spillway-http");
  auto pki = test::Pki::create(directory.path());
  CHECK(pki.ok());
  auto server_files = pki->server();
  CHECK(server_files.ok());
  ServerOptions options;
  options.tls = TlsFiles{server_files->certificate, server_files->key};
  start(options, [](const Request& request, const Answer& answer) {
    answer(plain(request.secure ? "secure" : "open"));
  });
  std::string url = "https://127.0.0.1:" + std::to_string(server->port());
  auto trusting = Client::make({url, pki->ca(), 5s});
  CHECK(trusting.ok());
  for (int i = 0; i < 2; ++i) {
    auto response = trusting->send(Method::get, "/");
    if (!response) FAIL(response.error().message.c_str());
    STRCMP_EQUAL("secure", response->body.c_str());
  }
  auto wary = Client::make({url, "", 5s});
  CHECK(!wary->send(Method::get, "/").ok());
  RawClient raw(server->port());
  raw.send(kGet);
  raw.read(2s);
  CHECK(raw.closed());
}

TEST(HttpServer, says_that_others_may_read_its_key_and_serves) {
  test::TempDir directory("spillway-http");
  auto pki = test::Pki::create(directory.path());
  CHECK(pki.ok());
  auto files = pki->server();
  CHECK(files.ok());
  process::logger().keep(4096);
  const auto said = [&](mode_t mode) {
    LONGS_EQUAL(0, ::chmod(files->key.c_str(), mode));
    ServerOptions options;
    options.tls = TlsFiles{files->certificate, files->key};
    start(options);
    return process::logger().recent(10).find("private key of the HTTP server") != std::string::npos;
  };
  CHECK_FALSE(said(0640));
  CHECK(said(0644));
  process::logger().keep(0);
}

TEST(HttpServer, says_what_is_wrong_with_an_address_or_a_file) {
  auto refused = [](ServerOptions options) {
    auto started = Server::start(std::move(options), echo);
    CHECK(!started.ok());
    return started.error().message;
  };
  start();
  ServerOptions taken;
  taken.port = server->port();
  CHECK(refused(taken).find("Address already in use") != std::string::npos);
  ServerOptions name;
  name.address = "localhost";
  CHECK(refused(name).find("must be a number") != std::string::npos);
  ServerOptions missing;
  missing.tls = TlsFiles{"/nowhere.pem", "/nowhere.key"};
  CHECK(refused(missing).find("/nowhere.pem") != std::string::npos);
}

TEST(HttpServer, a_client_says_when_nobody_is_there) {
  start();
  Client one = client(2s);
  CHECK(one.send(Method::get, "/").ok());
  server.reset();
  auto response = one.send(Method::get, "/");
  CHECK(!response.ok());
  LONGS_EQUAL(int(Code::unavailable), int(response.error().code));
}
