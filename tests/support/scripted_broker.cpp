#include "tests/support/scripted_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace spillway::test {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr unsigned kConnect = 1, kPublish = 3, kSubscribe = 8, kUnsubscribe = 10, kPing = 12,
                   kDisconnect = 14;
constexpr std::uint8_t kKeepAliveTimeout = 0x8D;
constexpr int kTick = 20;  // ms

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes));
  return text;
}

std::string length(std::size_t size) {
  std::string text;
  do {
    const auto more = static_cast<unsigned>(size >= 128 ? 0x80 : 0);
    text += static_cast<char>((size & 0x7F) | more);
    size >>= 7;
  } while (size > 0);
  return text;
}

std::string packet(unsigned first, const std::string& body) {
  return static_cast<char>(first) + length(body.size()) + body;
}

std::string with_length(const std::string& properties) {
  return length(properties.size()) + properties;
}

// Reads what a test's own client wrote; past the end come zeros.
struct Reader {
  std::string_view rest;
  std::uint64_t number(int bytes) {
    std::uint64_t value = 0;
    while (bytes-- > 0) {
      value = value << 8 | (rest.empty() ? 0 : static_cast<unsigned char>(rest[0]));
      rest.remove_prefix(rest.empty() ? 0 : 1);
    }
    return value;
  }
  std::size_t length() {
    std::size_t value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
      const std::uint64_t byte = number(1);
      value |= (byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  }
  std::string take(std::size_t size) {
    std::string text(rest.substr(0, size));
    rest.remove_prefix(text.size());
    return text;
  }
  std::string text() { return take(number(2)); }
};

SeenConnect parse_connect(Reader body) {
  SeenConnect seen;
  body.text();     // MQTT
  body.number(1);  // 5
  const std::uint64_t flags = body.number(1);
  seen.keep_alive = static_cast<std::uint16_t>(body.number(2));
  body.take(body.length());
  seen.client_id = body.text();
  if (flags & 0x04) {
    body.take(body.length());
    seen.will_topic = body.text();
    body.text();
  }
  if (flags & 0x80) seen.user = body.text();
  if (flags & 0x40) seen.password = body.text();
  return seen;
}

struct Client {
  int socket;
  std::string input;
  SteadyClock::time_point heard = SteadyClock::now();
  bool connected = false;
  bool over = false;
};

void say(const Client& client, const std::string& bytes) {
  [[maybe_unused]] const auto sent =
      ::send(client.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace

std::string property(std::uint8_t id, std::uint8_t value) {
  return number(id, 1) + number(value, 1);
}
std::string property(std::uint8_t id, std::uint16_t value) {
  return number(id, 1) + number(value, 2);
}
std::string property(std::uint8_t id, std::uint32_t value) {
  return number(id, 1) + number(value, 4);
}
std::string property(std::uint8_t id, const std::string& text) {
  return number(id, 1) + number(text.size(), 2) + text;
}

struct ScriptedBroker::State {
  ~State();
  void run();
  void serve(Client& client);
  bool next_packet(Client& client);
  void answer_to(Client& client, unsigned first, Reader body);
  void accept_one();
  void expire();

  mutable std::mutex mutex;  // everything but the socket that listens
  int listener = -1;
  std::uint16_t port = 0;
  bool stop = false, silent = false;
  std::uint8_t reason = 0;
  std::string properties;
  std::optional<std::chrono::milliseconds> patience;
  std::vector<Client> clients;
  std::vector<SeenConnect> connects;
  std::vector<std::string> published;
  std::size_t left = 0, timed_out = 0;
  std::thread thread;
};

ScriptedBroker::State::~State() {
  {
    std::lock_guard lock(mutex);
    stop = true;
  }
  if (thread.joinable()) thread.join();
  for (const Client& client : clients) ::close(client.socket);
  if (listener >= 0) ::close(listener);
}

void ScriptedBroker::State::accept_one() {
  const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket >= 0) clients.push_back({socket, {}});
}

void ScriptedBroker::State::answer_to(Client& client, unsigned first, Reader body) {
  const unsigned kind = first >> 4;
  if (kind == kDisconnect) client.over = true;
  if (kind == kConnect) connects.push_back(parse_connect(body));
  if (silent) return;
  if (kind == kConnect) {
    client.connected = reason == 0;
    say(client, packet(0x20, number(0, 1) + number(reason, 1) + with_length(properties)));
  } else if (kind == kPublish) {
    published.push_back(body.text());
    if (first & 0x06) say(client, packet(0x40, number(body.number(2), 2)));
  } else if (kind == kSubscribe) {
    say(client, packet(0x90, number(body.number(2), 2) + number(0, 1) + number(1, 1)));
  } else if (kind == kUnsubscribe) {
    say(client, packet(0xB0, number(body.number(2), 2) + number(0, 1) + number(0x11, 1)));
  } else if (kind == kPing) {
    say(client, packet(0xD0, {}));
  }
}

bool ScriptedBroker::State::next_packet(Client& client) {
  Reader reader{client.input};
  if (reader.rest.size() < 2) return false;
  const auto first = static_cast<unsigned>(reader.number(1));
  const std::size_t size = reader.length();
  if (reader.rest.size() < size) return false;
  const std::string body = reader.take(size);
  client.input.erase(0, client.input.size() - reader.rest.size());
  answer_to(client, first, {body});
  return true;
}

void ScriptedBroker::State::serve(Client& client) {
  char buffer[4096];
  for (;;) {
    const auto got = ::recv(client.socket, buffer, sizeof buffer, 0);
    if (got == 0) client.over = true;
    if (got <= 0) break;
    client.input.append(buffer, static_cast<std::size_t>(got));
    client.heard = SteadyClock::now();
  }
  while (next_packet(client)) {
  }
}

void ScriptedBroker::State::expire() {
  for (Client& client : clients) {
    if (!patience || !client.connected || SteadyClock::now() - client.heard < *patience) continue;
    say(client, packet(0xE0, number(kKeepAliveTimeout, 1)));
    ::shutdown(client.socket, SHUT_RDWR);
    client.over = true;
    ++timed_out;
  }
}

void ScriptedBroker::State::run() {
  for (;;) {
    std::vector<pollfd> sockets;
    {
      std::lock_guard lock(mutex);
      if (stop) return;
      sockets.push_back({listener, POLLIN, 0});
      for (const Client& client : clients) sockets.push_back({client.socket, POLLIN, 0});
    }
    ::poll(sockets.data(), sockets.size(), kTick);
    std::lock_guard lock(mutex);
    if (sockets[0].revents) accept_one();
    for (Client& client : clients) serve(client);
    expire();
    std::erase_if(clients, [this](const Client& client) {
      if (!client.over) return false;
      ::close(client.socket);
      ++left;
      return true;
    });
  }
}

Result<ScriptedBroker> ScriptedBroker::start() {
  auto state = std::make_unique<State>();
  state->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(state->listener, raw, size) != 0 || ::listen(state->listener, 16) != 0 ||
      ::getsockname(state->listener, raw, &size) != 0) {
    return fail(Code::io, "cannot listen on 127.0.0.1");
  }
  state->port = ntohs(address.sin_port);
  state->thread = std::thread([broker = state.get()] { broker->run(); });
  return ScriptedBroker(std::move(state));
}

ScriptedBroker::ScriptedBroker(std::unique_ptr<State> state) : state_(std::move(state)) {}
ScriptedBroker::~ScriptedBroker() = default;
ScriptedBroker::ScriptedBroker(ScriptedBroker&&) noexcept = default;

std::uint16_t ScriptedBroker::port() const { return state_->port; }
std::string ScriptedBroker::uri() const { return "mqtt://127.0.0.1:" + std::to_string(port()); }

void ScriptedBroker::answer(std::uint8_t reason, std::string properties) {
  std::lock_guard lock(state_->mutex);
  state_->reason = reason;
  state_->properties = std::move(properties);
}

void ScriptedBroker::part(std::uint8_t reason, const std::string& properties) {
  std::lock_guard lock(state_->mutex);
  for (const Client& client : state_->clients) {
    say(client, packet(0xE0, number(reason, 1) + with_length(properties)));
  }
}

void ScriptedBroker::fall_silent(bool silent) {
  std::lock_guard lock(state_->mutex);
  state_->silent = silent;
}

void ScriptedBroker::expect_within(std::chrono::milliseconds most) {
  std::lock_guard lock(state_->mutex);
  state_->patience = most;
}

void ScriptedBroker::close_all() {
  std::lock_guard lock(state_->mutex);
  for (Client& client : state_->clients) {
    ::shutdown(client.socket, SHUT_RDWR);
    client.over = true;
  }
}

std::vector<SeenConnect> ScriptedBroker::connects() const {
  std::lock_guard lock(state_->mutex);
  return state_->connects;
}

std::vector<std::string> ScriptedBroker::published() const {
  std::lock_guard lock(state_->mutex);
  return state_->published;
}

std::size_t ScriptedBroker::left() const {
  std::lock_guard lock(state_->mutex);
  return state_->left;
}

std::size_t ScriptedBroker::timed_out() const {
  std::lock_guard lock(state_->mutex);
  return state_->timed_out;
}

}  // namespace spillway::test
