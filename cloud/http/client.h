#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cloud/http/exchange.h"
#include "spillway/status.h"

namespace spillway::cloud::http {

struct ClientOptions {
  std::string url;  // http(s)://host:port, and behind a proxy what comes before every path
  std::string ca;   // PEM to trust besides the system's; empty: none
  std::chrono::milliseconds timeout{40'000};  // a server says within 30 s that it cannot answer
};

struct ServerEvent {
  std::string id, name, data;
};

// A client for programs that wait: one connection, kept between calls. Errors are `unavailable`
// when the server cannot be reached or is not trusted and `timeout` when it is silent; whatever it
// answers is a Response, also a refusal. One thread.
class Client {
 public:
  static Result<Client> make(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  Result<Response> send(Method method, const std::string& target, const Headers& headers = {},
                        const std::string& body = {});
  // Reads server-sent events until `each` says false (ok) or the stream ends (unavailable). A
  // refusal is answered as it is, with events being null; so is the end.
  Result<Response> stream(const std::string& target, const Headers& headers,
                          const std::function<bool(const ServerEvent&)>& each);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Cuts a byte stream into events (HTML, "Server-sent events"). Events above the limit are dropped.
class EventReader {
 public:
  static constexpr std::size_t kMaxEvent = 16 * 1024 * 1024;
  // Calls `each` for every event that `bytes` completes; false stops.
  bool take(std::string_view bytes, const std::function<bool(const ServerEvent&)>& each);

 private:
  bool line(std::string_view text, const std::function<bool(const ServerEvent&)>& each);
  std::string rest_;
  ServerEvent event_;
};

}  // namespace spillway::cloud::http
