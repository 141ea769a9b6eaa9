#include "tests/integration/mqtt/peer.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace spillway::test {
namespace {

template <class T>
T made(Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << "cannot prepare: " << result.error().message << "\n";
  std::abort();
}

}  // namespace

World::World()
    : pki(made(Pki::create(dir.path()))),
      other_pki(made(Pki::create(dir.path(), "other"))),
      server(made(pki.server())),
      cloud(made(pki.device("cloud"))),
      pump(made(pki.device("pump-17"))),
      valve(made(pki.device("valve-3"))) {}

const World& World::get() {
  static const World world;
  return world;
}

Peer::Peer(process::Loop& loop, std::string uri, const Credentials* credentials, std::string name)
    : transport(std::make_unique<mqtt::PahoTransport>(loop)) {
  options.uri = std::move(uri);
  options.client_id = std::move(name);
  if (credentials) {
    options.tls = mqtt::Tls{credentials->ca, credentials->certificate, credentials->key};
  }
  transport->listen({
      .connected = [this] { ++ups; },
      .disconnected =
          [this](const Error& error) {
            problems.push_back(error.message);
            codes.push_back(error.code);
          },
      .message =
          [this](std::string topic, Bytes payload) {
            if (on_message) return on_message(topic, std::move(payload));
            messages.emplace_back(std::move(topic), as_text(payload));
          },
      .published = [this] { ++published; },
      .refused = [this](const Error& error) { refusals.push_back(error.message); },
  });
}

bool Peer::got(const std::string& topic, const std::string& text) const {
  return std::find(messages.begin(), messages.end(), std::pair(topic, text)) != messages.end();
}

bool run_until(process::Loop& loop, std::chrono::milliseconds timeout,
               const std::function<bool()>& predicate) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    loop.run_ready();
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  return true;
}

void run_for(process::Loop& loop, std::chrono::milliseconds time) {
  run_until(loop, time, [] { return false; });
}

}  // namespace spillway::test
